"""Study files that are no study: every one ends in a clear message, and never in a traceback."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import yaml

from hpo.config import load
from hpo.config.document import LARGEST, Dumper, parse_mapping, parse_value
from hpo.errors import ConfigurationError

NOT_A_STUDY = [
    (b"", ":1: the file is empty"),
    (b"# only a comment\n", ":1: the file is empty"),
    (b"---\n", ":1: the file is empty"),
    (b"- a\n- b\n", ":1: must be a mapping of keys at the top, found a list"),
    (b"\njust words\n", ":2: must be a mapping of keys at the top, found a single value"),
    (b"study: a\nmodel: b: c\n", ":2: not YAML: mapping values are not allowed here"),
    (b"study: a\ndata: {train: x\n", ":3: not YAML"),
    (b"study: a\n\tmodel: b\n", ":2: not YAML"),
    (b"study: a\n---\nstudy: b\n", ":2: not YAML: expected a single document in the stream but found another"),
    (b"study: a\nmodel: \xff\xfe\n", ":2: not UTF-8 text"),
    (b"study: a\nmodel: \x00\x01\n", ":2: not text"),
    (b"study: " + b"[" * 5000, ": not YAML that can be read: nested too deeply"),
    (b"study: &again [*again]\n", "an anchor unfolds without end"),
    (b"study: *nowhere\n", ":1: not YAML: found undefined alias"),
    (b"study: !!python/object/apply:os.system [ls]\n", ":1: the tag !!python/object/apply:os.system is not read"),
    (b"study: ${HOME}\ndata: {train: ${HOME}}\n", ":2: not YAML"),
    (b"{" * 3, ":1: not YAML"),
    (b"x" * (LARGEST + 1), "larger than 1 MiB, so this is no study file"),
]


@pytest.mark.parametrize(("content", "words"), NOT_A_STUDY)
def test_what_is_no_study_is_told_with_its_line(content: bytes, words: str, tmp_path: Path) -> None:
    file = tmp_path / "study.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as raised:
        load(file)
    assert words in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_variable_without_quotes_inside_braces_is_explained(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match='needs quotes: "\\$\\{NAME\\}"'):
        parse_mapping("data: {train: ${HOME}}\n", "study.yaml", tmp_path)


def test_a_missing_file_names_its_neighbours(studies: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no such file\n.*classification.yaml"):
        load(studies / "nothing.yaml")


def test_a_folder_is_not_read(studies: Path) -> None:
    with pytest.raises(ConfigurationError, match="a folder"):
        load(studies)


def test_keys_that_stand_twice_are_faults_at_any_depth(tmp_path: Path) -> None:
    text = "a: 1\nb:\n  c: [{d: 1,\n    d: 2}]\na: 2\n"
    draft = parse_mapping(text, "study.yaml", tmp_path)
    assert [(fault.where, fault.what) for fault in draft.sorted_faults()] == [
        ("study.yaml:4", "the key `d` stands here twice (first in line 3)"),
        ("study.yaml:5", "the key `a` stands here twice (first in line 1)"),
    ]


@pytest.mark.parametrize("key", ["1", "true", "null", "[a]", "1e5"])
def test_a_key_that_is_no_text_is_a_fault(key: str, tmp_path: Path) -> None:
    draft = parse_mapping(f"study: a\n? {key}\n: x\n", "study.yaml", tmp_path)
    assert [fault.where for fault in draft.sorted_faults()] == ["study.yaml:2"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-5", 1e-5),
        ("1E3", 1000.0),
        ("-.5", -0.5),
        ("1.", 1.0),
        ("+3", 3),
        ("010", 10),
        ("0x1F", 31),
        ("-.inf", -math.inf),
        ("True", True),
        ("~", None),
        ("", None),
        ("no", "no"),
        ("on", "on"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("2024-01-01", "2024-01-01"),
        ("'1e-5'", "1e-5"),
        ("[1, 2e0]", (1, 2.0)),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    read = parse_value(text, "--set x")
    assert read == value
    assert type(read) is type(value)


def test_not_a_number_is_recognised() -> None:
    assert math.isnan(parse_value(".nan", "--set x"))


@pytest.mark.parametrize("value", ["1e-5", "010", "no", "true", "~", "", ".nan", "a: b", "- a", 1e-05, 1e300, 3, None])
def test_what_is_written_reads_back_as_the_same_value(value: object, tmp_path: Path) -> None:
    text = yaml.dump({"x": value}, Dumper=Dumper)
    assert parse_mapping(text, "study.yaml", tmp_path).values == {"x": value}

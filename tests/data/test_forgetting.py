"""Text that nothing is tuned for: any data format, every row with text, part of what a study is."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.config import load_text
from hpo.data import prepare
from hpo.data.forgetting import read_forgetting
from hpo.errors import DataError

STUDY = """
study: poems
model: Qwen/Qwen3-0.6B
task: language_modeling
data: {train: rows.txt, split: {validation: 0.2, test: 0}}
search_space: {learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}}
objectives: [{metric: loss, direction: minimize}]
"""


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("other.txt", "one\ntwo\n"),
        ("other.jsonl", '{"text": "one", "more": 1}\n{"text": "two"}\n'),
        ("other.csv", "text,label\none,a\ntwo,b\n"),
    ],
)
def test_any_data_format_with_a_column_text_is_read(name: str, content: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    rows = read_forgetting(str(tmp_path / name))
    assert rows.frame["text"].tolist() == ["one", "two"] and rows.ids.tolist() == ["0", "1"]


@pytest.mark.parametrize(
    ("content", "where", "what"),
    [
        ('{"body": "one"}\n', "", "the file has no column `text`"),
        ('{"text": "one"}\n{"text": ""}\n', ":2", "the row has no text"),
        ('{"text": "one"}\n{"text": 3}\n', ":2", "`text` is 3, no text"),
    ],
)
def test_a_row_without_text_is_told_by_its_line(content: str, where: str, what: str, tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text(content)
    with pytest.raises(DataError) as caught:
        read_forgetting(str(file))
    assert (caught.value.faults[0].where, caught.value.faults[0].what) == (f"{file}{where}", what)


def test_another_text_makes_another_study(tmp_path: Path) -> None:
    (tmp_path / "rows.txt").write_text("".join(f"line {i} of a poem about {i * i}\n" for i in range(20)))

    def fingerprint(text: str | None) -> str:
        key = "" if text is None else ", forgetting: other.txt"
        (tmp_path / "other.txt").write_text(text or "")
        splits = prepare(load_text(STUDY.replace("test: 0}", f"test: 0}}{key}"), "poems.yaml", tmp_path))
        assert (splits.forgetting is None) is (text is None)
        return splits.fingerprint

    assert len({fingerprint(None), fingerprint("one\n"), fingerprint("two\n")}) == 3
    assert fingerprint("one\n") == fingerprint("one\n")

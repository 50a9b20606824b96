"""Claims about written data files: what is read again is what was written."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hpo.data.read import read_frame
from hpo.data.write import write_frame
from hpo.errors import DataError

TURNS = [{"role": "user", "content": 'say "hi",\nplease'}, {"role": "assistant", "content": "hi"}]
PACKED = ["", ".gz", ".zst"]


def records(frame: pd.DataFrame) -> list[dict[str, object]]:
    return [dict(zip(frame.columns, row, strict=True)) for row in frame.itertuples(index=False, name=None)]


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("ending", [".jsonl", ".parquet"])
def test_nested_values_missing_ones_and_numbers_come_back(tmp_path: Path, ending: str, packed: str):
    given = [
        {"messages": TURNS, "n": 3, "share": 0.25, "label": None},
        {"messages": TURNS[:1], "n": 4, "share": 1.5, "label": "é"},
    ]
    path = tmp_path / f"rows{ending}{packed}"
    write_frame(pd.DataFrame(given, dtype=object), path)
    assert records(read_frame(path)) == given


@pytest.mark.parametrize("packed", PACKED)
def test_csv_holds_conversations_as_json_text(tmp_path: Path, packed: str):
    path = tmp_path / f"rows.csv{packed}"
    write_frame(pd.DataFrame({"messages": [TURNS], "n": [3.0], "label": [None]}, dtype=object), path)
    (row,) = records(read_frame(path))
    assert json.loads(row["messages"]) == TURNS
    assert (row["n"], row["label"]) == ("3", None)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
@given(texts=st.lists(TEXT, min_size=1, max_size=4), ending=st.sampled_from([".jsonl", ".csv", ".parquet"]))
def test_any_text_comes_back(tmp_path: Path, texts: list[str], ending: str):
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(len(texts))], "text": texts}, dtype=object)
    write_frame(frame, tmp_path / f"rows{ending}")
    back = read_frame(tmp_path / f"rows{ending}")["text"].tolist()
    assert [value or "" for value in back] == texts


def test_from_every_format_to_every_other_and_back(tmp_path: Path):
    given = [{"id": "a", "text": 'one, "two"\nthree'}, {"id": "b", "text": " spaces "}]
    write_frame(pd.DataFrame(given, dtype=object), tmp_path / "0.jsonl")
    for before, after in [("0.jsonl", "1.csv.gz"), ("1.csv.gz", "2.parquet"), ("2.parquet", "3.jsonl.zst")]:
        write_frame(read_frame(tmp_path / before), tmp_path / after)
    assert records(read_frame(tmp_path / "3.jsonl.zst")) == given


def test_a_text_file_has_a_row_a_line(tmp_path: Path):
    write_frame(pd.DataFrame({"text": ["one two", "three\u2028four"]}), tmp_path / "rows.txt")
    assert read_frame(tmp_path / "rows.txt")["text"].tolist() == ["one two", "three\u2028four"]


@pytest.mark.parametrize(
    ("frame", "name", "what"),
    [
        (pd.DataFrame({"text": ["a\nb"]}), "rows.txt", "line break"),
        (pd.DataFrame({"text": ["a", " "]}), "rows.txt", "row 1 is empty"),
        (pd.DataFrame({"text": ["a"], "label": ["b"]}), "rows.txt", "there is also label"),
        (pd.DataFrame({"text": ["a"]}), "rows.xlsx", "not a format"),
        (pd.DataFrame({"text": ["a"]}), "rows.gz", "not a format"),
        (pd.DataFrame({"text": []}), "rows.csv", "no rows"),
        (pd.DataFrame({"text": ["a", 1]}, dtype=object), "rows.parquet", "mixes kinds"),
        (pd.DataFrame({"x": [math.inf]}), "rows.jsonl", "row 0 does not fit JSON"),
        (pd.DataFrame({"text": ["\ud800"]}, dtype=object), "rows.jsonl", "surrogate"),
        (pd.DataFrame({"text": ["a"]}), "none/rows.jsonl", "cannot be written"),
    ],
)
def test_what_cannot_be_written_is_told_and_leaves_no_file(tmp_path: Path, frame: pd.DataFrame, name: str, what: str):
    with pytest.raises(DataError, match=what):
        write_frame(frame, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_stays_whole_when_writing_fails(tmp_path: Path):
    path = tmp_path / "rows.jsonl"
    write_frame(pd.DataFrame({"text": ["old"]}), path)
    with pytest.raises(DataError):
        write_frame(pd.DataFrame({"text": [object()]}), path)
    assert read_frame(path)["text"].tolist() == ["old"]
    assert [each.name for each in tmp_path.iterdir()] == ["rows.jsonl"]


@pytest.mark.parametrize("packed", PACKED)
def test_equal_rows_give_equal_bytes(tmp_path: Path, packed: str):
    frame = pd.DataFrame({"text": ["a", "b"], "x": np.array([1.0, np.nan])})
    for name in ("one", "two"):
        write_frame(frame, tmp_path / f"{name}.jsonl{packed}")
    assert (tmp_path / f"one.jsonl{packed}").read_bytes() == (tmp_path / f"two.jsonl{packed}").read_bytes()
    assert records(read_frame(tmp_path / f"one.jsonl{packed}"))[1] == {"text": "b", "x": None}

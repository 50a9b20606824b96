"""Claims about reading data files."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import pandas as pd
import pytest
import zstandard

from hpo.data import read_frame
from hpo.errors import DataError

LINES = b'{"text": "one", "n": 1}\n\n{"text": "two"}\n'
CSV = b'text,label\r\n"a, ""b""\nc",1\r\n,NA\r\n'


def file(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).write_bytes(content)
    return folder / name


def test_a_line_of_jsonl_is_a_row_and_its_index_is_the_line(tmp_path: Path):
    frame = read_frame(file(tmp_path, "a.jsonl", LINES))
    assert frame["text"].tolist() == ["one", "two"]
    assert (frame.index.name, frame.index.tolist()) == ("line", [1, 3])
    assert frame["n"].tolist()[0] == 1 and pd.isna(frame["n"].tolist()[1])


def test_csv_is_read_as_text_and_an_empty_field_is_missing(tmp_path: Path):
    frame = read_frame(file(tmp_path, "a.csv", CSV))
    assert frame["text"].tolist() == ['a, "b"\nc', None]
    assert frame["label"].tolist() == ["1", "NA"]
    assert frame.index.tolist() == [3, 4]  # the lines on which the records end


def test_a_line_of_text_is_a_row(tmp_path: Path):
    frame = read_frame(file(tmp_path, "a.txt", "grün\n\nblau\r\n".encode()))
    assert frame["text"].tolist() == ["grün", "blau"]


def test_parquet_keeps_whole_numbers_beside_missing_ones_and_nested_values(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pd.DataFrame({"n": pd.array([1, None], dtype="Int64"), "m": [[{"role": "user"}], []]}).to_parquet(path)
    frame = read_frame(path)
    assert frame["n"].tolist() == [1, None]
    assert frame["m"].tolist() == [[{"role": "user"}], []]
    assert frame.index.name == "row"


@pytest.mark.parametrize(("ending", "press"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_a_compressed_file_holds_the_same_rows(tmp_path: Path, ending: str, press):
    plain = read_frame(file(tmp_path, "a.jsonl", LINES))
    assert read_frame(file(tmp_path, f"b.jsonl{ending}", press(LINES))).equals(plain)
    with pytest.raises(DataError, match=f"not a whole {ending}"):
        read_frame(file(tmp_path, f"c.jsonl{ending}", press(LINES)[:-6]))


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b'{"text": "x"}\n{"text": \n', "a.jsonl:2: broken JSON"),
        ("a.jsonl", b'"just text"\n', "a.jsonl:1: not an object but str"),
        ("a.json", b'[{"text": "x"}]', "jq -c '.[]' a.json > a.jsonl"),
        ("a.jsonl", b"", "empty"),
        ("a.jsonl", b" \n\n", "empty"),
        ("a.csv", b"text,label\n", "no rows"),
        ("a.csv", b"text,label\nx\n", "a.csv:2: 1 fields where the header has 2"),
        ("a.csv", b"text,text\nx,y\n", "twice"),
        ("a.csv", b"text;label\nx;y\n", "parted by ;"),
        ("a.csv", b'text\n"open\n', "broken CSV"),
        ("a.txt", b"one\ncaf\xe9\n", "a.txt:2: the byte 0xe9 is not UTF-8"),
        ("a.txt", b"one\n\0\n", "a.txt:2: the file is binary"),
        ("a.txt", "text".encode("utf-16"), "UTF-16"),
        ("a.jsonl", gzip.compress(LINES, mtime=0), "add .gz"),
        ("a.pkl", b"", "Parquet"),
        ("a.jsonl", pickle.dumps({"text": "x"}), "pickle"),
        ("a.parquet", b"PAR1 not really", "not a Parquet file"),
        ("a.docx", b"x", "not a format"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path: Path, name: str, content: bytes, told: str):
    with pytest.raises(DataError) as caught:
        read_frame(file(tmp_path, name, content))
    assert told in str(caught.value)


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    with pytest.raises(DataError, match="does not exist"):
        read_frame(tmp_path / "none.jsonl")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataError, match="cannot be read"):
        read_frame(tmp_path / "folder.csv")


def test_the_first_five_of_many_broken_lines_are_named(tmp_path: Path):
    with pytest.raises(DataError) as caught:
        read_frame(file(tmp_path, "a.jsonl", b"{\n" * 8))
    assert [fault.where.rpartition(":")[2] for fault in caught.value.faults[:5]] == ["1", "2", "3", "4", "5"]
    assert "3 more" in caught.value.faults[5].what

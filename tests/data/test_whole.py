"""Files appear whole or not at all, with the rights that any other new file has."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hpo.data.whole import replacing, write_text


def test_an_error_leaves_what_was_there_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text("old")
    with pytest.raises(RuntimeError), replacing(path) as fresh:
        fresh.write_text("half")
        raise RuntimeError
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_file_is_readable_by_whoever_the_umask_allows(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write_text(tmp_path / "note.json", "{}")
    finally:
        os.umask(old)
    assert (tmp_path / "note.json").stat().st_mode & 0o777 == 0o640


def test_line_ends_are_written_as_they_are(tmp_path: Path) -> None:
    write_text(tmp_path / "sheet.csv", "a\r\nb\n")
    assert (tmp_path / "sheet.csv").read_bytes() == b"a\r\nb\n"

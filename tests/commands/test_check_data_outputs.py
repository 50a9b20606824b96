"""hpo check-data: what it writes never takes the place of what is the user's, and what it prints moves no cursor."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from hpo.checks import check_data
from hpo.commands import main
from hpo.data.read import read_frame
from hpo.errors import DataError


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


def made(n: int) -> list[dict[str, Any]]:
    return [{"text": f"row {i} speaks of thing {i * 7}", "label": "ab"[i % 2]} for i in range(n)]


@pytest.mark.parametrize("option", ["--report", "--write", "--csv"])
@pytest.mark.parametrize("which", ["rows", "against"])
def test_no_option_writes_over_an_input(option: str, which: str, tmp_path: Path, capsys: Any) -> None:
    files = {name: tmp_path / f"{name}.csv" for name in ("rows", "against")}
    for file in files.values():
        file.write_text("text,label\n" + "".join(f"row {i} of {file.stem},x{i % 2}\n" for i in range(9)))
    before = files[which].read_bytes()
    link = tmp_path / ("link.html" if option == "--report" else "link.csv")
    link.symlink_to(files[which])
    for target in (files[which], link):
        code = main(["check-data", str(files["rows"]), "--against", str(files["against"]), option, str(target)])
        assert code == 2
        assert "written over" in capsys.readouterr().err
    assert files[which].read_bytes() == before


def test_a_table_that_is_no_table_of_findings_stays(tmp_path: Path, capsys: Any) -> None:
    rows = write(tmp_path / "a.jsonl", [*made(8), {"text": "\x00 \x1b[2J \x01", "label": "a"}, *made(2)])
    mine, ours = tmp_path / "mine.csv", tmp_path / "ours.csv"
    mine.write_text("name,age\nann,3\n")
    assert main(["check-data", str(rows), "--no-report", "--csv", str(mine)]) == 2
    assert mine.read_text() == "name,age\nann,3\n"
    for _ in range(2):  # its own earlier table may be written again, whatever characters it holds
        assert main(["check-data", str(rows), "--no-report", "--csv", str(ours)]) == 0
    assert "duplicates" in {row["check"] for row in csv.DictReader(ours.open(encoding="utf8", errors="replace"))}


def test_a_table_without_findings_is_packed_as_its_name_says(tmp_path: Path, capsys: Any) -> None:
    rows = write(tmp_path / "a.jsonl", [{"text": "alone"}])
    table = tmp_path / "f.csv.gz"
    assert main(["check-data", str(rows), "--no-report", "--csv", str(table)]) == 0
    assert table.read_bytes()[:2] == b"\x1f\x8b"


def test_converted_rows_do_not_take_the_place_of_other_rows(tmp_path: Path, capsys: Any) -> None:
    rows, other = write(tmp_path / "a.jsonl", made(9)), write(tmp_path / "b.jsonl", made(3))
    before = other.read_bytes()
    assert main(["check-data", str(rows), "--no-report", "--write", str(other)]) == 2
    assert other.read_bytes() == before
    for _ in range(2):  # the same rows again are the same bytes
        assert main(["check-data", str(rows), "--no-report", "--write", str(tmp_path / "c.parquet")]) == 0
    assert len(read_frame(tmp_path / "c.parquet")) == 9


@pytest.mark.parametrize(
    ("option", "name", "says"),
    [
        ("--csv", "nowhere/f.csv", "does not exist"),
        ("--write", "nowhere/f.jsonl", "does not exist"),
        ("--write", "f.xlsx", "does not end with"),
        ("--report", "page.jsonl", "does not end with"),
        ("--report", ".", "is a folder"),
    ],
)
def test_an_output_that_cannot_be_is_refused_before_the_work(
    option: str, name: str, says: str, tmp_path: Path, capsys: Any, monkeypatch: Any
) -> None:
    rows = write(tmp_path / "a.jsonl", made(9))
    monkeypatch.setattr("hpo.checks.check.check", lambda *_: pytest.fail("the work has begun"))
    assert main(["check-data", str(rows), "--json", option, str(tmp_path / name)]) == 2
    out, err = capsys.readouterr()
    assert says in err
    assert json.loads(out)["error"][0]["where"] == option


def test_what_is_printed_of_hostile_rows_moves_no_cursor(tmp_path: Path, capsys: Any) -> None:
    names = ["\x1b[31mred", "a\nb", "\x9b2J", "\u202eevil", "</script>"]
    rows = [{"id": f"{name}{i}", "text": f"same {name} text", "label": name} for i in range(4) for name in names]
    file = write(tmp_path / "rows\x1b[2J.jsonl", rows)
    assert main(["check-data", str(file), "--no-report", "--label-noise"]) == 0
    assert main(["check-data", str(file) + "\x1b]0;title\x07", "--no-report"]) == 2
    for text in capsys.readouterr():
        assert not [c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) < 0xA0 or c == "\u202e"]


def test_numbers_too_large_for_a_float_are_only_names(tmp_path: Path) -> None:
    rows = [{"text": f"row {i} has words", "label": 10**400 if i % 2 else 1} for i in range(30)]
    report = check_data(write(tmp_path / "a.jsonl", rows))
    assert report.rows == 30
    assert set(report.as_dict()["statistics"]["classes"] or {}) <= {"1", "1" + 400 * "0"}


def test_a_column_is_one_thing(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", made(30))
    with pytest.raises(DataError, match="no column with text"):
        check_data(file, columns={"label": "text"})
    with pytest.raises(DataError, match="two columns of ours"):
        check_data(file, columns={"text": "text", "label": "text"})
    assert check_data(file, columns={"text": "label"}).format == "text"

"""hpo check-data: what it writes never takes the place of what is the user's, and what it prints moves no cursor."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
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


def test_a_fix_is_written_whole_or_not_at_all(tmp_path: Path, capsys: Any) -> None:
    file = write(tmp_path / "a.jsonl", made(9))
    log = tmp_path / "a.cleaned.log.csv"
    log.write_text("mine\n")
    assert main(["check-data", str(file), "--no-report", "--fix"]) == 2
    assert str(log) in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.cleaned.log.csv", "a.jsonl"]
    assert log.read_text() == "mine\n"


def test_half_a_surrogate_pair_is_mended_and_told(tmp_path: Path, capsys: Any) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("".join(json.dumps({**row, "text": "\ud800 " + row["text"]}) + "\n" for row in made(9)))
    assert main(["check-data", str(file), "--no-report", "--fix"]) == 0
    assert read_frame(tmp_path / "a.cleaned.jsonl")["text"].map(str.isprintable).all()
    log = read_frame(tmp_path / "a.cleaned.log.csv")
    assert log["before"].str.startswith("\\ud800").sum() == 9


def test_what_is_called_text_is_meant_however_broken(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{"text": None, "label": "ab"[i % 2]} for i in range(9)])
    report = check_data(file)
    assert report.format == "text_label"
    assert report.check("format").flagged == 9


def test_labels_of_one_class_are_labels(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", [{**row, "label": "a"} for row in made(9)])
    report = check_data(file)
    assert report.as_dict()["statistics"]["classes"] == {"a": 9}


def test_dates_and_decimals_of_parquet_are_text_in_jsonl(tmp_path: Path, capsys: Any) -> None:
    import datetime
    import decimal

    import pandas as pd

    frame = pd.DataFrame(
        {
            "text": [f"row {i}" for i in range(6)],
            "day": [datetime.date(2020, 1, 1 + i) for i in range(6)],
            "price": [decimal.Decimal("1.50")] * 6,
        }
    )
    frame.to_parquet(tmp_path / "a.parquet")
    written = tmp_path / "b.jsonl"
    assert main(["check-data", str(tmp_path / "a.parquet"), "--no-report", "--write", str(written)]) == 0
    assert read_frame(written).iloc[1].to_dict() == {"text": "row 1", "day": "2020-01-02", "price": "1.50"}


def test_labels_that_are_lists_are_faults_and_no_class(tmp_path: Path) -> None:
    rows = [*made(9), {"text": "a row whose label is a list", "label": ["a", "b"]}]
    report = check_data(write(tmp_path / "a.jsonl", rows), columns={"text": "text", "label": "label"})
    assert report.as_dict()["statistics"]["classes"] == {"a": 5, "b": 4}
    assert report.check("format").flagged == 1


def test_a_page_in_a_folder_below_a_file_is_refused(tmp_path: Path, capsys: Any) -> None:
    rows = write(tmp_path / "a.jsonl", made(9))
    assert main(["check-data", str(rows), "--report", str(rows / "below" / "page.html")]) == 2
    assert f"{rows} is no folder" in capsys.readouterr().err
    assert main(["check-data", str(rows), "--report", str(tmp_path / "new" / "page.html")]) == 0  # made where missing
    assert (tmp_path / "new" / "page.html").is_file()


def test_a_page_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    rows = write(tmp_path / "a.jsonl", made(9))
    page = tmp_path / "a.jsonl.report.html"
    page.write_text("the page of yesterday")
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000, 3_000));"
        "from hpo.commands import main; sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", script, "check-data", str(rows)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr and "File too large" in done.stderr
    assert page.read_text() == "the page of yesterday"
    assert {path.name for path in tmp_path.iterdir()} == {"a.jsonl", "a.jsonl.report.html"}

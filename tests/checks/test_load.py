"""Files as they stand: columns guessed, broken rows kept, mixtures refused."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hpo.checks import check_data
from hpo.checks.load import from_frame, load_rows
from hpo.errors import DataError


def text(path: Path, content: str) -> Path:
    path.write_text(content, encoding="utf8")
    return path


def test_a_csv_with_numbers_as_targets_is_read_as_regression(tmp_path: Path) -> None:
    lines = "\n".join(f"row {i},{i / 7:.3f}" for i in range(50))
    loaded = load_rows(text(tmp_path / "a.csv", f"text,score\n{lines}\n"))
    assert loaded.task == "regression"
    assert loaded.rows.frame["label"].iloc[7] == pytest.approx(1.0)


def test_instructions_and_conversations_keep_their_columns(tmp_path: Path) -> None:
    asked = load_rows(text(tmp_path / "a.jsonl", '{"instruction": "Say a.", "output": "a"}\n' * 3))
    said = load_rows(
        text(
            tmp_path / "b.jsonl",
            '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}\n',
        )
    )
    assert (asked.task, asked.rows.format, list(asked.rows.frame)) == (
        "instruction",
        "instruction",
        ["id", "instruction", "output"],
    )
    assert (said.rows.format, len(said.sound)) == ("messages", 1)


def test_a_row_without_text_stays_but_is_not_sound(tmp_path: Path) -> None:
    loaded = load_rows(text(tmp_path / "a.csv", "text,label\nsome words,a\n,b\nmore words,\nothers,b\nagain,a\n"))
    assert len(loaded.rows) == 5
    assert loaded.sound.tolist() == [0, 3, 4]


def test_ids_that_stand_twice_give_way_to_row_numbers() -> None:
    loaded = from_frame(pd.DataFrame({"id": ["a", "b", "a"], "text": ["x y", "y z", "z x"]}))
    assert loaded.rows.ids.tolist() == ["0", "1", "2"]
    assert loaded.faults == {2: "`id` a stands in row 0 already"}


def test_a_mixture_of_formats_names_rows_of_each(tmp_path: Path) -> None:
    content = '{"text": "a", "label": "x"}\n' * 2 + '{"instruction": "b", "output": "c"}\n'
    with pytest.raises(DataError, match=r"instruction: 1 row \(line 3\); text: 2 rows \(lines 1, 2\)"):
        load_rows(text(tmp_path / "a.jsonl", content))


def test_tables_are_checked_as_files_are() -> None:
    frame = pd.DataFrame({"text": [f"a row about thing {i}" for i in range(30)], "label": ["x", "y"] * 15})
    frame.loc[4, "text"] = frame.loc[2, "text"]
    report = check_data(frame, gates={"max_duplicate_ratio": 0.0})
    assert not report.passed
    assert [(f.id, f.partner) for f in report.findings if f.check == "duplicates"] == [("4", "2")]
    assert report.as_dict()["checks"]["duplicates"]["value"] == pytest.approx(1 / 30)


def test_a_table_cannot_be_fixed() -> None:
    with pytest.raises(DataError, match="only a file"):
        check_data(pd.DataFrame({"text": ["a b", "c d"]}), fix=True)

"""validation.yaml: every fault at once with its line, unknown keys refused, paths from the file's folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.errors import ConfigurationError, Fault
from hpo.validation.load import load

GOOD = """\
name: v
baseline: b
models:
  - {name: a, predictions: a.csv}
  - {name: b, predictions: {rows: b.csv}}
datasets:
  - {name: rows, data: rows.jsonl}
statistics: {resamples: 500}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a.csv", "b.csv", "rows.jsonl"):
        (tmp_path / name).write_text("")
    (tmp_path / "run").mkdir()
    return tmp_path


def faults(folder: Path, text: str) -> list[Fault]:
    (folder / "v.yaml").write_text(text)
    try:
        load(folder / "v.yaml")
    except ConfigurationError as error:
        return list(error.faults)
    return []


def test_a_good_file_is_read_with_paths_from_its_own_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "v.yaml").write_text(GOOD)
    monkeypatch.chdir("/")
    config = load(folder / "v.yaml", ["statistics.confidence=0.9"])
    assert config.models[0].predictions == str(folder / "a.csv")
    assert config.models[1].predictions == {"rows": str(folder / "b.csv")}
    assert config.datasets[0].data is not None and config.datasets[0].data.test == str(folder / "rows.jsonl")
    assert (config.statistics.confidence, config.statistics.resamples) == (0.9, 500)
    assert config.out == "/validations/v"


def test_a_run_folder_is_looked_for_in_the_working_directory_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "runs" / "x").mkdir(parents=True)
    (folder / "sub").mkdir()
    text = GOOD.replace("predictions: a.csv", "run: runs/x").replace("b.csv", "../b.csv").replace("data: ", "data: ../")
    (folder / "sub" / "v.yaml").write_text(text)
    monkeypatch.chdir(folder)
    assert load("sub/v.yaml").models[0].run == str(folder / "runs" / "x")


CHANGES = [
    ("baseline: b", "baseline: c", 2, "no model is called c", "known: a, b"),
    ("name: v", "name: v/w", 1, "letters, digits", ""),
    ("predictions: a.csv", "prediction: a.csv", 4, "unknown key `prediction`", "did you mean predictions?"),
    (
        "predictions: a.csv",
        "predictions: none.csv",
        4,
        "predictions file none.csv does not exist",
        "is the path right?",
    ),
    ("predictions: a.csv", "predictions: a.csv, classical: true", 4, "both say where answers come from", "keep one"),
    ("predictions: a.csv", "kind: model", 4, "the model a has no source of answers", "run: runs/NAME"),
    ("predictions: a.csv", "predictions: a.csv, trial: 3", 4, "`trial` goes with `run` only", "run: runs/NAME"),
    ("predictions: a.csv", "run: run, base: true, seeds: 3", 4, "the untuned base is no trial", "remove"),
    ("predictions: a.csv", "run: a.csv", 4, "the run folder a.csv is a file", "name the folder"),
    ("predictions: a.csv", "classical: true, kind: people", 4, "people answer by a predictions file", "FILE"),
    ("predictions: a.csv", "predictions: {row: a.csv}", 4, "no data set is called row", "did you mean rows?"),
    ("predictions: a.csv", "predictions: a.csv, datasets: [x]", 4, "no data set is called x", "known: rows"),
    ("predictions: a.csv", "model: package:none_such/model", 4, "package none_such is not installed", ""),
    ("name: a,", "name: b,", 5, "the name b stands in `models` twice", "rename"),
    ("data: rows.jsonl", "data: {columns: {text: a}}", 7, "`data` names no rows", "train: FILE"),
    ("data: rows.jsonl", "data: rows.jsonl, run: run", 7, "both name the rows", "keep one"),
    ("data: rows.jsonl", "split: test", 7, "the data set rows has no rows", "data: FILE"),
    ("data: rows.jsonl", "data: rows.jsonl, primary: rmse", 7, "`rmse` is no metric of the task", ""),
    ("data: rows.jsonl", "data: rows.jsonl, primary: acuracy", 7, "`acuracy` is no metric", "did you mean accuracy?"),
    ("data: rows.jsonl", "data: rows.jsonl, split: tset", 7, "'test'", "did you mean test?"),
    ("resamples: 500", "resamples: 5", 8, "must be at least 100", ""),
    ("resamples: 500", "confidence: 1", 8, "must be less than 1", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "words", "hint"), CHANGES, ids=[f"{c[0]} > {c[1]}" for c in CHANGES])
def test_a_bad_change_is_told_with_its_line(folder: Path, old: str, new: str, line: int, words: str, hint: str) -> None:
    assert old in GOOD
    found = faults(folder, GOOD.replace(old, new, 1))
    assert [fault.where for fault in found] == [f"{folder / 'v.yaml'}:{line}"]
    assert words in found[0].what
    assert hint in found[0].hint


def test_all_faults_are_told_at_once(folder: Path) -> None:
    text = GOOD.replace("baseline: b", "baseline: c").replace("a.csv", "x.csv").replace("resamples", "resample")
    assert [fault.where.rpartition(":")[2] for fault in faults(folder, text)] == ["2", "4", "8"]

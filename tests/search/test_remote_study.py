"""A study whose run folder lies at a URL: it ends there whole, and goes on from there alone."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import optuna
import pandas as pd
import pytest
import yaml

import hpo
from hpo.config import load
from hpo.config.models import StudyConfig
from hpo.errors import StorageError
from hpo.records import load_state
from hpo.records.opening import open_run
from hpo.records.place import run_folder
from hpo.report.dashboard import opened, publish
from hpo.search.study import Study

OBJECTIVE = """
import time
from hpo.objective import Progress

def objective(params, trial):
    done = int((trial.checkpoint / "at").read_text()) if trial.checkpoint else 0
    for i in range(done + 1, 5):
        time.sleep(0.05)
        with open(__file__ + ".log", "a") as log:
            print(trial.number, trial.attempt, i, file=log)
        yield Progress(examples=i, fraction=i / 4, metrics={"loss": (params["x"] - 1) ** 2 + 1 / i},
                       checkpoint=lambda folder, i=i: (folder / "at").write_text(str(i)),
                       save=lambda folder: (folder / "weights").write_text(str(params["x"])))
"""
STUDY = """
study: toy
objective: own.py
search_space:
  x: {type: uniform, low: -3, high: 3, default: 0}
objectives: [{metric: loss, direction: minimize}]
budget: {trials: 6}
loggers: {tensorboard: false}
"""
FILES = {"study.yaml", "environment.json", "study.db", "journal.jsonl", "trials.csv", "curves.csv", "best.yaml"}
REPRODUCIBLE = ["number", "state", "reason", "feasible", "x", "loss", "examples"]


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The study file; what is cached stays in the test's folder."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "own.py").write_text(OBJECTIVE)
    (tmp_path / "toy.yaml").write_text(STUDY)
    return tmp_path / "toy.yaml"


def at(file: Path, name: str) -> tuple[StudyConfig, Path]:
    """The study with its run folder at a URL, and the folder behind that URL."""
    return load(file, [f"runs=file://{file.parent}/{name}"]), file.parent / name / "toy"


def test_a_study_ends_at_its_url_and_is_read_from_there(file: Path) -> None:
    config, there = at(file, "shared")
    hpo.run(config)
    assert {path.name for path in there.iterdir() if path.is_file()} == FILES
    assert (
        float((there / "best" / "weights").read_text())
        == yaml.safe_load((there / "best.yaml").read_text())["search_space"]["x"]["value"]
    )
    assert not (there / "lease.json").exists()
    shutil.rmtree(file.parent / "cache")
    run = hpo.load(f"file://{there}")
    assert run.trials["number"].tolist() == list(range(6))
    pd.testing.assert_frame_equal(run.trials[["number", "x"]], pd.read_csv(there / "trials.csv")[["number", "x"]])
    code = subprocess.run(
        [str(Path(sys.executable).with_name("hpo")), "status", f"file://{there}", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(code.stdout)["study"] == "toy"


def test_a_finished_study_at_a_url_warms_another_and_opens_in_the_dashboard(file: Path) -> None:
    config, there = at(file, "shared")
    hpo.run(config)
    shutil.rmtree(file.parent / "cache")
    folder, resolved, state = open_run(f"file://{there}", "study.db")
    publish(resolved, state, folder)
    with opened(resolved, folder) as study:
        assert len(study.trials) == 6
    changes = [f"runs=file://{file.parent}/shared", "study=second", f"warm_start=file://{there}", "budget.trials=1"]
    hpo.run(load(file, changes))
    assert len(load_state(run_folder(load(file, changes)).journal).warm) == sum(
        record.state == "complete" for record in state.records.values()
    )


def test_a_killed_driver_whose_machine_is_lost_resumes_from_the_url_alone(file: Path) -> None:
    undisturbed, reference = at(file, "undisturbed")
    hpo.run(undisturbed)
    config, there = at(file, "shared")
    command = [sys.executable, "-m", "hpo.run", str(file), "--set", f"runs={config.runs}"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    segment, deadline = there / "journal/00001.jsonl", time.monotonic() + 60
    while not (segment.exists() and segment.read_text().count('"checkpoint"') > 6) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    told = segment.read_text().count('"tell"')
    assert told < 6
    shutil.rmtree(file.parent / "cache")
    hpo.run(config)
    tables = [pd.read_csv(place / "trials.csv")[REPRODUCIBLE] for place in (reference, there)]
    pd.testing.assert_frame_equal(*tables)
    table = pd.read_csv(there / "trials.csv")
    [again] = table.loc[table["attempts"] == 2, "number"]
    log = [tuple(map(int, line.split())) for line in (file.parent / "own.py.log").read_text().splitlines()]
    assert min(i for number, attempt, i in log if (number, attempt) == (again, 2)) > 1  # from the checkpoint
    stored = optuna.load_study(study_name="toy", storage=f"sqlite:///{there}/study.db")  # made anew from the journal
    assert all(len(trial.intermediate_values) == 4 for trial in stored.trials if trial.state.name == "COMPLETE")
    assert [path.name for path in there.iterdir() if path.name.startswith(".")] == []


def test_a_driver_on_another_machine_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config, there = at(file, "shared")
    with Study(config, None) as study:
        next(study.events())
        monkeypatch.setenv("XDG_CACHE_HOME", str(file.parent / "elsewhere"))  # another local copy, another file lock
        with pytest.raises(StorageError, match="another driver runs this study"), Study(config, None):
            pass
    assert not (there / "lease.json").exists()


def test_a_url_that_cannot_be_written_ends_with_exit_code_2_and_leaves_nothing(file: Path) -> None:
    (file.parent / "blocked").write_text("")
    config, _ = at(file, "blocked")
    command = [sys.executable, "-m", "hpo.run", str(file), "--set", f"runs={config.runs}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "the run folder at the URL cannot be used" in done.stderr
    assert "Traceback" not in done.stderr
    assert not run_folder(config).journal.exists()

"""The main job as a person types it: it ends with a table, survives every way of being stopped, says what is wrong."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import hpo
from hpo.records import load_state

OBJECTIVE = """
import time
from hpo.objective import Progress

def objective(params, trial):
    done = int((trial.checkpoint / "at").read_text()) if trial.checkpoint else 0
    for i in range(done + 1, 5):
        time.sleep(SECONDS)
        yield Progress(examples=i, fraction=i / 4, metrics={"loss": (params["x"] - 1) ** 2 + 1 / i},
                       checkpoint=lambda folder, i=i: (folder / "at").write_text(str(i)))

def broken(params):
    raise RuntimeError("no such device")
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


@pytest.fixture
def toy(tmp_path: Path) -> Callable[..., Path]:
    """Write the study; ``seconds`` between evaluations."""

    def write(seconds: float = 0.0, **changes: str) -> Path:
        (tmp_path / "own.py").write_text(OBJECTIVE.replace("SECONDS", str(seconds)))
        text = STUDY
        for old, new in changes.items():
            text = text.replace(old, new)
        (tmp_path / "toy.yaml").write_text(text)
        return tmp_path / "toy.yaml"

    return write


def start(study: Path) -> subprocess.Popen[str]:
    """The command in the background, begun for real: it has started its first trial."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hpo.run", study.name],
        cwd=study.parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    journal = study.parent / "runs/toy/journal.jsonl"
    deadline = time.monotonic() + 60
    while not (journal.exists() and '"progress"' in journal.read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return process


def records(study: Path) -> dict[int, Any]:
    return load_state(study.parent / "runs/toy/journal.jsonl").records


def test_a_study_ends_with_a_table_its_cost_and_the_next_commands(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy()
    done = run_study(study.name)
    assert done.returncode == 0, done.stderr
    for words in ("default", "best", "6 trials", "next:", "hpo status runs/toy", "hpo dashboard runs/toy", "go on"):
        assert words in done.stdout
    folder = study.parent / "runs/toy"
    present = {path.name for path in folder.iterdir()}
    assert {
        "study.yaml",
        "environment.json",
        "journal.jsonl",
        "study.db",
        "trials.csv",
        "curves.csv",
        "best.yaml",
    } <= present
    trials = pd.read_csv(folder / "trials.csv")
    assert list(trials["number"]) == list(range(6)) and set(trials["state"]) <= {"complete", "pruned"}
    again = run_study(folder / "best.yaml", "--json")
    assert json.loads(again.stdout)["trials"]["complete"] == 1


def test_json_is_one_object_on_standard_output(toy: Callable[..., Path], run_study: Any) -> None:
    toy()
    found = json.loads(run_study("toy.yaml", "--json").stdout)
    assert found["trials"]["total"] == 6 and "NaN" not in json.dumps(found)


def test_the_same_command_again_adds_nothing_and_a_larger_budget_goes_on(
    toy: Callable[..., Path], run_study: Any
) -> None:
    study = toy()
    run_study("toy.yaml")
    before = records(study)
    assert run_study("toy.yaml").returncode == 0
    assert {n: r.metrics for n, r in records(study).items()} == {n: r.metrics for n, r in before.items()}
    assert run_study("toy.yaml", "--set", "budget.trials=8").returncode == 0
    assert sorted(records(study)) == list(range(8))


def test_a_killed_study_goes_on_from_its_checkpoint(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy(0.15)
    process = start(study)
    process.kill()
    process.communicate()
    assert run_study("status", cwd=study.parent).returncode == 2  # a study file is wanted, not a word
    done = run_study("toy.yaml")
    assert done.returncode == 0, done.stderr
    after = records(study)
    assert sorted(after) == list(range(6)) and all(r.told for r in after.values())
    assert after[0].attempts == 2
    assert [p.fraction for p in after[0].curve] == [0.25, 0.5, 0.75, 1.0]


def test_ctrl_c_once_finishes_the_trial_and_tells_it(toy: Callable[..., Path]) -> None:
    study = toy(0.2)
    process = start(study)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "finishing what runs" in errors and "python -m hpo.run toy.yaml    # go on" in output
    assert [(r.state, r.told) for r in records(study).values()] == [("complete", True)]


def test_ctrl_c_twice_stops_at_once_and_loses_nothing(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy(0.5)
    process = start(study)
    process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130 and "Traceback" not in errors
    assert records(study)[0].running
    assert run_study("toy.yaml", "--set", "budget.trials=1").returncode == 0
    assert records(study)[0].state == "complete"


def test_sigterm_stops_at_once_with_143(toy: Callable[..., Path]) -> None:
    study = toy(0.5)
    process = start(study)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 143 and "Traceback" not in errors


def test_a_second_driver_is_refused(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy(0.5)
    process = start(study)
    second = run_study("toy.yaml")
    process.kill()
    process.communicate()
    assert second.returncode == 2 and "another driver runs this study" in second.stderr


def test_another_study_under_the_same_name_is_refused_with_the_way_to_begin_warm(
    toy: Callable[..., Path], run_study: Any
) -> None:
    study = toy()
    run_study("toy.yaml")
    refused = run_study("toy.yaml", "--set", "search_space.x.high=4")
    assert refused.returncode == 2 and "Traceback" not in refused.stderr
    assert "a different study of this name is there already" in refused.stderr and "search_space" in refused.stderr
    warm = run_study(
        "toy.yaml", "--set", "search_space.x.high=4", "--set", "study=toy-2", "--set", "warm_start=runs/toy"
    )
    assert warm.returncode == 0, warm.stderr
    assert len(load_state(study.parent / "runs/toy-2/journal.jsonl").warm) > 0


def test_three_failures_alike_stop_the_study_with_their_reason(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy(**{"own.py": "own.py:broken"})
    done = run_study("toy.yaml")
    assert done.returncode == 4
    assert "no trial completed" in done.stderr and "RuntimeError: no such device" in done.stderr
    assert len(records(study)) == 3


def test_an_unwritable_run_folder_is_one_error(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy()
    (study.parent / "file").write_text("")
    done = run_study("toy.yaml", "--set", "runs=file")
    assert done.returncode == 2 and "cannot be written" in done.stderr and "Traceback" not in done.stderr


def test_a_dry_run_writes_nothing(toy: Callable[..., Path], run_study: Any) -> None:
    study = toy()
    done = run_study("toy.yaml", "--dry-run")
    assert done.returncode == 0 and "search space: x (continuous)" in done.stdout
    assert not (study.parent / "runs").exists()
    assert json.loads(run_study("toy.yaml", "--dry-run", "--json").stdout)["space"]["size"] is None


def test_a_plan_says_where_seconds_make_a_study_irreproducible(toy: Callable[..., Path], run_study: Any) -> None:
    toy()
    plain = json.loads(run_study("toy.yaml", "--dry-run", "--json").stdout)
    assert plain["reproducible"] and plain["warnings"] == []
    # given a study that goes by what is measured anew each time
    toy(**{"metric: loss": "metric: train_seconds"})
    timed = json.loads(run_study("toy.yaml", "--dry-run", "--json").stdout)
    assert not timed["reproducible"] and "train_seconds" in timed["warnings"][0]


def test_from_python(toy: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    study = toy()
    monkeypatch.chdir(study.parent)
    run = hpo.run(study)
    assert list(run.trials["number"]) == list(range(6))
    assert set(run.curves["metric"]) == {"loss"}
    assert hpo.load("runs/toy").trials.equals(run.trials)
    (study.parent / "broken.yaml").write_text(STUDY.replace("own.py", "own.py:broken").replace("toy", "broken"))
    assert set(hpo.run("broken.yaml").trials["state"]) == {"failed"}


def test_a_study_on_postgresql_resumes_and_writes_the_password_nowhere(
    toy: Callable[..., Path], run_study: Any, postgres_url: str
) -> None:
    study = toy()
    study.write_text(study.read_text() + "storage: ${STORAGE}\n")
    secret = postgres_url.split("://")[1].split("@")[0].split(":")[1]
    assert run_study("toy.yaml", env={"STORAGE": postgres_url}).returncode == 0
    assert run_study("toy.yaml", "--set", "budget.trials=8", env={"STORAGE": postgres_url}).returncode == 0
    assert sorted(records(study)) == list(range(8))
    written = [path for path in (study.parent / "runs").rglob("*") if path.is_file()]
    assert len(written) > 5
    assert not [path for path in written if secret.encode() in path.read_bytes()]
    missing = run_study("toy.yaml")
    assert missing.returncode == 2 and "STORAGE" in missing.stderr

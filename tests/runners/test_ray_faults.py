"""Workers, nodes and drivers are really killed; no trial is lost, none is run to its end twice."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import optuna
import pytest

from benchmarks.ray_cluster import RayCluster, end
from hpo.records import Record, StudyState, load_state, read

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]

OBJECTIVE = """
import os, resource, signal, time
from hpo.objective import Progress

STEPS = 6

def steps(params, trial):
    done = int((trial.checkpoint / "step").read_text()) if trial.checkpoint else 0
    for step in range(done, STEPS):
        if trial.attempt == 1 or params["fault"] == "deadly":
            fault(params["fault"], step)
        time.sleep(params["pause"])
        yield Progress(
            examples=step + 1,
            fraction=(step + 1) / STEPS,
            metrics={"loss": (params["x"] - 1) ** 2 + 1 / (step + 1), "pid": os.getpid()},
            checkpoint=lambda folder, step=step: (folder / "step").write_text(str(step + 1)),
        )

def fault(kind, step):
    if step != 3:
        return
    if kind in ("killed", "deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "hanging":
        time.sleep(3600)
    if kind == "taken":
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    if kind == "memory":
        import torch
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB.")
    if kind == "raising":
        raise ValueError("a fault of the author's")
    if kind == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))  # as a full disk: every write fails
"""
STUDY = """
study: {name}
objective: mine.py:steps
search_space:
  x: {{type: uniform, low: -3, high: 3, default: 0}}
  fault: {{type: categorical, choices: {faults}}}
  pause: {{type: constant, value: {pause}}}
known: {known}
objectives: [{{metric: loss, direction: minimize}}]
pruner: {{name: none}}
sampler: {{name: random, seed: 1, lookahead: 4}}
budget: {{trials: {trials}}}
runner: {{name: ray, address: "{address}", max_workers: 2, cpus_per_trial: 1, tries: 2, stall_seconds: 10}}
runs: {runs}
loggers: {{tensorboard: false}}
"""
FAULTS = ("none", "killed", "deadly", "hanging", "taken", "memory", "raising")
SECONDS = 240


class Bench:
    """Studies on one cluster, each run by a driver of its own process."""

    def __init__(self, cluster: RayCluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        (folder / "mine.py").write_text(OBJECTIVE)

    def write(self, name: str, faults: tuple[str, ...] = ("none",), *, trials: int = 1, pause: float = 0.1) -> None:
        """A study of which the first trials meet the faults in turn."""
        known = [{"fault": fault} for fault in faults]
        text = STUDY.format(
            name=name,
            faults=list(dict.fromkeys(faults)),
            known=json.dumps(known),
            trials=max(trials, len(faults)),
            pause=pause,
            address=self.cluster.address,
            runs=self.folder / "runs",
        )
        (self.folder / f"{name}.yaml").write_text(text)

    def begin(self, name: str) -> subprocess.Popen[str]:
        """Start its driver."""
        return subprocess.Popen(
            [sys.executable, "-m", "hpo.run", f"{name}.yaml", "--json"],
            cwd=self.folder,
            env=self.cluster.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str) -> tuple[int, str, str]:
        """Run its driver to the end: exit code, standard output, standard error."""
        driver = self.begin(name)
        out, errors = driver.communicate(timeout=SECONDS)
        return driver.returncode, out, errors

    def state(self, name: str) -> StudyState:
        """What its journal says."""
        return load_state(self.folder / "runs" / name / "journal.jsonl")

    def events(self, name: str, kind: str) -> list[dict[str, Any]]:
        """Its events of one kind; none where there is no journal yet."""
        path = self.folder / "runs" / name / "journal.jsonl"
        return [event for event in read(path) if event["event"] == kind] if path.exists() else []

    def wait(self, driver: subprocess.Popen[str], holds: Callable[[], bool]) -> None:
        """Until something holds; the driver must live so long."""
        until = time.monotonic() + SECONDS
        while not holds():
            assert driver.poll() is None and time.monotonic() < until, driver.communicate()[1]
            time.sleep(0.05)

    def optuna_states(self, name: str) -> list[str]:
        """The states of its trials in Optuna's storage."""
        url = f"sqlite:///{self.folder}/runs/{name}/study.db"
        return [trial.state.name for trial in optuna.load_study(study_name=name, storage=url).trials]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with RayCluster(cpus=2) as cluster:
        yield Bench(cluster, tmp_path_factory.mktemp("ray"))


@pytest.fixture(scope="module")
def faulty(bench: Bench) -> tuple[dict[str, Record], tuple[int, str, str]]:
    """One study in which each of the first trials meets a fault: its records by fault, and what its driver said."""
    bench.write("faulty", FAULTS)
    said = bench.run("faulty")
    return {record.settings["fault"]: record for record in bench.state("faulty").records.values()}, said


def table(state: StudyState) -> list[tuple[Any, ...]]:
    records = [state.records[number] for number in sorted(state.records)]
    return [(r.number, r.settings, r.state, r.reason, r.metrics.get("loss"), r.examples) for r in records]


Faulty = tuple[dict[str, Record], tuple[int, str, str]]


def test_the_study_ends_well_and_every_trial_is_told_once(faulty: Faulty, bench: Bench) -> None:
    _, (code, out, errors) = faulty
    assert code == 0, errors
    assert json.loads(out)["trials"]["total"] == len(FAULTS)
    assert Counter(event["number"] for event in bench.events("faulty", "tell")) == dict.fromkeys(range(len(FAULTS)), 1)
    assert bench.optuna_states("faulty") == [
        "COMPLETE", "COMPLETE", "FAIL", "COMPLETE", "COMPLETE", "PRUNED", "FAIL",
    ]  # fmt: skip


def test_a_killed_workers_trial_goes_on_elsewhere_from_its_checkpoint(faulty: Faulty, bench: Bench) -> None:
    record = faulty[0]["killed"]
    lost = [event for event in bench.events("faulty", "lost") if event["number"] == record.number]
    assert [(event["attempt"], event["reason"], event["counts"]) for event in lost] == [(1, "died", True)]
    assert (record.state, record.attempts) == ("complete", 2)
    assert [point.examples for point in record.curve] == [1, 2, 3, 4, 5, 6]  # nothing was trained twice
    processes = [point.metrics["pid"] for point in record.curve]
    assert len(set(processes)) == 2 and processes == [*processes[:2], processes[2], *[processes[5]] * 3]
    assert record.metrics["loss"] == faulty[0]["none"].metrics["loss"]


def test_a_trial_that_kills_its_workers_again_and_again_fails_with_the_reason(faulty: Faulty) -> None:
    record = faulty[0]["deadly"]
    assert (record.state, record.reason) == ("failed", "died")
    assert record.attempts in (2, 3)  # the word of the last checkpoint before a death may die with its worker
    assert record.message.startswith("2 workers lost in this trial without a new checkpoint")


def test_a_hanging_worker_is_replaced(faulty: Faulty, bench: Bench) -> None:
    record = faulty[0]["hanging"]
    assert (record.state, record.attempts) == ("complete", 2)
    lost = [event for event in bench.events("faulty", "lost") if event["number"] == record.number]
    assert [event["reason"] for event in lost] == ["stalled"]
    assert lost[0]["device_seconds"] >= 10


def test_an_end_that_was_asked_for_is_no_failure(faulty: Faulty, bench: Bench) -> None:
    record = faulty[0]["taken"]
    assert (record.state, record.attempts, record.losses) == ("complete", 2, 0)
    lost = [event for event in bench.events("faulty", "lost") if event["number"] == record.number]
    assert [(event["reason"], event["counts"]) for event in lost] == [("preempted", False)]


def test_out_of_memory_is_infeasible_and_its_worker_is_not_used_again(faulty: Faulty) -> None:
    record = faulty[0]["memory"]
    assert (record.state, record.reason, record.feasible) == ("failed", "out_of_memory", False)
    later = [r for r in faulty[0].values() if r.started and record.finished and r.started > record.finished]
    assert all(r.worker != record.worker for r in later)


def test_a_fault_of_the_authors_fails_its_trial_alone(faulty: Faulty) -> None:
    record = faulty[0]["raising"]
    assert (record.state, record.reason, record.attempts) == ("failed", "exception", 1)
    assert "a fault of the author's" in record.message


def test_a_killed_driver_goes_on_where_it_was(bench: Bench) -> None:
    for name in ("calm", "driver"):
        bench.write(name, trials=8, pause=0.2)
    assert bench.run("calm")[0] == 0
    driver = bench.begin("driver")
    bench.wait(driver, lambda: len(bench.events("driver", "tell")) >= 2 and len(bench.events("driver", "start")) >= 4)
    end(driver)
    asked = len(bench.events("driver", "ask"))
    code, _, errors = bench.run("driver")
    assert code == 0, errors
    assert table(bench.state("driver")) == table(bench.state("calm"))
    assert Counter(event["number"] for event in bench.events("driver", "tell")) == dict.fromkeys(range(8), 1)
    resumed = [r for r in bench.state("driver").records.values() if r.attempts == 2]
    assert resumed and all(r.number < asked for r in resumed)
    assert all([point.examples for point in r.curve] == [1, 2, 3, 4, 5, 6] for r in resumed)


def test_a_terminated_driver_says_so_and_goes_on_where_it_was(bench: Bench) -> None:
    bench.write("terminated", trials=6, pause=0.2)
    driver = bench.begin("terminated")
    bench.wait(driver, lambda: len(bench.events("terminated", "checkpoint")) >= 3)
    assert end(driver, signal.SIGTERM) == 143
    code, _, errors = bench.run("terminated")
    assert code == 0, errors
    assert bench.optuna_states("terminated") == ["COMPLETE"] * 6
    assert Counter(event["number"] for event in bench.events("terminated", "tell")) == dict.fromkeys(range(6), 1)


def test_a_full_disk_is_one_clear_error_and_the_study_is_intact(bench: Bench) -> None:
    bench.write("full", ("none", "full"))
    code, out, errors = bench.run("full")
    assert code == 2
    assert "a worker cannot write a file: File too large" in errors
    assert "Traceback" not in errors
    assert json.loads(out)["exit_code"] == 2
    code, _, errors = bench.run("full")  # the fault was in the first attempt only
    assert code == 0, errors
    assert bench.optuna_states("full") == ["COMPLETE"] * 2


def test_the_trials_of_a_removed_node_move(bench: Bench) -> None:
    bench.write("moved", trials=6, pause=0.5)
    node = bench.cluster.add_node(cpus=1)
    text = (bench.folder / "moved.yaml").read_text().replace("max_workers: 2", "max_workers: 3")
    text = text.replace("stall_seconds: 10", "stall_seconds: 100")  # Ray needs some seconds to miss a machine
    (bench.folder / "moved.yaml").write_text(text)
    driver = bench.begin("moved")
    bench.wait(driver, lambda: len(bench.events("moved", "checkpoint")) >= 3)
    bench.cluster.kill_node(node)
    _, errors = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 0, errors
    lost = bench.events("moved", "lost")
    assert [event["message"] for event in lost] == ["its machine is gone"]
    moved = bench.state("moved").records[lost[0]["number"]]
    assert (moved.state, moved.attempts) == ("complete", 2)
    assert [point.examples for point in moved.curve] == [1, 2, 3, 4, 5, 6]
    assert bench.optuna_states("moved") == ["COMPLETE"] * 6

"""The Ray runner on a cluster of real processes: workers that come and go, several processes a trial, what they see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.ray_cluster import RayCluster
from hpo.config import load
from hpo.config.models import RunnerConfig
from hpo.errors import ConfigurationError
from hpo.records import load_state, read
from hpo.runners.auto import choose
from hpo.runners.own_files import own_files, with_files
from hpo.runners.ray_opening import demand_of

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]

OBJECTIVE = """
import os, time

def objective(params):
    time.sleep(params["pause"])
    threads = int(os.environ["OMP_NUM_THREADS"])
    return {"loss": params["x"] ** 2, "pid": os.getpid(), "threads": threads, "secret": len(os.environ.get("WORD", ""))}
"""
STUDY = """
study: {name}
objective: mine.py
search_space: {{x: {{type: uniform, low: -3, high: 3, default: 0}}, pause: {{type: constant, value: {pause}}}}}
objectives: [{{metric: loss, direction: minimize}}]
sampler: {{name: random, lookahead: 8}}
budget: {{trials: {trials}}}
runner: {{name: ray, address: "{address}", {runner}}}
runs: {runs}
loggers: {{tensorboard: false}}
"""
LORA = """
study: {name}
model: {model}
task: classification
data: {{train: rows.csv, split: {{strategy: random, validation: 0.3, test: 0.1}}}}
training: {{max_length: 16, num_train_epochs: 2, evaluations: 3}}
search_space: {{learning_rate: {{type: log_uniform, low: 1.0e-3, high: 1.0e-2, default: 5.0e-3}}}}
objectives: [{{metric: accuracy, direction: maximize}}]
pruner: {{name: none}}
sampler: {{name: random, lookahead: 1}}
budget: {{trials: 2}}
baselines: {{base: true}}
runner: {{name: ray, address: "{address}", max_workers: 1, cpus_per_trial: 1, processes_per_trial: {processes}}}
runs: {runs}
loggers: {{tensorboard: false}}
"""
SECONDS = 240


class Bench:
    """Studies on one cluster, each with a driver of its own process."""

    def __init__(self, cluster: RayCluster, folder: Path) -> None:
        self.cluster, self.folder = cluster, folder
        self.runs = folder / "runs"
        (folder / "mine.py").write_text(OBJECTIVE)

    def write(self, name: str, runner: str, *, trials: int = 4, pause: float = 0.0) -> None:
        place = {"address": self.cluster.address, "runs": self.runs}
        text = STUDY.format(name=name, runner=runner, trials=trials, pause=pause, **place)
        (self.folder / f"{name}.yaml").write_text(text)

    def begin(self, name: str, *words: str, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hpo.run", f"{name}.yaml", *words],
            cwd=self.folder,
            env={**self.cluster.environment, **variables},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, name: str, *words: str, **variables: str) -> tuple[int, str, str]:
        driver = self.begin(name, *words, **variables)
        out, errors = driver.communicate(timeout=SECONDS)
        return driver.returncode, out, errors

    def trials(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.runs / name / "trials.csv")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with RayCluster(cpus=2) as cluster:
        yield Bench(cluster, tmp_path_factory.mktemp("ray"))


def test_trials_are_spread_over_long_lived_workers(bench: Bench) -> None:
    bench.write("spread", "max_workers: 2, cpus_per_trial: 1", trials=10, pause=0.05)
    code, _, errors = bench.run("spread")
    assert code == 0, errors
    table = bench.trials("spread")
    assert table["state"].tolist() == ["complete"] * 10
    assert table["worker"].nunique() == 2
    assert table.groupby("worker")["pid"].nunique().tolist() == [1, 1]  # a worker is one process to its end


def test_threads_follow_the_cpus_and_named_variables_reach_the_workers_and_no_file(bench: Bench) -> None:
    bench.write("threads", "max_workers: 1, cpus_per_trial: 2, environment: [WORD]")
    code, _, errors = bench.run("threads", WORD="wonderfully-secret")
    assert code == 0, errors
    table = bench.trials("threads")
    assert set(table["threads"]) == {2}
    assert set(table["secret"]) == {len("wonderfully-secret")}
    texts = [path.read_bytes() for path in (bench.runs / "threads").rglob("*") if path.is_file()]
    assert texts and not any(b"wonderfully-secret" in text for text in texts)


def test_workers_grow_with_the_cluster(bench: Bench) -> None:
    bench.write("growing", "cpus_per_trial: 1", trials=30, pause=0.6)
    driver = bench.begin("growing")
    bench.cluster.add_node(cpus=2)
    _, errors = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 0, errors
    assert bench.trials("growing")["worker"].nunique() == 4
    bench.cluster.kill_node(bench.cluster.nodes[-1])


def test_what_no_machine_of_a_cluster_has_is_waited_for(bench: Bench) -> None:
    bench.write("waiting", "max_workers: 1, resources: {special: 1}", trials=1)
    driver = bench.begin("waiting")
    assert driver.stderr is not None
    said = [driver.stderr.readline() for _ in range(2)]
    driver.kill()
    driver.communicate()
    assert said[1].startswith("waiting for a machine with 1 CPU, 1 special")


def test_a_cluster_that_is_not_there_and_a_wrong_token_are_clear_errors(bench: Bench) -> None:
    bench.write("lost", "max_workers: 1")
    code, _, errors = bench.run("lost", RAY_AUTH_TOKEN="0" * 64)
    assert code == 2
    assert "the Ray cluster cannot be joined" in errors and "RAY_AUTH_TOKEN" in errors
    assert "Traceback" not in errors


def test_an_objective_that_cannot_be_opened_ends_the_study_with_its_reason(bench: Bench) -> None:
    bench.write("broken", "max_workers: 1")
    (bench.folder / "broken.py").write_text("import nothing_of_this_name\n")
    text = (bench.folder / "broken.yaml").read_text().replace("mine.py", "broken.py")
    (bench.folder / "broken.yaml").write_text(text)
    code, _, errors = bench.run("broken")
    assert code == 2
    assert "does not import: ModuleNotFoundError" in errors
    assert not (bench.runs / "broken").exists()


def test_several_processes_train_a_trial_as_one_does(bench: Bench, minilm: Path) -> None:
    words = {"sports": ["goal", "match", "team", "striker"], "cooking": ["soup", "onion", "sauce", "butter"]}
    rows = [
        {"text": f"the {words[label][i % 4]} and the {words[label][i // 4 % 4]} number {i}", "label": label}
        for i in range(40)
        for label in words
    ]
    pd.DataFrame(rows).to_csv(bench.folder / "rows.csv", index=False)
    for processes in (1, 2):
        place = {"address": bench.cluster.address, "runs": bench.runs, "model": minilm}
        text = LORA.format(name=f"processes-{processes}", processes=processes, **place)
        (bench.folder / f"processes-{processes}.yaml").write_text(text)
        code, _, errors = bench.run(f"processes-{processes}")
        assert code == 0, errors
    one, two = (load_state(bench.runs / f"processes-{count}" / "journal.jsonl").records for count in (1, 2))
    for number in (0, 1):
        losses = [[p.measurements["train_loss"] for p in records[number].curve] for records in (one, two)]
        assert losses[0] == pytest.approx(losses[1], abs=1e-4)
        assert [p.metrics for p in one[number].curve] == [pytest.approx(p.metrics) for p in two[number].curve]
    ended = [event for event in read(bench.runs / "processes-2" / "journal.jsonl") if event["event"] == "result"]
    assert all(e["measurements"]["device_seconds"] > 1.5 * e["measurements"]["train_seconds"] for e in ended)


def test_a_trial_whose_second_process_is_killed_goes_on(bench: Bench) -> None:
    text = (bench.folder / "processes-2.yaml").read_text().replace("processes-2", "killed")
    (bench.folder / "killed.yaml").write_text(text.replace("num_train_epochs: 2", "num_train_epochs: 6"))
    driver = bench.begin("killed")
    journal = bench.runs / "killed" / "journal.jsonl"
    while not (journal.exists() and any(event["event"] == "checkpoint" for event in read(journal))):
        assert driver.poll() is None, driver.communicate()[1]
        time.sleep(0.05)
    [follower] = bench.cluster.workers("RayFollower")
    follower.kill()
    _, errors = driver.communicate(timeout=SECONDS)
    assert driver.returncode == 0, errors
    state = load_state(journal)
    assert [record.state for record in state.records.values()] == ["complete", "complete"]
    assert sorted(record.attempts for record in state.records.values()) == [1, 2]


def test_a_dry_run_asks_a_worker_and_writes_nothing(bench: Bench) -> None:
    bench.write("dry", "max_workers: 1")
    code, out, errors = bench.run("dry", "--dry-run", "--json")
    assert code == 0, errors
    assert json.loads(out)["study"] == "dry"
    assert not (bench.runs / "dry").exists()


def runner(**values: Any) -> RunnerConfig:
    return RunnerConfig.model_validate(values)


def test_what_a_trial_takes_follows_the_study_and_the_clusters_gpus() -> None:
    assert demand_of(runner(), gpus=0).bundle == {"CPU": 1}
    assert demand_of(runner(), gpus=8).bundle == {"CPU": 1, "GPU": 1}
    assert demand_of(runner(gpus_per_trial=0), gpus=8).bundle == {"CPU": 1}
    assert demand_of(runner(gpus_per_trial=0.25, cpus_per_trial=2), gpus=8).bundle == {"CPU": 2, "GPU": 0.25}
    several = demand_of(runner(gpus_per_trial=4), gpus=8)
    assert (several.bundle, several.processes) == ({"CPU": 1, "GPU": 1}, 4)
    own = demand_of(runner(resources={"tpu": 2}, labels={"zone": "a"}), gpus=0)
    assert own.bundle == {"CPU": 1, "tpu": 2}
    assert own.options["label_selector"] == {"zone": "a"}


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(OBJECTIVE)
    text = STUDY.format(name="s", pause=0, trials=1, address="", runner="", runs=tmp_path / "runs")
    path = tmp_path / "s.yaml"
    path.write_text(text.replace('{name: ray, address: "", }', "{}"))
    return path


@pytest.mark.parametrize(
    ("override", "name", "why"),
    [
        ("runner.name=auto", "local", ""),
        ("runner.name=ray", "ray", ""),
        ("runner.max_workers=2", "ray", "runner.max_workers is 2"),
        ("runner.processes_per_trial=2", "ray", "runner.processes_per_trial is 2"),
        ("runner.address=127.0.0.1:1", "ray", "runner.address is 127.0.0.1:1"),
    ],
)
def test_auto_takes_ray_where_only_ray_will_do(
    study: Path, override: str, name: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert choose(load(study, [override])) == (name, why)


def test_auto_joins_the_cluster_that_the_environment_names(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert choose(load(study)) == ("ray", "RAY_ADDRESS is set")


def test_a_studys_own_files_travel_to_machines_that_do_not_have_them(study: Path) -> None:
    config = load(study)
    files = own_files(config)
    assert list(files) == [str(study.parent / "mine.py")]
    assert with_files(config, files) == config
    os.remove(study.parent / "mine.py")
    moved = with_files(config, files)
    assert moved.objective != config.objective
    assert Path(str(moved.objective)).read_text() == OBJECTIVE


def test_without_ray_the_error_says_how_to_install_it(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from hpo.runners.ray_cluster import imported

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigurationError, match="which is not installed"):
        imported()

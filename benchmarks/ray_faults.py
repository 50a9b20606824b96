"""A study on three Ray nodes whose workers are killed one after another and one of whose nodes is taken away.

    python -m benchmarks.ray_faults              100 trials, a worker killed every 15 s; about eight minutes
    python -m benchmarks.ray_faults --quick      18 trials, a worker killed every 5 s
    python -m benchmarks.ray_faults --json       the same as one JSON object

A head and two further nodes of one worker each on this machine. A trial sleeps and evaluates itself once a second,
with a checkpoint each time, and its numbers depend on its parameters alone. TPE in ordered mode, so that the
undisturbed study and the disturbed one must come to the same table. Killed is with SIGKILL: a random worker process
every few seconds, and, when half of the trials are told, a node with all that runs on it. Exit code 1 where a trial
is missing, doubled or different.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.kill_resume import table
from benchmarks.ray_cluster import RayCluster
from hpo.config import load
from hpo.objective import Progress, Trial
from hpo.records import RunFolder, read

NODES = 3
TRIES = 10
LOOKAHEAD = 6
LIMIT = 3600.0  # seconds of one study, at most

STUDY = """
study: {name}
objective: {file}:steps
search_space:
  x: {{type: uniform, low: -3, high: 3, default: 0}}
  y: {{type: log_uniform, low: 1.0e-5, high: 1.0e-1}}
  seconds: {{type: int_uniform, low: 2, high: {longest}}}
objectives: [{{metric: loss, direction: minimize}}]
sampler: {{name: tpe, seed: 3, lookahead: {lookahead}}}
pruner: {{name: none}}
budget: {{trials: {trials}}}
runner: {{name: ray, address: "{address}", max_workers: {nodes}, cpus_per_trial: 1, tries: {tries}}}
runs: {folder}
loggers: {{tensorboard: false}}
"""


def steps(params: dict[str, Any], trial: Trial) -> Iterator[Progress]:
    """The objective: one evaluation and one checkpoint a second."""
    done = int((trial.checkpoint / "step").read_text()) if trial.checkpoint is not None else 0
    for step in range(done + 1, params["seconds"] + 1):
        time.sleep(1.0)
        yield Progress(
            examples=step,
            fraction=step / params["seconds"],
            metrics={"loss": (params["x"] - 1) ** 2 + 1 / step + params["y"] + trial.seed % 7 / 100},
            checkpoint=lambda folder, step=step: (folder / "step").write_text(str(step)),  # type: ignore[misc]
        )


def write(folder: Path, name: str, address: str, trials: int, longest: int) -> Path:
    """The study file."""
    text = STUDY.format(
        name=name, file=Path(__file__).resolve(), longest=longest, lookahead=LOOKAHEAD, trials=trials,
        address=address, nodes=NODES, tries=TRIES, folder=folder / "runs",
    )  # fmt: skip
    (folder / f"{name}.yaml").write_text(text, encoding="utf8")
    return folder / f"{name}.yaml"


class Disturbance:
    """Kills workers, and once a node; what it hit.

    Args:
        cluster: whose processes it kills.
        every: seconds between two killed workers.
        half: tells after which a node is taken away.
    """

    def __init__(self, cluster: RayCluster, every: float, half: int) -> None:
        self._cluster, self._every, self._half = cluster, every, half
        self._chance = random.Random(0)
        self._next = time.monotonic() + every
        self.workers, self.nodes = 0, 0

    def __call__(self, told: int) -> None:
        """Do what is due, given how many trials are told."""
        if told >= self._half and not self.nodes:
            self._cluster.kill_node(self._cluster.nodes[-1])
            self.nodes = 1
        if time.monotonic() >= self._next:
            self._next += self._every
            alive = self._cluster.workers()
            if alive:
                self._chance.choice(alive).kill()
                self.workers += 1


def run(cluster: RayCluster, study: Path, journal: Path, disturb: Callable[[int], None]) -> float:
    """Run the study in a process of its own; its seconds from start to end.

    Raises:
        RuntimeError: it did not end well.
    """
    began = time.monotonic()
    with (study.parent / f"{study.stem}.log").open("w+", encoding="utf8") as log:
        driver = subprocess.Popen(
            [sys.executable, "-m", "hpo.run", str(study), "--json"], env=cluster.environment, stdout=log, stderr=log
        )
        try:
            while driver.poll() is None:
                disturb(sum(event["event"] == "tell" for event in events(journal)))
                if time.monotonic() - began > LIMIT:
                    raise RuntimeError(f"{study.stem} has not ended after {LIMIT:.0f} s")
                time.sleep(0.2)
        finally:
            driver.kill()
            driver.wait()
        seconds = time.monotonic() - began
        if driver.returncode:
            log.seek(0)
            raise RuntimeError(f"{study.stem}: exit code {driver.returncode}\n{log.read()[-4000:]}")
    return seconds


def events(journal: Path) -> list[dict[str, Any]]:
    """What the journal holds; nothing where there is none yet."""
    return [dict(event) for event in read(journal)] if journal.exists() else []


def account(study: Path, trials: int) -> dict[str, Any]:
    """What became of every trial and every attempt, by the journal and by Optuna's storage."""
    import optuna

    config = load(study)
    folder = RunFolder(Path(config.runs) / config.study)
    found = events(folder.journal)
    tells = Counter(event["number"] for event in found if event["event"] == "tell")
    begun = Counter((e["number"], e["attempt"]) for e in found if e["event"] == "start")
    ends = Counter((e["number"], e["attempt"]) for e in found if e["event"] in ("result", "lost"))
    stored = optuna.load_study(study_name=config.study, storage=f"sqlite:///{folder.root / 'study.db'}").trials
    states = Counter(trial.state.name for trial in stored)
    lost = [event for event in found if event["event"] == "lost"]
    return {
        "told_once": tells == dict.fromkeys(range(trials), 1),
        "attempts": len(begun),
        "attempts_ended_once": set(begun) <= set(ends) and max(begun.values()) == max(ends.values()) == 1,
        "stored": dict(states),
        "stored_truly": len(stored) == trials and states == {"COMPLETE": trials},
        "lost": dict(Counter(event["message"] for event in lost)),
        "trained_again": sum(event["device_seconds"] for event in lost),
        "evaluations": sum(event["event"] == "progress" for event in found),
    }


def one_study(folder: Path, name: str, *, trials: int, longest: int, every: float | None) -> dict[str, Any]:
    """One study on a cluster of its own; disturbed where ``every`` is given."""
    with RayCluster(cpus=1) as cluster:
        for _ in range(NODES - 1):
            cluster.add_node(cpus=1)
        study = write(folder, name, cluster.address, trials, longest)
        disturb = Disturbance(cluster, every or LIMIT, trials // 2 if every else trials + 1)
        seconds = run(cluster, study, folder / "runs" / name / "journal.jsonl", disturb)
    common.note(f"{name}: {seconds:.1f} s, {disturb.workers} workers killed, load {os.getloadavg()[0]:.1f}")
    killed = {"workers_killed": disturb.workers, "nodes_killed": disturb.nodes}
    return {"seconds": seconds, **killed, **account(study, trials)}


def measure(trials: int, longest: int, every: float) -> dict[str, Any]:
    """The undisturbed study, the disturbed one, and whether they came to the same."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = {
            "undisturbed": one_study(folder, "undisturbed", trials=trials, longest=longest, every=None),
            "disturbed": one_study(folder, "disturbed", trials=trials, longest=longest, every=every),
        }
        calm, hit = (table(load(folder / f"{side}.yaml")) for side in found)
    equal = calm == hit and len(calm) == trials
    fine = all(side["told_once"] and side["attempts_ended_once"] and side["stored_truly"] for side in found.values())
    return {"studies": found, "tables_equal": equal, "fine": equal and fine}


def draw(result: Mapping[str, Any]) -> None:
    """The table for people."""
    studies = result["studies"]
    rows = {
        "seconds": lambda s: f"{s['seconds']:.0f}",
        "workers killed": lambda s: s["workers_killed"],
        "nodes killed": lambda s: s["nodes_killed"],
        "attempts": lambda s: s["attempts"],
        "lost, as the study tells it": lambda s: "; ".join(f"{n} x {what}" for what, n in s["lost"].items()),
        "seconds trained and lost": lambda s: f"{s['trained_again']:.1f}",
        "trials told exactly once": lambda s: "all" if s["told_once"] else "NOT ALL",
        "attempts that ended exactly once": lambda s: "all" if s["attempts_ended_once"] else "NOT ALL",
        "in Optuna's storage": lambda s: ", ".join(f"{n} {state}" for state, n in s["stored"].items()),
    }
    common.table(
        f"{result['trials']} trials of 2 to {result['longest']} s, three nodes, {TRIES} tries",
        ("", *studies),
        [(name, *(value(study) for study in studies.values())) for name, value in rows.items()],
    )
    ratio = studies["disturbed"]["seconds"] / studies["undisturbed"]["seconds"]
    print(
        f"\nwall time, disturbed / undisturbed: {ratio:.2f}; tables equal: {'yes' if result['tables_equal'] else 'NO'}"
    )


def main() -> int:
    """Run both and compare; exit code 1 where anything is amiss."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="18 trials, a worker killed every 5 s")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    trials, longest, every = (18, 4, 5.0) if arguments.quick else (100, 6, 15.0)
    result = {
        "benchmark": "ray_faults",
        "machine": common.machine(1, ("hpo", "ray", "optuna")),
        "trials": trials,
        "longest": longest,
        "kill_every_seconds": every,
        **measure(trials, longest, every),
    }
    common.finish(result, as_json=arguments.json, draw=draw)
    return 0 if result["fine"] else 1


if __name__ == "__main__":
    sys.exit(main())

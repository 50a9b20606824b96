"""Overhead of a trial on Ray: trials that do nothing, ours beside Ray Tune with OptunaSearch, start-up included.

    python -m benchmarks.ray_overhead              200 trials, two workers, three turns; about twenty minutes
    python -m benchmarks.ray_overhead --quick      20 trials, one turn
    python -m benchmarks.ray_overhead --json       the same as one JSON object

Eight parameters, TPE, one number at the end of a trial, two workers of one CPU on a Ray of this run's own. Each side
is a process of its own and counts from its start to its end. Ours is `python -m hpo.run study.yaml` with a plain
function: run folder, journal, SQLite storage, tables. The peers keep their study in memory: Ray Tune with a function
trainable, and with a class trainable whose actors are used again. One more run of ours tells where its time goes.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import common

PARAMETERS = 8
WORKERS = 2
TARGET = 3.0  # times less than the better peer
PEERS = {"Ray Tune, function": "function", "Ray Tune, class, actors reused": "class"}
OURS = "ours"

STUDY = """
study: noop
objective: {file}:noop
search_space: {{{space}}}
objectives: [{{metric: loss, direction: minimize}}]
sampler: {{name: tpe, seed: 0}}
pruner: {{name: none}}
budget: {{trials: {trials}}}
runner: {{name: ray, max_workers: {workers}, cpus_per_trial: 1}}
runs: {runs}
loggers: {{tensorboard: false}}
"""


def noop(params: dict[str, float]) -> dict[str, float]:
    """Our objective."""
    return {"loss": loss(params)}


def loss(params: Mapping[str, float]) -> float:
    """Something to minimise."""
    return sum((params[name] - 0.3) ** 2 for name in names())


def names() -> list[str]:
    """The parameters, all uniform in 0 to 1."""
    return [f"x{i}" for i in range(PARAMETERS)]


def environment() -> dict[str, str]:
    """The same for all sides: one thread, a random token, nothing sent."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32), "RAY_USAGE_STATS_ENABLED": "0"}
    return {**kept, **own}


def write_study(folder: Path, trials: int) -> Path:
    """Our study file."""
    space = ", ".join(f"{name}: {{type: uniform, low: 0, high: 1, default: 0.5}}" for name in names())
    text = STUDY.format(
        file=Path(__file__).resolve(), space=space, trials=trials, workers=WORKERS, runs=folder / "runs"
    )
    (folder / "noop.yaml").write_text(text, encoding="utf8")
    return folder / "noop.yaml"


def one_run(side: str, trials: int) -> dict[str, Any]:
    """One side in a process of its own: its seconds, and what it printed."""
    with tempfile.TemporaryDirectory() as folder:
        study = str(write_study(Path(folder), trials))
        command = {
            OURS: ["-m", "hpo.run", study, "--json"],
            "parts": ["-m", "benchmarks.ray_overhead_parts", study],
        }.get(side) or ["-m", "benchmarks.ray_tune_noop", PEERS[side], folder, str(trials), str(WORKERS)]
        began = time.time()
        ended = subprocess.run([sys.executable, *command], env=environment(), capture_output=True, text=True)
        seconds = time.time() - began
    if ended.returncode:
        raise RuntimeError(f"{side}: exit code {ended.returncode}\n{ended.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(ended.stdout.strip().splitlines()[-1])
    if side == OURS and found["trials"]["complete"] != trials:
        raise RuntimeError(f"ours: {found['trials']}")
    common.note(f"{side}: {seconds:.1f} s, load {os.getloadavg()[0]:.1f}")
    return {"began": began, "seconds": seconds, "found": found}


def measure(trials: int, repeats: int) -> dict[str, Any]:
    """All sides in turns; then where our time goes."""
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in (OURS, *PEERS)}
    for _ in range(repeats):
        for side in runs:
            runs[side].append(one_run(side, trials))
    return {
        "seconds": {side: common.spread(run["seconds"] for run in several) for side, several in runs.items()},
        "before_the_first_trial": {
            side: common.spread(run["found"]["started"] - run["began"] for run in runs[side]) for side in PEERS
        },
        "parts": parts(one_run("parts", trials), trials),
    }


def parts(run: Mapping[str, Any], trials: int) -> dict[str, float]:
    """Seconds of our run by part, in order; they add up to the whole."""
    marks = {"process": run["began"], **run["found"], "end": run["began"] + run["seconds"]}
    return {
        "Python, study file": marks["connecting"] - marks["process"],
        "Ray: import": marks["imported"] - marks["connecting"],
        "Ray: start, while the rest is imported": marks["connected"] - marks["imported"],
        "actors come up, run folder, storage": marks["first_ask"] - marks["connected"],
        "first trial": marks["first_tell"] - marks["first_ask"],
        f"the other {trials - 1} trials": marks["last_tell"] - marks["first_tell"],
        "tables": marks["closing"] - marks["last_tell"],
        "Ray: end": marks["closed"] - marks["closing"],
        "dashboard's note, summary, Python's end": marks["end"] - marks["closed"],
    }


def draw(result: Mapping[str, Any]) -> None:
    """The tables for people."""
    trials, found = result["trials"], result["seconds"]
    mine = found[OURS]["median"]
    common.table(
        f"{trials} trials that do nothing, {WORKERS} workers, {result['repeats']} turns: median (least-greatest)",
        ("", "seconds", "ms a trial", "this / ours"),
        [
            (
                side,
                common.shown(found[side]),
                common.shown(found[side], scale=1000 / trials, digits=0),
                f"{found[side]['median'] / mine:.2f}",
            )
            for side in found
        ],
    )
    whole = sum(result["parts"].values())
    rows = [(name, f"{seconds:.2f}", f"{seconds / whole:.0%}") for name, seconds in result["parts"].items()]
    common.table("Where our time goes: one further run", ("part", "seconds", "share"), rows)
    ratio = min(found[side]["median"] for side in PEERS) / mine
    print(
        f"\ntarget: at least {TARGET:g} times less than the better peer: {'met' if ratio >= TARGET else 'MISSED'} "
        f"({ratio:.2f})"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200, help="trials of each side")
    parser.add_argument("--repeats", type=int, default=3, help="turns")
    parser.add_argument("--quick", action="store_true", help="20 trials, one turn")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    trials, repeats = (20, 1) if arguments.quick else (arguments.trials, arguments.repeats)
    result = {
        "benchmark": "ray_overhead",
        "machine": common.machine(1, ("hpo", "ray", "optuna")),
        "trials": trials,
        "repeats": repeats,
        "target_ratio": TARGET,
        **measure(trials, repeats),
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

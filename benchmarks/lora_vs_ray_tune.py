"""Twelve fixed LoRA configurations on two Ray workers: our study beside Ray Tune, OptunaSearch and the Trainer.

    python -m benchmarks.lora_vs_ray_tune              two turns; about fifteen minutes
    python -m benchmarks.lora_vs_ray_tune --quick      two configurations, one turn
    python -m benchmarks.lora_vs_ray_tune --json       the same as one JSON object

Rows, configurations and settings are those of `lora_vs_trainer`; two workers of one CPU and one thread each. Each
side is a process of its own and counts from its start to its end: imports, Ray, the reading of rows, everything. Ours
is `python -m hpo.run` with all it writes, checks of the rows and the best adapter included; the peers save nothing.
Two peers: a function trainable, and a class trainable whose actors, with their imports, are used again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import common, lora_rows
from benchmarks.lora_ours import checked, write_study
from benchmarks.ray_overhead import environment

WORKERS = 2
TARGET = 2.0  # times faster than the better peer
OURS = "ours"
PEERS = {"Ray Tune, function": "function", "Ray Tune, class, actors reused": "class"}
SIDES = (OURS, *PEERS)


def one_run(side: str, source: Path, trials: int) -> dict[str, Any]:
    """One side, all configurations, in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lora_rows.write_rows(source, folder)
        study = write_study(folder, f"{{name: ray, max_workers: {WORKERS}, cpus_per_trial: 1}}", count=trials)
        if side == OURS:
            command = ["-m", "hpo.run", str(study), "--json", "--accept-data", "two rows alike, the same for all sides"]
        else:
            command = ["-m", "benchmarks.lora_ray_tune", PEERS[side], name, str(WORKERS), str(trials)]
        began = time.perf_counter()
        ended = subprocess.run([sys.executable, *command], env=environment(), capture_output=True, text=True)
        seconds = time.perf_counter() - began
        if ended.returncode:
            raise RuntimeError(f"{side}: exit code {ended.returncode}\n{ended.stderr[-4000:]}")
        found = _our_trials(study) if side == OURS else json.loads(ended.stdout.strip().splitlines()[-1])["trials"]
    common.note(f"{side}: {seconds:.1f} s, load {os.getloadavg()[0]:.1f}")
    return {"total": seconds, "trials": found}


def _our_trials(study: Path) -> list[dict[str, Any]]:
    """Numbers of each trial, from the journal."""
    from hpo.config import load
    from hpo.records import RunFolder, load_state

    config = load(study)
    records = load_state(RunFolder(Path(config.runs) / config.study).journal).records
    return [checked(records[n], records[n].finished - records[n].started) for n in sorted(records)]


def measure(source: Path, trials: int, repeats: int) -> dict[str, Any]:
    """All sides in turns, ``repeats`` times."""
    runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(repeats):
        for side in SIDES:
            runs[side].append(one_run(side, source, trials))
    return {
        "total": {side: common.spread(run["total"] for run in several) for side, several in runs.items()},
        "trial": {side: _mean(several, "seconds") for side, several in runs.items()},
        "accuracy": {side: _mean(several, "accuracy") for side, several in runs.items()},
        "configurations": [_configuration(index, runs) for index in range(trials)],
    }


def _mean(runs: list[dict[str, Any]], name: str) -> float:
    return statistics.mean(trial[name] for run in runs for trial in run["trials"])


def _configuration(index: int, runs: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    found = {side: [run["trials"][index] for run in several] for side, several in runs.items()}
    return {
        **lora_rows.CONFIGURATIONS[index],
        "seconds": {side: common.spread(trial["seconds"] for trial in trials) for side, trials in found.items()},
        "accuracy": {side: statistics.mean(trial["accuracy"] for trial in trials) for side, trials in found.items()},
        "parameters": {side: trials[0]["parameters"] for side, trials in found.items()},
    }


def draw(result: Mapping[str, Any]) -> None:
    """The tables for people."""
    total, mine = result["total"], result["total"][OURS]["median"]
    common.table(
        f"{len(result['configurations'])} configurations, {WORKERS} workers, {result['repeats']} turns",
        ("", "seconds in all", "this / ours", "seconds a trial, mean", "accuracy, mean"),
        [
            (
                side,
                common.shown(total[side]),
                f"{total[side]['median'] / mine:.2f}",
                f"{result['trial'][side]:.1f}",
                f"{result['accuracy'][side]:.3f}",
            )
            for side in SIDES
        ],
    )
    ratio = min(total[side]["median"] for side in PEERS) / mine
    print(
        f"\ntarget: at least {TARGET:g} times faster than the better peer: {'met' if ratio >= TARGET else 'MISSED'} "
        f"({ratio:.2f})"
    )


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=2, help="turns")
    parser.add_argument("--rows", type=Path, default=Path(lora_rows.ROWS), help="a file with a function rows()")
    parser.add_argument("--quick", action="store_true", help="two configurations, one turn")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    trials, repeats = (2, 1) if arguments.quick else (len(lora_rows.CONFIGURATIONS), arguments.repeats)
    result = {
        "benchmark": "lora_vs_ray_tune",
        "machine": common.machine(1, ("hpo", "ray", "torch", "transformers", "peft", "optuna")),
        "repeats": repeats,
        "target_ratio": TARGET,
        **measure(arguments.rows, trials, repeats),
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

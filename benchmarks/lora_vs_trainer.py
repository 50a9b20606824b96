"""Twelve fixed LoRA configurations on MiniLM: our study beside an Optuna loop around the Hugging Face Trainer.

    python -m benchmarks.lora_vs_trainer                all cores, each side twice, in turns
    python -m benchmarks.lora_vs_trainer --threads 1    on one core
    python -m benchmarks.lora_vs_trainer --json         the same as one JSON object

1,000 training and 300 validation rows, one epoch, batches 4 to 32, three pairs of learning rate and rank, length 64,
AdamW (fused) with a linear schedule, no dropout on either side, one evaluation at the end. Each run is a process of its
own, so caches and thread pools do not mix; the clock starts after the libraries are imported. Ours is the whole study:
search, journal, storage, per-row scores, the best adapter saved. The peer keeps its study in memory and saves nothing.
Two peers: the Trainer as it comes, and the Trainer with rows grouped by length, which ours does by default.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import common, lora_rows

TARGET = 1.5  # times faster than the Trainer as it comes
SIDES = {
    "ours": ("benchmarks.lora_ours",),
    "trainer": ("benchmarks.lora_trainer",),
    "trainer, grouped": ("benchmarks.lora_trainer", "grouped"),
}


def one_run(side: str, folder: Path, threads: int) -> dict[str, Any]:
    """One side, all twelve configurations, in a process of its own."""
    module, *extra = SIDES[side]
    with tempfile.TemporaryDirectory() as own:
        for name in ("train.jsonl", "validation.jsonl"):
            (Path(own) / name).write_bytes((folder / name).read_bytes())
        command = [sys.executable, "-m", module, own, str(threads), *extra]
        ended = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ended.stdout)
    common.note(f"{side}: {found['total']:.1f} s, load {os.getloadavg()[0]:.1f}")
    return found


def measure(source: Path, threads: int, repeats: int) -> dict[str, Any]:
    """All sides in turns, ``repeats`` times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = lora_rows.write_rows(source, folder)
        runs: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
        for _ in range(repeats):
            for side in SIDES:
                runs[side].append(one_run(side, folder, threads))
    return {
        "rows": rows,
        "configurations": [_configuration(index, runs) for index in range(len(lora_rows.CONFIGURATIONS))],
        "total": {side: common.spread(run["total"] for run in found) for side, found in runs.items()},
        "processor": {side: common.spread(run["processor"] for run in found) for side, found in runs.items()},
        "besides": {side: common.spread(run["besides"] for run in found) for side, found in runs.items()},
        "accuracy": {side: _difference(runs, side) for side in SIDES if side != "ours"},
    }


def _configuration(index: int, runs: Mapping[str, list[dict[str, Any]]]) -> dict[str, Any]:
    found = {side: [run["trials"][index] for run in several] for side, several in runs.items()}
    return {
        **lora_rows.CONFIGURATIONS[index],
        "seconds": {side: common.spread(trial["seconds"] for trial in trials) for side, trials in found.items()},
        "accuracy": {side: statistics.mean(trial["accuracy"] for trial in trials) for side, trials in found.items()},
        "parameters": {side: trials[0]["parameters"] for side, trials in found.items()},
    }


def _difference(runs: Mapping[str, list[dict[str, Any]]], side: str) -> dict[str, float]:
    """Mean difference in accuracy, ours minus the peer's, over configurations, with its standard error."""
    means = {
        name: [
            statistics.mean(run["trials"][i]["accuracy"] for run in runs[name])
            for i in range(len(lora_rows.CONFIGURATIONS))
        ]
        for name in ("ours", side)
    }
    pairs = [ours - peer for ours, peer in zip(means["ours"], means[side], strict=True)]
    return {
        "ours": statistics.mean(means["ours"]),
        "peer": statistics.mean(means[side]),
        "difference": statistics.mean(pairs),
        "standard_error": statistics.stdev(pairs) / len(pairs) ** 0.5,
    }


def draw(result: Mapping[str, Any]) -> None:
    """The tables for people."""
    rows = result["rows"]
    print(f"{rows['train']} training and {rows['validation']} validation rows, {rows['classes']} classes")
    common.table(
        f"Seconds a configuration, median of {result['repeats']}, and accuracy",
        ("batch", "learning rate", "rank", *SIDES, "trainer / ours", *(f"accuracy {side}" for side in SIDES)),
        [_row(one) for one in result["configurations"]],
    )
    mine = result["total"]["ours"]["median"]
    common.table(
        "All twelve: seconds",
        ("", "total", "outside trials", "this / ours", "processor time", "this / ours", "accuracy, ours minus this"),
        [
            (
                side,
                common.shown(result["total"][side]),
                common.shown(result["besides"][side]),
                f"{result['total'][side]['median'] / mine:.2f}",
                common.shown(result["processor"][side]),
                f"{result['processor'][side]['median'] / result['processor']['ours']['median']:.2f}",
                _accuracy(result["accuracy"].get(side)),
            )
            for side in SIDES
        ],
    )
    ratio = result["total"]["trainer"]["median"] / mine
    print(f"\ntarget: at least {TARGET} times faster than the Trainer: {'met' if ratio >= TARGET else 'MISSED'}")


def _row(one: Mapping[str, Any]) -> tuple[object, ...]:
    seconds = {side: one["seconds"][side]["median"] for side in SIDES}
    return (
        one["batch_size"],
        one["learning_rate"],
        one["lora_rank"],
        *(f"{seconds[side]:.1f}" for side in SIDES),
        f"{seconds['trainer'] / seconds['ours']:.2f}",
        *(f"{one['accuracy'][side]:.3f}" for side in SIDES),
    )


def _accuracy(found: Mapping[str, float] | None) -> str:
    if found is None:
        return ""
    return f"{found['difference']:+.3f}, standard error {found['standard_error']:.3f}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="CPU threads of either side")
    parser.add_argument("--repeats", type=int, default=2, help="runs of each side")
    parser.add_argument("--rows", type=Path, default=Path(lora_rows.ROWS), help="a file with a function rows()")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    packages = ("torch", "transformers", "peft", "accelerate", "optuna")
    result = {
        "benchmark": "lora_vs_trainer",
        "machine": common.machine(arguments.threads, packages),
        "repeats": arguments.repeats,
        "target_ratio": TARGET,
        **measure(arguments.rows, arguments.threads, arguments.repeats),
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

"""How many workers one driver keeps busy: 1,000 and 10,000 simulated workers, and late asks of each sampler.

    python -m benchmarks.scale
    python -m benchmarks.scale --workers 1000 --sizes 100 1000 --json

Whole studies: random search, no pruner, four evaluations a trial, a trial for each worker and 2,000 more; our whole
driver with its journal (flushed to the disk at every ask and tell), Optuna's storage in SQLite or in memory, files in
the temporary folder. Seconds a trial are wall time without the simulation's own; a driver that takes s seconds a trial
keeps D / s workers busy with trials of D seconds. Each study runs in a process of its own: its memory is its own.

Late asks: the sampler's history is filled in directly, and a configuration is drawn on it (writing it is the storage's
share of the whole study).
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.driver_cost import Clock
from benchmarks.simulated_study import SPACE, Setting, Simulated, configuration
from hpo.objective import Progress, Trial

EVALUATIONS = 4
FURTHER_TRIALS = 2_000
SIZES = {"tpe": (100, 1_000, 5_000, 10_000, 20_000), "gp": (50, 100, 200, 400), "random": (20_000,)}
TRIAL_SECONDS = 600.0


def train(trial: Trial) -> Iterator[Progress]:
    """Evaluations that cost nothing."""
    for step in range(1, EVALUATIONS + 1):
        loss = trial.searched["lora_dropout"] + 1 / step
        yield Progress(step * 100, step / EVALUATIONS, metrics={"loss": loss})


def seconds(trial: Trial, progress: Progress) -> float:
    """A quarter of ten minutes, up to a third more or less, so that workers end at different moments."""
    return TRIAL_SECONDS / EVALUATIONS * (0.7 + 0.6 * (trial.seed % 997) / 997)


def watched() -> Clock:
    """A clock on the parts of the driver."""
    from hpo.records import Journal
    from hpo.records.tables import Tables
    from hpo.runners.simulated import SimulatedRunner
    from hpo.search.ask import Asker
    from hpo.search.storage import StudyStore

    clock = Clock()
    clock.watch(Asker, "propose", "ask")
    clock.watch(Asker, "show", "ask")
    clock.watch(StudyStore, "create", "storage: create")
    clock.watch(StudyStore, "report", "storage: report")
    clock.watch(StudyStore, "tell", "storage: tell")
    clock.watch(Journal, "append", "journal")
    clock.watch(Tables, "write", "tables")
    for method in ("messages", "submit"):
        clock.watch(SimulatedRunner, method, "simulation")
    return clock


def whole_study(workers: int, *, memory: bool) -> dict[str, Any]:
    """One study, timed in this process."""
    from hpo.records.tables import Tables

    trials = workers + FURTHER_TRIALS
    clock, told, tables = watched(), 0, None
    with tempfile.TemporaryDirectory() as root:
        study = Simulated(Setting(workers, trials, memory=memory), train, seconds, Path(root) / "run")
        tables = Tables(study.folder)
        before = _memory()
        began = time.perf_counter()
        last = [began]
        for event in study.events():
            tables.write(study.search.state)
            if event["event"] == "tell":
                told += 1
                if told % (trials // 10) == 0:
                    last.append(time.perf_counter())
        wall = time.perf_counter() - began
        tenths = [(b - a) / (trials // 10) for a, b in pairwise(last)]
        parts = {part: spent / trials for part, spent in sorted(clock.now.items())}
        used = sum(parts.values())
        return {
            "workers": workers,
            "trials": trials,
            "storage": "memory" if memory else "SQLite",
            "seconds_per_trial": wall / trials - parts["simulation"],
            "parts": {**parts, "rest": wall / trials - used},
            "second_tenth": tenths[1],
            "last_tenth": tenths[-1],
            "tells_per_second": trials / wall,
            "memory_mib": _memory(),
            "memory_before_mib": before,
            "journal_mib": study.folder.journal.stat().st_size / 2**20,
        }


def finished(number: int) -> Any:
    """A record of a trial that was told."""
    from hpo.records import Record

    chance = random.Random(number)
    params = {
        "learning_rate": 10 ** chance.uniform(-5, -2),
        "lora_rank": chance.randint(2, 128),
        "batch_size": chance.choice(SPACE["batch_size"]["choices"]),
        "lora_dropout": chance.uniform(0.0, 0.3),
        "warmup_ratio": chance.uniform(0.0, 0.2),
    }
    return Record(
        number, params, params, "tpe", 0.0, state="complete", feasible=True, constraints=(-1.0,),
        metrics={"loss": chance.random() + params["lora_dropout"]}, told=True,
    )  # fmt: skip


def late_asks(sampler: str, sizes: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """Seconds of an ask after so many finished trials."""
    from hpo.search.ask import Asker
    from hpo.space import SearchSpace

    config = configuration(Setting(1, max(sizes) + 1, sampler=sampler))
    asker, size, rows = Asker(config, SearchSpace.of(config.search_space, config.training.model_dump())), 0, []
    for wanted in sizes:
        common.note(f"asks of {sampler} after {wanted} trials")
        for number in range(size, wanted):
            asker.show(finished(number))
        size, spent = wanted, []
        for repeat in range(repeats + 1):
            began = time.perf_counter()
            asker.propose(size)
            if repeat:  # the first reads what was filled in
                spent.append(time.perf_counter() - began)
        rows.append({"sampler": sampler, "trials": size, **common.spread(spent), "memory_mib": _memory()})
    return rows


def _memory() -> float:
    """Peak resident memory of this process, MiB (Linux counts in KiB)."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def apart(*arguments: str) -> Any:
    """What this module prints, run with these arguments in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", *arguments]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def draw(result: dict[str, Any]) -> None:
    """The tables for people."""
    common.table(
        "Whole studies of random search on simulated workers",
        ("workers", "trials", "storage", "driver, ms a trial", "2nd / last tenth, ms", "memory, MiB", "journal, MiB",
         "workers kept busy with trials of 10 minutes"),
        [
            (
                f"{row['workers']:,}", f"{row['trials']:,}", row["storage"], f"{row['seconds_per_trial'] * 1000:.1f}",
                f"{row['second_tenth'] * 1000:.1f} / {row['last_tenth'] * 1000:.1f}", f"{row['memory_mib']:.0f}",
                f"{row['journal_mib']:.0f}", f"{TRIAL_SECONDS / row['seconds_per_trial']:,.0f}",
            )
            for row in result["studies"]
        ],
    )  # fmt: skip
    parts = sorted({part for row in result["studies"] for part in row["parts"]})
    common.table(
        "Where it goes, milliseconds a trial",
        ("part", *(f"{row['workers']:,} workers, {row['storage']}" for row in result["studies"])),
        [(part, *(f"{row['parts'].get(part, 0.0) * 1000:.2f}" for row in result["studies"])) for part in parts],
    )
    common.table(
        "Asks, milliseconds: median (least-greatest)",
        ("sampler", "finished trials", "ask", "workers kept busy by asks alone, trials of 10 minutes"),
        [
            (
                row["sampler"], f"{row['trials']:,}", common.shown(row, scale=1000),
                f"{TRIAL_SECONDS / row['median']:,.0f}",
            )
            for row in result["asks"]
        ],
    )  # fmt: skip


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="*", default=[1_000, 10_000], help="simulated workers")
    parser.add_argument("--sizes", type=int, nargs="*", help="finished trials before the asks, of tpe")
    parser.add_argument("--repeats", type=int, default=5, help="asks at each size")
    parser.add_argument("--study", type=int, help=argparse.SUPPRESS)  # one study in this process
    parser.add_argument("--memory", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    if arguments.study:
        print(json.dumps(whole_study(arguments.study, memory=arguments.memory)))
        return 0
    studies = []
    for workers in arguments.workers:
        for storage in ((), ("--memory",)):
            common.note(f"{workers} workers {' '.join(storage)}")
            studies.append(apart("--study", str(workers), *storage))
    sizes = {**SIZES, **({"tpe": tuple(arguments.sizes)} if arguments.sizes else {})}
    result = {
        "benchmark": "scale",
        "machine": common.machine(1, ("optuna", "sqlalchemy", "numpy")),
        "studies": studies,
        "asks": [row for name, each in sizes.items() for row in late_asks(name, each, arguments.repeats)],
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

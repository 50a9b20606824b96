"""Ordered mode against unordered: how long a study takes by lookahead, and how good it gets.

    python -m benchmarks.ordered
    python -m benchmarks.ordered --seeds 3 --workers 2 8
    python -m benchmarks.ordered --real

Simulated workers, our whole driver, random search (so that both sides train the same configurations). Makespan:
simulated seconds from the first trial to the last, ratio to the unordered study of the same seed; geometric mean over
seeds with a 95 % interval of Student's t on the logarithms. Durations: log-normal (sigma 0.5) whatever the parameters,
or 1 to 5 times as long by rank and batch size. Quality: the noiseless loss of the champion of tpe after so many trials,
above the optimum, by lookahead; in ordered mode it depends on nothing else.

With --real two real Ray workers of 1 CPU sleep through 24 trials of a second or so, ordered and unordered in turns;
seconds from the first ask to the last tell, start-up excluded.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks import common
from benchmarks.simulated_study import Setting, Simulated, configuration
from hpo import seeds
from hpo.objective import Progress, Trial

EVALUATIONS = 10
TRIALS = {2: 40, 8: 96, 64: 512}  # by workers: 20, 12 and 8 trials a worker
MULTIPLES = (1, 2, 4, 8)
LOOKAHEADS = (1, 2, 4, 8, 16, 32, 64, 128)
QUALITY_TRIALS = (30, 60, 120)
MEAN_SECONDS = 600.0


def normal(trial: Trial, what: str) -> float:
    """A standard normal number that belongs to a trial."""
    uniform = [(seeds.derive(trial.seed, trial.number, f"{what}/{n}") % 2**31 + 0.5) / 2**31 for n in (0, 1)]
    return math.sqrt(-2 * math.log(uniform[0])) * math.cos(2 * math.pi * uniform[1])


def final_loss(params: dict[str, Any]) -> float:
    """Noiseless loss at the end of a run: a valley in the learning rate's logarithm that moves with rank and batch."""
    rate, rank = math.log10(params["learning_rate"]), math.log2(params["lora_rank"])
    best = -3.4 + 0.3 * math.log2(params["batch_size"] / 16) / 2 - 0.06 * (rank - 4)
    off = rate - best
    steep = 0.5 if off > 0 else 0.12  # too high a rate diverges, too low a rate only learns slowly
    return (
        0.6
        + steep * off**2
        + 0.02 * math.exp(-(rank - 1) / 2)
        + 0.3 * (params["lora_dropout"] - 0.08) ** 2
        + 0.2 * (params["warmup_ratio"] - 0.06) ** 2
    )


def optimum() -> float:
    """The least that final_loss takes, by a fine grid of what it depends on."""
    grid = (
        {"learning_rate": 10 ** (-5 + i / 200), "lora_rank": rank, "batch_size": batch, "lora_dropout": 0.08,
         "warmup_ratio": 0.06}
        for i in range(601) for rank in (2, 4, 8, 16, 32, 64, 128) for batch in (8, 16, 32, 64)
    )  # fmt: skip
    return min(map(final_loss, grid))


def train(trial: Trial) -> Iterator[Progress]:
    """A run that learns as a power of its steps, faster at a higher rate, and ends with noise of 0.005."""
    params = dict(trial.searched)
    final = final_loss(params) + 0.005 * normal(trial, "noise")
    pace = 0.5 + 0.5 * max(0.0, min(1.0, (math.log10(params["learning_rate"]) + 5) / 3))
    for step in range(1, EVALUATIONS + 1):
        left = (step / EVALUATIONS) ** -pace - 1
        yield Progress(step * 100, step / EVALUATIONS, metrics={"loss": final + 0.15 * left})


def by_chance(trial: Trial, progress: Progress) -> float:
    """Log-normal seconds, sigma 0.5: other people on the machine, other texts."""
    return MEAN_SECONDS / EVALUATIONS * math.exp(0.5 * normal(trial, "seconds") - 0.125)


def by_parameters(trial: Trial, progress: Progress) -> float:
    """1 to 5 times as long, by batch size and rank, and a log-normal factor of sigma 0.1."""
    batch, rank = trial.searched["batch_size"], trial.searched["lora_rank"]
    factor = (64 / batch) ** 0.6 * (1 + 0.45 * math.log2(rank) / 7)
    return MEAN_SECONDS / EVALUATIONS / 2.4 * factor * math.exp(0.1 * normal(trial, "seconds"))


DURATIONS: dict[str, Callable[[Trial, Progress], float]] = {"by chance": by_chance, "by parameters": by_parameters}


def makespan(setting: Setting, durations: str) -> float:
    """Simulated seconds of a study."""
    with tempfile.TemporaryDirectory() as root:
        study = Simulated(setting, train, DURATIONS[durations], Path(root) / "run")
        for _ in study.events():
            pass
        return study.runner.now


def makespans(workers: list[int], count: int) -> list[dict[str, Any]]:
    """Ratio of ordered to unordered, by workers, pruner, durations and lookahead."""
    rows = []
    for size in workers:
        for pruner in ("none", "asha"):
            for durations in DURATIONS:
                common.note(f"{size} workers, {pruner}, durations {durations}")
                ratios: dict[int, list[float]] = {multiple: [] for multiple in MULTIPLES}
                for seed in range(count):
                    free = Setting(size, TRIALS.get(size, 8 * size), seed=seed, pruner=pruner)
                    base = makespan(free, durations)
                    for multiple in MULTIPLES:
                        kept = replace(free, ordered=True, lookahead=multiple * size)
                        ratios[multiple].append(makespan(kept, durations) / base)
                for multiple, found in ratios.items():
                    setting = {"workers": size, "pruner": pruner, "durations": durations}
                    rows.append({**setting, "lookahead_per_worker": multiple, **ratio(found)})
    return rows


def ratio(values: list[float]) -> dict[str, float]:
    """Geometric mean of ratios, with a 95 % interval."""
    from scipy.stats import t

    logs = [math.log(value) for value in values]
    middle = statistics.fmean(logs)
    half = 0.0
    if len(logs) > 1:
        half = float(t.ppf(0.975, len(logs) - 1)) * statistics.stdev(logs) / math.sqrt(len(logs))
    return {
        "ratio": math.exp(middle),
        "low": math.exp(middle - half),
        "high": math.exp(middle + half),
        "seeds": len(logs),
    }


def regrets(setting: Setting) -> dict[int, float]:
    """The best noiseless loss above the optimum after so many trials; the champion is chosen by what was measured."""
    least = optimum()
    with tempfile.TemporaryDirectory() as root:
        study = Simulated(setting, train, by_chance, Path(root) / "run")
        for _ in study.events():
            pass
        records = study.search.state.records
    found = {}
    for count in QUALITY_TRIALS:
        done = [r for r in (records[n] for n in range(count)) if r.state == "complete"]
        champion = min(done, key=lambda record: record.metrics["loss"])
        found[count] = final_loss(dict(champion.settings)) - least
    return found


def quality(lookaheads: tuple[int, ...], count: int) -> list[dict[str, Any]]:
    """Regret of tpe by lookahead, and of random search."""
    rows = []
    for name, lookahead in [*(("tpe", n) for n in lookaheads), ("random", 1)] if count else []:
        common.note(f"quality of {name}, lookahead {lookahead}")
        setting = Setting(lookahead, max(QUALITY_TRIALS), sampler=name, ordered=True, lookahead=lookahead)
        found = [regrets(replace(setting, seed=seed)) for seed in range(count)]
        for trials in QUALITY_TRIALS:
            values = [each[trials] for each in found]
            rows.append({"sampler": name, "lookahead": lookahead, "trials": trials, **_mean(values)})
    return rows


def _mean(values: list[float]) -> dict[str, float]:
    from scipy.stats import t

    half = 0.0
    if len(values) > 1:
        half = float(t.ppf(0.975, len(values) - 1)) * statistics.stdev(values) / math.sqrt(len(values))
    middle = statistics.fmean(values)
    return {"mean": middle, "low": middle - half, "high": middle + half, "seeds": len(values)}


# Real workers

REAL_TRIALS, REAL_SCALE = 24, 1 / 500  # of the simulated seconds
REAL_OBJECTIVE = """
import sys, time
sys.path.insert(0, {root!r})
from benchmarks.ordered import by_chance, train
from hpo.objective import Trial

def objective(params, trial):
    for progress in train(trial):
        time.sleep(by_chance(trial, progress) * {scale})
        yield progress
"""


def real_makespan(folder: Path, name: str, setting: Setting) -> float:
    """Wall seconds of a study on two Ray workers, from the first ask to the last tell."""
    from hpo.config.models import StudyConfig
    from hpo.search.study import Study

    values = configuration(setting).model_dump()
    values |= {"study": name, "objective": f"{folder}/real.py", "runs": str(folder / "runs")}
    values["sampler"]["lookahead"] = setting.lookahead if setting.ordered else None
    values["runner"] |= {"name": "ray", "max_workers": 2, "cpus_per_trial": 1}
    with Study(StudyConfig.model_validate(values), None) as study:
        times = [event["time"] for event in study.events() if event["event"] in ("ask", "tell")]
    return float(times[-1] - times[0])


def real(count: int) -> list[dict[str, Any]]:
    """Ratio of ordered to unordered on two real workers, by pruner and lookahead."""
    found: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = str(Path(__file__).resolve().parent.parent)
        (folder / "real.py").write_text(REAL_OBJECTIVE.format(root=root, scale=REAL_SCALE), encoding="utf8")
        for seed in range(count):
            for pruner in ("none", "asha"):
                common.note(f"real, {pruner}, seed {seed}")
                free = Setting(2, REAL_TRIALS, seed=seed, pruner=pruner)
                base = real_makespan(folder, f"free-{pruner}-{seed}", free)
                for multiple in (1, 4):
                    kept = replace(free, ordered=True, lookahead=2 * multiple)
                    spent = real_makespan(folder, f"ordered-{multiple}-{pruner}-{seed}", kept)
                    found.setdefault((pruner, multiple), []).append(spent / base)
    return [{"pruner": p, "lookahead_per_worker": m, **ratio(values)} for (p, m), values in found.items()]


def draw(result: dict[str, Any]) -> None:
    """The tables for people."""
    if result["real"]:
        common.table(
            "Two real Ray workers: makespan, ordered / unordered (95 % interval)",
            ("pruner", "lookahead", "ratio"),
            [(row["pruner"], f"{row['lookahead_per_worker']} x", _cell(row)) for row in result["real"]],
        )
        return
    rows = result["makespan"]
    groups = sorted({(row["workers"], row["pruner"], row["durations"]) for row in rows})
    cells = {(row["workers"], row["pruner"], row["durations"], row["lookahead_per_worker"]): row for row in rows}
    common.table(
        "Makespan, ordered / unordered, by lookahead in multiples of the workers (95 % interval)",
        ("workers", "pruner", "durations", *(f"{m} x" for m in MULTIPLES)),
        [(*group, *(_cell(cells[(*group, m)]) for m in MULTIPLES)) for group in groups],
    )
    held = {(row["sampler"], row["lookahead"], row["trials"]): row for row in result["quality"]}
    common.table(
        "Loss of the champion above the optimum, x 1,000, mean over seeds (95 % interval)",
        ("sampler", "lookahead", *(f"{n} trials" for n in QUALITY_TRIALS)),
        [
            (name, lookahead, *(_cell(held[name, lookahead, n], "mean", 1000) for n in QUALITY_TRIALS))
            for name, lookahead in dict.fromkeys((key[0], key[1]) for key in held)
        ],
    )


def _cell(row: dict[str, Any], name: str = "ratio", scale: float = 1.0) -> str:
    digits = 2 if scale == 1.0 else 1
    middle, low, high = (f"{row[key] * scale:.{digits}f}" for key in (name, "low", "high"))
    return f"{middle} ({low}-{high})"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, nargs="*", default=list(TRIALS), help="simulated workers")
    parser.add_argument("--seeds", type=int, default=10, help="studies a cell, makespan")
    parser.add_argument("--quality-seeds", type=int, default=30, help="studies a lookahead, quality")
    parser.add_argument("--real", action="store_true", help="two real Ray workers, in place of simulated ones")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    result = {
        "benchmark": "ordered",
        "machine": common.machine(1, ("optuna", "numpy")),
        "real": real(arguments.seeds) if arguments.real else [],
        "makespan": [] if arguments.real else makespans(arguments.workers, arguments.seeds),
        "quality": [] if arguments.real else quality(LOOKAHEADS, arguments.quality_seeds),
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

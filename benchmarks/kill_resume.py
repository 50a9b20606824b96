"""SIGKILL a study at random moments and after every kind of write; compare its table with an undisturbed run's.

    python -m benchmarks.kill_resume            all samplers, one and two objectives, 20 random kills each
    python -m benchmarks.kill_resume --quick    a smaller set, as the tests run it

Prints one JSON object: for every case the kills that hit, and whether the tables are equal.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpo.config import load
from hpo.config.models import StudyConfig
from hpo.objective import Progress, Trial
from hpo.records import Journal, RunFolder, load_state
from hpo.search.storage import StudyStore
from hpo.search.study import Study

EVALUATIONS = 4
JOURNAL_WRITES = ("open", "ask", "start", "progress", "checkpoint", "result", "decision", "tell", "close")
STORE_WRITES = ("create", "report", "tell", "set_attribute")

STUDY = """
study: {name}
objective: {file}:steps
search_space: {space}
objectives: {objectives}
constraints: [{{metric: size, max: 4.2}}]
sampler: {{name: {sampler}, seed: 3, lookahead: {lookahead}}}
budget: {{trials: {trials}}}
runs: {runs}
loggers: {{tensorboard: false}}
"""
CONTINUOUS = """
  x: {type: uniform, low: -3, high: 3, default: 0}
  y: {type: log_uniform, low: 1.0e-5, high: 1.0e-1}
  kind: {type: categorical, choices: [a, b]}
  z: {type: int_uniform, low: 1, high: 5, when: {kind: b}}
"""
FINITE = """
  x: {type: uniform, low: -3, high: 3, step: 0.5, default: 0}
  kind: {type: categorical, choices: [a, b]}
  z: {type: int_uniform, low: 1, high: 4, when: {kind: b}}
"""
ONE = "[{metric: loss, direction: minimize}]"
TWO = "[{metric: loss, direction: minimize}, {metric: size, direction: minimize}]"


def steps(params: dict[str, Any], trial: Trial) -> Iterator[Progress]:
    """A deterministic objective that completes, lags, breaks and gives NaN, each in its own corner."""
    done = 0
    if trial.checkpoint is not None:
        done = int((trial.checkpoint / "step").read_text())
    for step in range(done + 1, EVALUATIONS + 1):
        time.sleep(0.001)
        if params["x"] > 2.5 and step == 2:
            raise ValueError("this corner breaks")
        loss = (params["x"] - 1) ** 2 + 1 / step + 0.1 * params.get("z", 0) + trial.seed % 7 / 100
        yield Progress(
            examples=step * 100,
            fraction=step / EVALUATIONS,
            metrics={
                "loss": float("nan") if params["x"] < -2.5 else loss,
                "size": abs(params["x"]) + params.get("z", 1),
            },
            checkpoint=lambda folder, step=step: (folder / "step").write_text(str(step)),  # type: ignore[misc]
        )


def configuration(
    folder: Path, name: str, *, sampler: str, objectives: str, trials: int, lookahead: int
) -> StudyConfig:
    """The study file of one case."""
    file = folder / f"{name}.yaml"
    space = FINITE if sampler == "grid" else CONTINUOUS
    text = STUDY.format(
        name=name, file=__file__, space=space, objectives=objectives, sampler=sampler, trials=trials,
        runs=folder / "runs", lookahead=lookahead,
    )  # fmt: skip
    file.write_text(text, encoding="utf8")
    return load(file)


def run(config: StudyConfig) -> None:
    """Run or resume the study in this process."""
    with Study(config, None) as study:
        for _ in study.events():
            pass


def in_child(work: Callable[[], None]) -> int:
    """Fork, do the work, and return the child's process id."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(code)
    return pid


def ended(pid: int) -> int:
    """Wait for a child; its exit code, or minus the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def table(config: StudyConfig) -> list[dict[str, Any]]:
    """The reproducible columns of a study's trials."""
    records = load_state(RunFolder(Path(config.runs) / config.study).journal).records
    names = (
        "number",
        "params",
        "settings",
        "source",
        "state",
        "reason",
        "feasible",
        "violation",
        "metrics",
        "examples",
    )
    rows = [{name: getattr(records[n], name) for name in names} for n in sorted(records)]
    for row, n in zip(rows, sorted(records), strict=True):
        row["curve"] = [(p.examples, p.fraction, dict(p.metrics)) for p in records[n].curve]
        row["told"] = records[n].told
    return rows


def stored(config: StudyConfig) -> list[tuple[Any, ...]]:
    """What Optuna's storage holds of the same trials."""
    import optuna

    path = Path(config.runs) / config.study / "study.db"
    study = optuna.load_study(study_name=config.study, storage=f"sqlite:///{path}")
    trials = study.get_trials(deepcopy=False)
    return [(t.number, t.state.name, t.params, t.values, t.system_attrs.get("constraints")) for t in trials]


def die_after(kind: str, count: int) -> None:
    """Have this process SIGKILL itself right after its ``count``-th write of a kind."""
    left = [count]

    def hit() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    room, name = kind.split(":")
    if room == "journal":
        append = Journal.append

        def patched(self: Journal, event: Any) -> Any:
            written = append(self, event)
            if event["event"] == name:
                hit()
            return written

        Journal.append = patched  # type: ignore[method-assign]
        return
    method = getattr(StudyStore, name)

    def wrapped(self: StudyStore, *arguments: Any, **keywords: Any) -> Any:
        result = method(self, *arguments, **keywords)
        hit()
        return result

    setattr(StudyStore, name, wrapped)


def random_kills(config: StudyConfig, kills: int, seconds: float, seed: int) -> int:
    """Kill the study ``kills`` times at random moments, then let it finish; how many kills met a running study."""
    chance = random.Random(seed)
    hit = 0
    for _ in range(kills):
        pid = in_child(lambda: run(config))
        time.sleep(chance.uniform(0.1, 1.0) * seconds / kills * 3)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        hit += ended(pid) == -signal.SIGKILL
    assert ended(in_child(lambda: run(config))) == 0
    return hit


def write_kills(config: StudyConfig, kinds: list[str]) -> int:
    """Kill the study once after each kind of write, then let it finish; how many kills met a running study."""
    hit = 0
    for index, kind in enumerate(kinds):

        def work(kind: str = kind, index: int = index) -> None:
            die_after(kind, 1 if kind.endswith((":open", ":close", ":set_attribute")) else 1 + index % 3)
            run(config)

        hit += ended(in_child(work)) == -signal.SIGKILL
    assert ended(in_child(lambda: run(config))) == 0
    return hit


def compare(folder: Path, *, sampler: str, objectives: str, trials: int, kills: int) -> dict[str, Any]:
    """One case: undisturbed, killed at random moments, killed after every kind of write."""
    several = {"sampler": sampler, "objectives": objectives, "trials": trials, "lookahead": 1}
    calm = configuration(folder, f"calm-{sampler}-{len(objectives)}", **several)
    began = time.perf_counter()
    assert ended(in_child(lambda: run(calm))) == 0
    seconds = time.perf_counter() - began
    hit_config = configuration(folder, f"random-{sampler}-{len(objectives)}", **several)
    write_config = configuration(folder, f"write-{sampler}-{len(objectives)}", **several)
    kinds = [
        *(f"journal:{k}" for k in JOURNAL_WRITES),
        *(f"store:{k}" for k in STORE_WRITES if k != "report" or objectives == ONE),
    ]
    # "close" comes last: a study that has closed has nothing left to be killed in
    kinds = sorted(kinds, key=lambda kind: kind == "journal:close")
    hits, writes = random_kills(hit_config, kills, seconds, seed=1), write_kills(write_config, kinds)
    expected = table(calm)
    return {
        "sampler": sampler,
        "objectives": 1 if objectives == ONE else 2,
        "trials": len(expected),
        "states": sorted({row["state"] + (":" + row["reason"] if row["reason"] else "") for row in expected}),
        "random_kills": hits,
        "write_kills": f"{writes} of {len(kinds)}",
        "equal_after_random_kills": table(hit_config) == expected and stored(hit_config) == stored(calm),
        "equal_after_write_kills": table(write_config) == expected and stored(write_config) == stored(calm),
        "all_told": all(row["told"] for row in expected),
    }


def main() -> int:
    """Run all cases; exit code 1 where a table differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    quick = parser.parse_args().quick
    samplers, trials, kills = (("tpe", "grid"), 16, 6) if quick else (("tpe", "gp", "random", "grid"), 40, 20)
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for sampler in samplers:
            for objectives in (ONE, TWO) if not quick or sampler == "tpe" else (ONE,):
                case = compare(Path(folder), sampler=sampler, objectives=objectives, trials=trials, kills=kills)
                print(json.dumps(case), file=sys.stderr, flush=True)
                cases.append(case)
    fine = all(c["equal_after_random_kills"] and c["equal_after_write_kills"] and c["all_told"] for c in cases)
    print(json.dumps({"cases": cases, "fine": fine}))
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())

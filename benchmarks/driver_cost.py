"""Driver cost of a trial that does nothing, and of asking late in a study, beside bare Optuna on the same storage.

    python -m benchmarks.driver_cost             501 trials, then asks after 1,000, 2,000 and 5,000; about two minutes
    python -m benchmarks.driver_cost --json      the same as one JSON object

A trial has 8 parameters and 3 reports, one after the other, TPE, SQLite (WAL, synchronous=NORMAL), one objective, no
pruner. Ours is the whole path: sampling, run folder, journal, tables, storage. The peer is `study.ask`, 8 `suggest`,
3 `report`, `study.tell`, with the same TPE settings, once with Optuna's ten start-up trials and once with as few as
ours. The three take turns, trial by trial.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks import common

PARAMETERS = 8
REPORTS = 3
STARTUP = 4  # random or fixed before TPE begins: our default configuration and three draws
SIZES = (1_000, 2_000, 5_000)
TARGET = 0.050  # seconds a trial, median

STUDY = """
study: noop
objective: {file}:noop
search_space: {{{space}}}
objectives: [{{metric: loss, direction: minimize}}]
sampler: {{name: tpe, seed: 0}}
pruner: {{name: none}}
budget: {{trials: {trials}}}
runs: {runs}
loggers: {{tensorboard: false}}
"""


def noop(params: dict[str, float]) -> Iterator[Any]:
    """The objective: three evaluations, no work."""
    from hpo.objective import Progress

    for step in range(1, REPORTS + 1):
        yield Progress(examples=step, fraction=step / REPORTS, metrics={"loss": loss(params) + 1 / step})


def loss(params: dict[str, float]) -> float:
    """Something to minimise."""
    return sum((params[name] - 0.3) ** 2 for name in names())


def names() -> list[str]:
    """The parameters, all uniform in 0 to 1."""
    return [f"x{i}" for i in range(PARAMETERS)]


def configuration(folder: Path, trials: int) -> Any:
    """Our study file, loaded."""
    from hpo.config import load

    space = ", ".join(f"{name}: {{type: uniform, low: 0, high: 1, default: 0.5}}" for name in names())
    file = folder / "noop.yaml"
    text = STUDY.format(file=Path(__file__).resolve(), space=space, trials=trials, runs=folder / "runs")
    file.write_text(text, encoding="utf8")
    return load(file)


# Whole trials


def ours(study: Any) -> Iterator[None]:
    """Our study, one trial a step."""
    for event in study.events():
        if event["event"] == "tell":
            yield


class Peer:
    """A bare Optuna loop."""

    def __init__(self, folder: Path, startup: int) -> None:
        import optuna

        from hpo.search.storage import open_storage

        self.times: dict[str, list[float]] = defaultdict(list)
        with _quietly():
            sampler = optuna.samplers.TPESampler(
                seed=0, n_startup_trials=startup, multivariate=True, constant_liar=True
            )
        self.study = optuna.create_study(
            storage=open_storage(None, folder / f"peer-{startup}.db"),
            sampler=sampler,
            pruner=optuna.pruners.NopPruner(),
        )

    def ask(self) -> tuple[Any, dict[str, float]]:
        """Ask and draw all parameters."""
        trial = self.study.ask()
        return trial, {name: trial.suggest_float(name, 0, 1) for name in names()}

    def trial(self) -> None:
        """One trial."""
        with self._timed("sample"):
            trial, params = self.ask()
        with self._timed("report"):
            for step in range(1, REPORTS + 1):
                trial.report(loss(params) + 1 / step, step)
        with self._timed("tell"):
            self.study.tell(trial, loss(params) + 1 / REPORTS)

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        began = time.perf_counter()
        yield
        self.times[part].append(time.perf_counter() - began)


class Clock:
    """Where our time goes: seconds in chosen methods, of the trial that runs; an outer method's exclude an inner's."""

    def __init__(self) -> None:
        self.now: dict[str, float] = defaultdict(float)
        self.trials: list[dict[str, float]] = []
        self._inner: list[float] = []

    def watch(self, owner: type, method: str, part: str) -> None:
        """Count the time in ``owner.method`` under ``part``."""
        original: Callable[..., Any] = getattr(owner, method)

        def timed(*arguments: Any, **keywords: Any) -> Any:
            self._inner.append(0.0)
            began = time.perf_counter()
            try:
                return original(*arguments, **keywords)
            finally:
                spent = time.perf_counter() - began
                self.now[part] += spent - self._inner.pop()
                if self._inner:
                    self._inner[-1] += spent

        setattr(owner, method, timed)

    def lap(self, seconds: float) -> None:
        """A trial is over."""
        self.trials.append({**self.now, "rest": seconds - sum(self.now.values())})
        self.now.clear()

    def medians(self) -> dict[str, dict[str, float]]:
        """The spread over trials, by part."""
        parts = sorted({part for trial in self.trials for part in trial})
        return {part: common.spread(trial.get(part, 0.0) for trial in self.trials) for part in parts}


def watched() -> Clock:
    """A clock on the parts of our driver."""
    from hpo.records import Journal
    from hpo.records.artifacts import Artifacts
    from hpo.records.tables import Tables
    from hpo.runners.local import LocalRunner
    from hpo.search.ask import Asker
    from hpo.search.storage import StudyStore

    clock = Clock()
    clock.watch(Asker, "propose", "sample")
    clock.watch(Asker, "show", "sample")
    for method in ("create", "report", "tell"):
        clock.watch(StudyStore, method, f"storage: {method}")
    clock.watch(Journal, "append", "journal")
    clock.watch(Tables, "write", "tables")
    clock.watch(Artifacts, "settle", "artifacts")
    clock.watch(LocalRunner, "messages", "runner and worker")
    return clock


def whole_trials(folder: Path, trials: int) -> dict[str, Any]:
    """Seconds of every trial on each side."""
    from hpo.search.study import Study

    clock = watched()
    peers = {f"optuna, {startup} start-up trials": Peer(folder, startup) for startup in (10, STARTUP)}
    seconds: dict[str, list[float]] = defaultdict(list)
    with Study(configuration(folder, trials), None) as study:
        steps = ours(study)
        clock.now.clear()  # what opening the folder cost
        for number in range(trials):
            began = time.perf_counter()
            next(steps)
            seconds["ours"].append(time.perf_counter() - began)
            clock.lap(seconds["ours"][-1])
            for name, peer in peers.items():
                began = time.perf_counter()
                peer.trial()
                seconds[name].append(time.perf_counter() - began)
            if (number + 1) % 100 == 0:
                common.note(f"{number + 1} trials")
    return {
        "seconds": {name: common.spread(values) for name, values in seconds.items()},
        "first_100": {name: common.spread(values[:100]) for name, values in seconds.items()},
        "last_100": {name: common.spread(values[-100:]) for name, values in seconds.items()},
        "parts": {
            "ours": clock.medians(),
            **{name: {part: common.spread(v) for part, v in peer.times.items()} for name, peer in peers.items()},
        },
    }


# Asking late


def finished(number: int) -> Any:
    """A record of a trial that was told."""
    import random

    from hpo.records import Record

    chance = random.Random(number)
    params = {name: chance.random() for name in names()}
    return Record(
        number, params, params, "tpe", 0.0, state="complete", feasible=True, constraints=(-1.0,),
        metrics={"loss": loss(params)}, told=True,
    )  # fmt: skip


class Late:
    """Both sides with as many finished trials."""

    def __init__(self, folder: Path) -> None:
        from hpo.search.ask import Asker
        from hpo.space import SearchSpace

        config = configuration(folder, max(SIZES))
        self.asker = Asker(config, SearchSpace.of(config.search_space, config.training.model_dump()))
        self.peer = Peer(folder, 10)
        self.size = 0

    def fill(self, size: int) -> None:
        """Add finished trials up to ``size``, without running them."""
        import optuna

        distributions = dict.fromkeys(names(), optuna.distributions.FloatDistribution(0, 1))
        for number in range(self.size, size):
            record = finished(number)
            self.asker.show(record)
            trial = optuna.trial.create_trial(
                params=dict(record.params),
                distributions=dict(distributions),
                value=record.metrics["loss"],
                intermediate_values={step: record.metrics["loss"] for step in range(1, REPORTS + 1)},
            )
            self.peer.study.add_trial(trial)
        self.size = size

    def ask_ours(self) -> None:
        """Our ask: drawn on the mirror (writing the trial is storage: create)."""
        assert self.asker.propose(self.size) is not None

    def ask_peer(self) -> None:
        """Optuna's."""
        self.pending = self.peer.ask()[0]

    def forget(self) -> None:
        """Leave the peer's study as it was."""
        import optuna

        self.peer.study.tell(self.pending, state=optuna.trial.TrialState.FAIL)


def late_asks(folder: Path, sizes: tuple[int, ...], repeats: int) -> list[dict[str, Any]]:
    """Seconds of an ask after so many trials."""
    late, found = Late(folder), []
    for size in sizes:
        common.note(f"filling in {size} trials")
        late.fill(size)
        seconds: dict[str, list[float]] = {"ours": [], "optuna": []}
        for repeat in range(repeats + 1):
            for name, ask in (("ours", late.ask_ours), ("optuna", late.ask_peer)):
                began = time.perf_counter()
                ask()
                if repeat:  # the first reads what was filled in
                    seconds[name].append(time.perf_counter() - began)
            late.forget()
        found.append({"trials": size, **{name: common.spread(values) for name, values in seconds.items()}})
    return found


def draw(result: dict[str, Any]) -> None:
    """The tables for people."""
    trials = result["trials"]
    mine = trials["seconds"]["ours"]["median"]
    common.table(
        f"Driver cost of a no-op trial, {result['count']} trials: median (least-greatest), milliseconds",
        ("", "all", "first 100", "last 100", "ours / this"),
        [
            (
                name,
                *(common.shown(trials[part][name], scale=1000) for part in ("seconds", "first_100", "last_100")),
                f"{mine / trials['seconds'][name]['median']:.2f}",
            )
            for name in trials["seconds"]
        ],
    )
    print(f"\ntarget: ours at most {TARGET * 1000:.0f} ms in the median: {'met' if mine <= TARGET else 'MISSED'}")
    for name in ("ours", next(name for name in trials["parts"] if name != "ours")):
        parts = sorted(trials["parts"][name].items(), key=lambda item: -item[1]["median"])
        rows = [(part, common.shown(values, scale=1000, digits=2)) for part, values in parts]
        common.table(f"Where it goes, {name}: milliseconds a trial", ("part", "median (least-greatest)"), rows)
    common.table(
        "Ask alone, milliseconds",
        ("finished trials", "ours", "optuna", "ours / optuna"),
        [
            (
                f"{row['trials']:,}",
                common.shown(row["ours"], scale=1000),
                common.shown(row["optuna"], scale=1000),
                f"{row['ours']['median'] / row['optuna']['median']:.2f}",
            )
            for row in result["asks"]
        ],
    )


@contextmanager
def _quietly() -> Iterator[None]:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=501, help="whole trials on each side")
    parser.add_argument(
        "--sizes", type=int, nargs="*", default=list(SIZES), help="finished trials before the late asks"
    )
    parser.add_argument("--repeats", type=int, default=7, help="asks at each size")
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        late = folder / "late"
        late.mkdir()
        result = {
            "benchmark": "driver_cost",
            "machine": common.machine(1, ("optuna", "sqlalchemy", "numpy")),
            "count": arguments.trials,
            "target_seconds": TARGET,
            "trials": whole_trials(folder, arguments.trials),
            "asks": late_asks(late, tuple(arguments.sizes), arguments.repeats),
        }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

"""Studies on a simulated runner: real storage, real journal, no waiting."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hpo.config import StudyConfig
from hpo.objective import Progress, Trial
from hpo.records import Journal, RunFolder, load_state
from hpo.runners.simulated import Death, SimulatedRunner
from hpo.search.loop import Parts, Search
from hpo.search.storage import StudyStore, open_storage
from hpo.space import SearchSpace

SPACE = {
    "x": {"type": "uniform", "low": -3.0, "high": 3.0, "default": 0.0},
    "y": {"type": "log_uniform", "low": 1e-5, "high": 1e-1},
    "kind": {"type": "categorical", "choices": ("a", "b")},
}
FINITE = {"x": {"type": "int_uniform", "low": 0, "high": 3}, "kind": {"type": "categorical", "choices": ("a", "b")}}


def losses(trial: Trial) -> Iterator[Progress]:
    """Four evaluations of a loss that depends on x alone, reached slowly."""
    for step in range(1, 5):
        loss = (trial.searched["x"] - 1) ** 2 + 1 / step
        yield Progress(examples=step * 10, fraction=step / 4, metrics={"loss": loss, "size": abs(trial.searched["x"])})


def uneven(trial: Trial, progress: Progress) -> float:
    """Seconds that differ between trials, so that workers finish in another order than they begin."""
    return 1.0 + (trial.seed % 13)


class Bench:
    """Runs searches over one run folder, as often as wanted."""

    def __init__(self, folder: Path) -> None:
        self.folder = RunFolder(folder / "run")
        self.folder.root.mkdir(parents=True, exist_ok=True)

    def config(self, **changes: Any) -> StudyConfig:
        """A study of one's own function."""
        values = {
            "study": "bench",
            "objective": "own",
            "search_space": SPACE,
            "objectives": [{"metric": "loss", "direction": "minimize"}],
            "budget": {"trials": 12},
        }
        return StudyConfig.model_validate({**values, **changes})

    def run(
        self,
        config: StudyConfig,
        *,
        workers: int = 1,
        lookahead: int = 1,
        train: Callable[[Trial], Iterator[Progress]] = losses,
        stop_after: int | None = None,
        deaths: Sequence[Death] = (),
    ) -> Search:
        """Run or resume; with ``stop_after`` the search is dropped after so many events, as a kill would drop it."""
        journal = Journal(self.folder.journal)
        state = load_state(self.folder.journal)
        storage = open_storage(None, self.folder.database)
        store = StudyStore(storage, config.study, [o.direction for o in config.objectives])
        runner = SimulatedRunner(train, uneven, workers, deaths)
        space = SearchSpace.of(config.search_space, config.training.model_dump())
        search = Search(Parts(config, space, self.folder, journal, store, runner), state)
        search.write("open", study=config.study, identity={"all": "x"}, pid=0, lookahead=lookahead)
        for count, _ in enumerate(search.run(), 1):
            if count == stop_after:
                break
        else:
            search.write("close", reason=search.reason, seconds=0.0)
        journal.close()
        store.close()
        return search


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """A fresh run folder to search in."""
    return Bench(tmp_path)


@pytest.fixture
def new_bench(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Bench]:
    """Makes as many fresh run folders as a test needs."""
    return lambda: Bench(tmp_path_factory.mktemp("bench"))


def table(search: Search) -> list[tuple[Any, ...]]:
    """The reproducible columns of the trials."""
    records = [search.state.records[n] for n in sorted(search.state.records)]
    return [(r.number, r.params, r.state, r.reason, dict(r.metrics), r.examples, r.feasible) for r in records]

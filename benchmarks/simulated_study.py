"""A study on simulated workers, for benchmarks: our whole driver, a trial that costs nothing, a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.config.models import StudyConfig
from hpo.objective import Progress, Trial
from hpo.records import Event, Journal, RunFolder, StudyState
from hpo.runners.simulated import SimulatedRunner
from hpo.search.loop import Parts, Search
from hpo.search.storage import StudyStore, open_storage
from hpo.space import SearchSpace

# Learning rate, rank and batch size as in a LoRA study of text classification.
SPACE: dict[str, dict[str, Any]] = {
    "learning_rate": {"type": "log_uniform", "low": 1e-5, "high": 1e-2},
    "lora_rank": {"type": "int_log_uniform", "low": 2, "high": 128},
    "batch_size": {"type": "categorical", "choices": [8, 16, 32, 64]},
    "lora_dropout": {"type": "uniform", "low": 0.0, "high": 0.3},
    "warmup_ratio": {"type": "uniform", "low": 0.0, "high": 0.2},
}


@dataclass(frozen=True)
class Setting:
    """How a simulated study is run."""

    workers: int
    trials: int
    sampler: str = "random"
    seed: int = 0
    pruner: str = "none"
    ordered: bool = False
    lookahead: int = 1
    memory: bool = True  # whether Optuna's storage is held in memory, in place of SQLite


def configuration(setting: Setting) -> StudyConfig:
    """The study file."""
    values = {
        "study": "simulated",
        "objective": "simulated.py",
        "search_space": SPACE,
        "objectives": [{"metric": "loss", "direction": "minimize"}],
        "sampler": {"name": setting.sampler, "seed": setting.seed, "ordered": setting.ordered},
        "pruner": {"name": setting.pruner},
        "budget": {"trials": setting.trials},
    }
    return StudyConfig.model_validate(values)


class Simulated:
    """A study that is open; ``events`` runs it.

    Args:
        setting: how.
        train: what a trial does.
        seconds: of each evaluation, on the simulated clock.
        root: an empty folder.
    """

    def __init__(
        self,
        setting: Setting,
        train: Callable[[Trial], Iterator[Progress]],
        seconds: Callable[[Trial, Progress], float],
        root: Path,
    ) -> None:
        config = configuration(setting)
        self.folder = RunFolder(root)
        self.folder.root.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(self.folder.journal)
        self._store = StudyStore(self._storage(setting), config.study, ["minimize"])
        self.runner = SimulatedRunner(train, seconds, setting.workers)
        space = SearchSpace.of(config.search_space, config.training.model_dump())
        self.search = Search(Parts(config, space, self.folder, self._journal, self._store, self.runner), StudyState())
        self._lookahead = setting.lookahead

    def events(self) -> Iterator[Event]:
        """Run the study to its end."""
        yield self.search.write("open", study="simulated", identity={}, pid=0, lookahead=self._lookahead)
        yield from self.search.run()
        self._journal.close()
        self._store.close()

    def _storage(self, setting: Setting) -> Any:
        if not setting.memory:
            return open_storage(None, self.folder.database)
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        return optuna.storages.InMemoryStorage()

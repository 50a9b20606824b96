"""The tuned model of a study as a learner: its best configuration, retrained on folds of the rows that are checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.checks.out_of_fold import Learner
from hpo.errors import ConfigurationError
from hpo.objective import Resources
from hpo.records.champion import champion
from hpo.records.opening import open_run


def tuned(run: str | Path) -> Learner:
    """The learner that a run folder's best trial is.

    Raises:
        ConfigurationError: there is no run folder, its study classifies nothing, or no trial of it has completed.
        StorageError: it cannot be read.
    """
    folder, config, state = open_run(Path(run))
    if config.task != "classification":
        what = f"the study is of the task {config.task}, and labels are checked by a classifier"
        raise ConfigurationError(what, where=str(run), hint="name a study of the task classification")
    best = champion(state.records.values(), config.primary)
    if best is None:
        hint = "let the study finish a trial first: hpo status shows what it is doing"
        raise ConfigurationError("no trial of the study has completed", where=str(run), hint=hint)
    task: dict[str, Any] = {
        "model": config.model,
        "settings": config.training.model_dump(),
        "resources": Resources(memory_gb=config.runner.memory_gb),
        "cache": folder.root / ".cache",
    }
    if config.data is not None:
        task["preparation"] = config.data.preparation
    params = {**config.training.model_dump(), **best.settings}
    return Learner(f"trial {best.number} of {config.study}", str(config.objective), params, task, best.settings)

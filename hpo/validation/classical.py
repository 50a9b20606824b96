"""The classical baseline: TF-IDF with a linear model, fitted on the data set's own training rows."""

from __future__ import annotations

from pathlib import Path

from hpo.config.knowledge import ready_objectives
from hpo.config.models import TaskKind
from hpo.errors import ConfigurationError
from hpo.objective import Task, Trial
from hpo.validation.data import DataSet
from hpo.validation.from_run import open_objective
from hpo.validation.members import Context, Found, Member, Opened
from hpo.validation.models import ModelEntry

OBJECTIVES: dict[TaskKind, str] = {"classification": "sklearn_classifier", "regression": "sklearn_regressor"}


def members(entry: ModelEntry, data: DataSet, context: Context) -> Found:
    """The baseline for a data set.

    Raises:
        ConfigurationError: the task has none, or the data set has no training rows.
    """
    where = f"model {entry.name} on {data.name}"
    name = OBJECTIVES.get(data.task)
    if name is None:
        what = "the classical baseline serves classification and regression only"
        raise ConfigurationError(what, where=where, hint="datasets: [...] in the model's entry keeps it to those")
    if data.train is None:
        what = "there are no training rows to fit the classical baseline on"
        raise ConfigurationError(
            what, where=where, hint="data: {train: FILE} with `split: test`, or name a `test` file"
        )
    identity = {"objective": name, "train": _fingerprint(data), "seed": context.config.statistics.seed}
    folder = context.work / entry.name / data.name
    return Found("classical", name, (Member(0, identity, lambda: _fitted(name, data, context, folder), data.labels),))


def _fingerprint(data: DataSet) -> str:
    from hashlib import blake2b

    assert data.train is not None
    return blake2b(data.train.frame.to_json().encode(), digest_size=16).hexdigest()


def _fitted(name: str, data: DataSet, context: Context, folder: Path) -> Opened:
    task = Task(data.task, train=data.train, labels=data.labels, seed=context.config.statistics.seed)
    objective = ready_objectives()[name].load().open_objective(task)
    for progress in objective.train(Trial(0, {}, task.seed, folder)):
        progress.save(folder)
    return open_objective(name, task, folder)

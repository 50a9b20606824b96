"""The classical baseline: TF-IDF with a linear model, fitted on the training rows of the data set or of a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hpo.config.knowledge import ready_objectives
from hpo.config.models import TaskKind
from hpo.data.fingerprint import fingerprint
from hpo.errors import ConfigurationError
from hpo.objective import Task, Trial
from hpo.validation.data import DataSet
from hpo.validation.from_run import Study, open_objective
from hpo.validation.members import Context, Found, Member, Opened
from hpo.validation.models import ModelEntry

if TYPE_CHECKING:
    from hpo.data.rows import Rows

OBJECTIVES: dict[TaskKind, str] = {"classification": "sklearn_classifier", "regression": "sklearn_regressor"}


def members(entry: ModelEntry, data: DataSet, context: Context) -> Found:
    """The baseline for a data set.

    Raises:
        ConfigurationError: the task has none, or there are no training rows.
    """
    where = f"model {entry.name} on {data.name}"
    name = OBJECTIVES.get(data.task)
    if name is None:
        what = "the classical baseline serves classification and regression only"
        raise ConfigurationError(what, where=where, hint="datasets: [...] in the model's entry keeps it to those")
    train, labels = _learnt_from(entry, data, context)
    if train is None:
        what = "there are no training rows to fit the classical baseline on"
        hint = "data: {train: FILE} with `split: test`, or `run: runs/NAME` beside `classical` to fit it on a study's"
        raise ConfigurationError(what, where=where, hint=hint)
    identity = {"objective": name, "train": fingerprint(name, {"train": train}), "seed": context.config.statistics.seed}
    folder = context.work / entry.name / data.name
    task = Task(data.task, train=train, labels=labels, seed=context.config.statistics.seed)
    source = name if entry.run is None else f"{name} on the rows of a run"
    return Found("classical", source, (Member(0, identity, lambda: _fitted(name, task, folder), labels),))


def _learnt_from(entry: ModelEntry, data: DataSet, context: Context) -> tuple[Rows | None, tuple[str, ...]]:
    """Training rows and classes: those of the run that is named beside, else the data set's own."""
    from hpo.records.opening import open_run

    run = entry.run.get(data.name) if isinstance(entry.run, dict) else entry.run
    if run is None:
        return data.train, data.labels
    study = Study(*open_run(Path(run)), context)
    return study.train, study.labels


def _fitted(name: str, task: Task, folder: Path) -> Opened:
    objective = ready_objectives()[name].load().open_objective(task)
    for progress in objective.train(Trial(0, {}, task.seed, folder)):
        progress.save(folder)
    return open_objective(name, task, folder)

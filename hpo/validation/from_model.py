"""Models as they come: a classifier with a head of its own, or a base that is asked without any tuning."""

from __future__ import annotations

from typing import Any

from hpo.config.models import ModelConfig
from hpo.errors import ModelError
from hpo.objective import Resources, Task
from hpo.training.foreign import Description, describe, open_classifier
from hpo.validation.data import DataSet
from hpo.validation.from_run import open_objective
from hpo.validation.identity import model_identity
from hpo.validation.members import Context, Found, Kind, Member, Opened
from hpo.validation.models import ModelEntry


def members(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    """What ``model: NAME`` stands for on a data set.

    Raises:
        ModelError: there is no such model, or it cannot answer the data set's task.
    """
    from pathlib import Path

    model = ModelConfig(name=value, trust_remote_code=entry.trust_remote_code)
    found = describe(model)
    _check_task(found, data, value)
    kind: Kind = "folder" if Path(value).is_dir() else "hub"
    settings = settings_of(entry)
    identity = {"model": model_identity(model), "settings": settings, "seed": context.config.statistics.seed}
    if found.classifier:
        task = task_of(data, context, model, settings, found.labels)
        member = Member(0, identity, lambda: _classifier(task), found.labels)
    else:
        task = task_of(data, context, model, settings, data.labels)
        member = Member(0, identity, lambda: open_objective("lora", task, None))
    return Found(kind, value, (member,))


def settings_of(entry: ModelEntry) -> dict[str, Any]:
    """How a model is asked: what the entry says."""
    return entry.ask.model_dump(exclude_none=True) if entry.ask else {}


def task_of(
    data: DataSet, context: Context, model: ModelConfig, settings: dict[str, Any], labels: tuple[str, ...]
) -> Task:
    """The task that a model is opened with to answer a data set."""
    return Task(
        kind=data.task,
        model=model,
        settings=settings,
        train=data.train,
        labels=labels,
        outputs=context.outputs,
        seed=context.config.statistics.seed,
        resources=Resources(cpu_threads=context.threads),
    )


def _check_task(found: Description, data: DataSet, value: str) -> None:
    if found.classifier and data.task != "classification":
        raise ModelError(
            f"{value} is a classifier; it cannot do {data.task}", hint="`datasets: [...]` keeps it to its own"
        )
    if not found.classifier and not found.causal:
        what = f"{value} is an encoder without a classification head: it cannot answer before it is tuned"
        raise ModelError(what, hint="name a run folder, an adapter, or a model fine-tuned for this task")


def _classifier(task: Task) -> Opened:
    ready = open_classifier(task)
    return Opened(ready, ready.tokens, ready.parameters)

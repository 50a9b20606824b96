"""Adapters on a base: those of this package, which say what their classes mean, and any other in PEFT's format."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import cast

from hpo.config.models import ModelConfig, TaskKind
from hpo.errors import ModelError
from hpo.objective import Task
from hpo.training.artifacts import MANIFEST, Manifest, read_manifest
from hpo.training.foreign import AdapterConfig, open_adapter, read_adapter
from hpo.validation.data import DataSet, list_of
from hpo.validation.from_model import settings_of, task_of
from hpo.validation.from_run import open_objective
from hpo.validation.identity import folder_identity, model_identity
from hpo.validation.members import Context, Found, Member, Opened
from hpo.validation.models import ModelEntry


def members(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    """What ``adapter: FOLDER`` (with ``model``, its base, where the adapter does not name one) stands for.

    Raises:
        ModelError: adapter or base cannot be used, or it is not known what its classes mean.
    """
    folder = Path(value)
    base = _base(entry, data, folder)
    identity = {
        "adapter": folder_identity(folder),
        "base": model_identity(base),
        "settings": settings_of(entry),
        "seed": context.config.statistics.seed,
    }
    if (folder / MANIFEST).is_file():
        manifest = read_manifest(folder)
        if entry.ask is not None:
            what = "the adapter is asked as it was trained, so `ask` would change nothing"
            raise ModelError(what, hint="remove `ask` from the model's entry")
        labels = manifest.labels or data.labels
        task = _own_task(manifest, data, task_of(data, context, base, manifest.settings.model_dump(), labels))
        objective = "full_finetune" if manifest.full else "lora"
        member = Member(0, identity, lambda: open_objective(objective, task, folder), labels)
        return Found("adapter", value, (member,))
    found = read_adapter(folder)
    labels = _labels(entry, found, data)
    task = task_of(data, context, base, settings_of(entry), labels)
    if found.classifier and data.task != "classification":
        raise ModelError(f"the adapter is a classifier; it cannot do {data.task}", hint="`datasets: [...]`")

    def opened() -> Opened:
        ready = open_adapter(task, folder, classifier=found.classifier)
        return Opened(ready, ready.tokens, ready.parameters)

    return Found("adapter", value, (Member(0, identity, opened, labels),))


def _base(entry: ModelEntry, data: DataSet, folder: Path) -> ModelConfig:
    named = entry.model.get(data.name) if isinstance(entry.model, dict) else entry.model
    base = named or (read_adapter(folder).base if (folder / "adapter_config.json").is_file() else "")
    if not base:
        raise ModelError("the adapter does not name its base", hint="model: NAME in the model's entry")
    if not named and base.startswith(("/", ".")) and not os.path.isdir(base):
        raise ModelError(f"the adapter's base {base} is not on this machine", hint="model: NAME in the model's entry")
    return ModelConfig(name=base, trust_remote_code=entry.trust_remote_code)


def _own_task(manifest: Manifest, data: DataSet, task: Task) -> Task:
    """The task that it was tuned for."""
    if data.entry.lm_eval is not None:
        return replace(task, kind=cast(TaskKind, manifest.kind))
    if manifest.kind != data.task:
        raise ModelError(f"it was tuned for {manifest.kind}, and the data set's task is {data.task}")
    return task


def _labels(entry: ModelEntry, found: AdapterConfig, data: DataSet) -> tuple[str, ...]:
    """Names of a head's classes, in its order: the entry's mapping says them, since the adapter does not."""
    if not found.classifier:
        return data.labels
    count = found.outputs or len(entry.labels) or len(data.labels)
    names = tuple(f"LABEL_{code}" for code in range(count))
    if set(entry.labels) == set(names):
        return names
    pairs = ", ".join(f"{name}: ..." for name in names[:3])
    raise ModelError(
        f"the adapter has a head of {count} classes and does not say what they mean; "
        f"the data set has {list_of(data.labels)}",
        hint=f"labels: {{{pairs}}} in the model's entry, in the order of the head",
    )

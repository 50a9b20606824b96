"""What the entries of a validation file say of each other: names, sources of answers, rows, metrics."""

from __future__ import annotations

from typing import Any, get_args

from hpo.config.draft import Draft, Key, did_you_mean
from hpo.config.models import TaskKind
from hpo.config.paths import is_own
from hpo.validation.models import SOURCES

ROWS = ("data", "run", "lm_eval")


def check_entries(draft: Draft) -> None:
    """Faults between the entries of a draft."""
    models, datasets = _names(draft, "models"), _names(draft, "datasets")
    _check_baseline(draft, models)
    for key, entry in draft.mappings("models"):
        _check_source(draft, key, entry)
        _check_of_run(draft, key, entry)
        _check_datasets(draft, key, entry, datasets)
    for key, entry in draft.mappings("datasets"):
        _check_rows(draft, key, entry)
        _check_primary(draft, key, entry)
    _check_metrics(draft)


def _names(draft: Draft, block: str) -> list[str]:
    found: list[str] = []
    for key, entry in draft.mappings(block):
        name = entry.get("name")
        if not isinstance(name, str):
            continue
        if name in found:
            draft.fault((*key, "name"), f"the name {name} stands in `{block}` twice", "rename one of them")
        found.append(name)
    return found


def _check_baseline(draft: Draft, models: list[str]) -> None:
    baseline = draft.get("baseline")
    if isinstance(baseline, str) and models and baseline not in models:
        draft.fault(("baseline",), f"no model is called {baseline}", did_you_mean(baseline, models))
    for key, entry in draft.mappings("models"):
        if entry.get("name") == baseline and entry.get("datasets"):
            draft.fault((*key, "datasets"), "the baseline has to answer on every data set", "remove `datasets`")


def _check_source(draft: Draft, key: Key, entry: dict[str, Any]) -> None:
    given = [name for name in SOURCES if entry.get(name)]
    if given in (["model", "adapter"], ["run", "classical"]):  # the adapter's base; whose rows the baseline learns from
        return
    if not given and draft.sound(*key):
        hint = "one of run: runs/NAME, model: NAME, adapter: FOLDER, predictions: FILE, classical: true"
        draft.fault(key, f"the model {entry.get('name')} has no source of answers", hint)
    for extra in given[1:]:
        draft.fault((*key, extra), f"`{extra}` and `{given[0]}` both say where answers come from", "keep one of them")


def _check_of_run(draft: Draft, key: Key, entry: dict[str, Any]) -> None:
    for name in ("trial", "base", "seeds"):
        if entry.get(name) not in (None, False) and not entry.get("run"):
            draft.fault((*key, name), f"`{name}` goes with `run` only", "run: runs/NAME")
    if entry.get("base") and (entry.get("trial") is not None or entry.get("seeds")):
        draft.fault((*key, "base"), "the untuned base is no trial and has no seeds", "remove `trial` and `seeds`")
    if entry.get("kind") == "people" and not entry.get("predictions"):
        draft.fault((*key, "kind"), "people answer by a predictions file", "predictions: FILE")
    if entry.get("ask") and not (entry.get("model") or entry.get("adapter")):
        draft.fault((*key, "ask"), "`ask` goes with `model` and `adapter` only", "remove it")


def _check_datasets(draft: Draft, key: Key, entry: dict[str, Any], datasets: list[str]) -> None:
    named = entry.get("datasets")
    for position, name in enumerate(named if isinstance(named, tuple) else ()):
        if name not in datasets:
            draft.fault((*key, "datasets", position), f"no data set is called {name}", did_you_mean(name, datasets))
    for source in SOURCES:
        by_name = entry.get(source)
        for name in by_name if isinstance(by_name, dict) else ():
            if name not in datasets:
                draft.fault((*key, source, name), f"no data set is called {name}", did_you_mean(name, datasets))


def _check_rows(draft: Draft, key: Key, entry: dict[str, Any]) -> None:
    given = [name for name in ROWS if entry.get(name) is not None]
    if not given and draft.sound(*key):
        hint = "data: FILE, data: {train: FILE, ...}, run: runs/NAME, or lm_eval: TASK"
        draft.fault(key, f"the data set {entry.get('name')} has no rows", hint)
    for extra in given[1:]:
        draft.fault((*key, extra), f"`{extra}` and `{given[0]}` both name the rows", "keep one of them")
    data = entry.get("data")
    if isinstance(data, dict) and not any(data.get(name) for name in ("train", "dataset", "source", "test")):
        draft.fault((*key, "data"), "`data` names no rows", "test: FILE, train: FILE, dataset: NAME or source: rows.py")


def task_of(draft: Draft, entry: dict[str, Any]) -> TaskKind | None:
    """The task of a data set's entry; None where it names none that exists."""
    named = entry.get("task") or draft.get("task") or "classification"
    return next((each for each in get_args(TaskKind) if each == named), None)


def _check_primary(draft: Draft, key: Key, entry: dict[str, Any]) -> None:
    task, primary = task_of(draft, entry), entry.get("primary")
    if isinstance(primary, str) and task is not None and entry.get("lm_eval") is None:
        _check_metric(draft, (*key, "primary"), primary, [task])
    if task == "custom" and entry.get("lm_eval") is None:
        draft.fault((*key, "task"), "the task custom has no metrics to validate by", "name the task of the rows")


def _check_metrics(draft: Draft) -> None:
    tasks = [task for _, entry in draft.mappings("datasets") if (task := task_of(draft, entry))]
    for position, name in enumerate(draft.entries("metrics")):
        if isinstance(name, str):
            _check_metric(draft, ("metrics", position), name, tasks)


def _check_metric(draft: Draft, key: Key, name: str, tasks: list[TaskKind]) -> None:
    from hpo.evaluators import registry

    names = {metric for task in tasks for metric in registry.metric_names(task)}
    if tasks and name not in names and not is_own(name):
        tasks_said = " and ".join(dict.fromkeys(tasks))
        draft.fault(key, f"`{name}` is no metric of the task {tasks_said}", did_you_mean(name, names))

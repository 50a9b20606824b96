"""What the blocks of a study say of each other: task, data, split, metrics, sampler, money."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, get_args

from hpo.config.draft import Draft, did_you_mean
from hpo.config.knowledge import Known
from hpo.config.models import FOLDS, DataConfig, SplitConfig, TaskKind
from hpo.config.space import LogUniform, Parameter, Uniform
from hpo.config.training import TrainingConfig

SOURCES = ("train", "dataset", "source")


def check_study(draft: Draft, known: Known, sound: Mapping[str, Parameter]) -> None:
    """Faults between blocks."""
    _check_task(draft, known)
    _check_data(draft, known)
    _check_training(draft, known)
    _check_grid(draft, sound)
    _check_money(draft)
    if draft.get("baselines", "classical") is True and task_of(draft) not in {"classification", "regression"}:
        what = "the classical baseline serves classification and regression only"
        draft.fault(("baselines", "classical"), what, "classical: false")


def task_of(draft: Draft) -> TaskKind | None:
    """The task, where the draft names one that exists; ``custom`` where it names none."""
    task = draft.get("task") or "custom"
    return next((each for each in get_args(TaskKind) if each == task), None)


def _check_task(draft: Draft, known: Known) -> None:
    if known.name is None or known.own or not draft.sound("task"):
        return
    tasks = sorted(known.tasks or [each for each in get_args(TaskKind) if each != "custom"])
    task = draft.get("task")
    if task is None:
        draft.fault(
            ("task",), f"`task` is missing; the objective `{known.name}` needs one", f"one of {', '.join(tasks)}"
        )
    elif known.tasks is not None and task not in tasks:
        draft.fault(
            ("task",), f"the objective `{known.name}` does not serve the task {task}", f"one of {', '.join(tasks)}"
        )
    if known.needs_model and draft.get("model") is None and draft.sound("model"):
        draft.fault(("model",), f"`model` is missing; the objective `{known.name}` needs one", "model: Qwen/Qwen3-0.6B")


def _check_data(draft: Draft, known: Known) -> None:
    data = draft.get("data")
    if data is None:
        if known.name and draft.sound("data") and task_of(draft) != "custom":
            draft.fault(
                ("data",), f"`data` is missing; the task {task_of(draft)} needs rows", "data: {train: rows.jsonl}"
            )
        return
    if not isinstance(data, dict):
        return
    given = [name for name in SOURCES if data.get(name) is not None]
    if not given and draft.sound("data"):
        draft.fault(("data",), "`data` names no rows", "train: FILE, dataset: NAME or source: rows.py")
    for extra in given[1:]:
        draft.fault(("data", extra), f"`{extra}` and `{given[0]}` both name the rows", "keep one of them")
    for name in ("validation", "test"):
        if data.get(name) is not None and "train" not in given:
            draft.fault(("data", name), f"a `{name}` file goes with a `train` file only", "name the file in `train`")
    for name in ("config", "revision"):
        if data.get(name) is not None and "dataset" not in given:
            draft.fault(("data", name), f"`{name}` goes with `dataset` only", "remove it")
    _check_split(draft, data.get("split"))


def _check_split(draft: Draft, split: Any) -> None:
    if not isinstance(split, dict):
        return
    strategy, by = draft.text("data", "split", "strategy"), split.get("by")
    if strategy in {"group", "time"} and by is None:
        what = f"the {strategy} split needs `by`: the column of the row's {strategy}"
        draft.fault(("data", "split", "strategy"), what, "by: COLUMN")
    elif by is not None and strategy not in {"group", "time"} and draft.sound("data", "split", "strategy"):
        draft.fault(("data", "split", "by"), "`by` is used by the strategies group and time only", "strategy: group")
    if strategy == "stratified" and task_of(draft) not in {"classification", "custom", None}:
        what = f"a stratified split needs classes, and the task is {task_of(draft)}"
        draft.fault(("data", "split", "strategy"), what, "strategy: random")
    if strategy == "kfold":
        _check_folds(draft, split)
        return
    for name in ("k", "fold"):
        if split.get(name) is not None and draft.sound("data", "split", "strategy"):
            draft.fault(("data", "split", name), f"`{name}` is used by the strategy kfold only", "strategy: kfold")
    shares = []
    for name in ("validation", "test"):
        if DataConfig.model_fields[name].default is draft.get("data", name):  # no file of its own
            value = split.get(name, SplitConfig.model_fields[name].default)
            shares.append(value if isinstance(value, int | float) and math.isfinite(value) else 0)
    if sum(shares) >= 1 and draft.sound("data", "split"):
        what = f"`validation` and `test` together take {sum(shares):g} of the rows and leave none to train on"
        draft.fault(("data", "split", "validation"), what, "together less than 1; 0.15 and 0.2 are usual")


def _check_folds(draft: Draft, split: Mapping[str, Any]) -> None:
    """A kfold split: one fold is validation, so nothing else may say what is."""
    key = ("data", "split")
    k, fold = split.get("k") or FOLDS, split.get("fold") or 0
    if isinstance(k, int) and isinstance(fold, int) and fold >= k and draft.sound(*key, "fold"):
        draft.fault((*key, "fold"), f"there is no fold {fold} of {k}", f"0 to {k - 1}")
    if split.get("validation", SplitConfig().validation) != SplitConfig().validation:
        what = f"a kfold split takes a fold for validation, one of {k}, not a share"
        draft.fault((*key, "validation"), what, "remove it, or choose k")
    if draft.get("data", "validation") is not None:
        what = "a kfold split takes its validation rows from `train`, and `validation` names a file"
        draft.fault((*key, "strategy"), what, "keep one of them")


def _check_training(draft: Draft, known: Known) -> None:
    defaults = TrainingConfig()
    for name, value in draft.block("training").items():
        if known.parameters is None or name in known.parameters or not draft.sound("training", name):
            continue
        if value != getattr(defaults, name):  # a resolved study file writes every default out
            what = f"the objective `{known.name}` does not use `{name}`"
            near = did_you_mean(name, known.parameters)
            draft.fault(("training", name), what, near if near.startswith("did") else "remove it")


def _check_grid(draft: Draft, sound: Mapping[str, Parameter]) -> None:
    if draft.get("sampler", "name") != "grid":
        return
    for name, parameter in sound.items():
        if isinstance(parameter, LogUniform):
            what = f"the grid sampler needs a finite space, and `{name}` is continuous"
            draft.fault(("search_space", name), what, "{type: categorical, choices: [...]}, or sampler: {name: tpe}")
        elif isinstance(parameter, Uniform) and parameter.step is None:
            what = f"the grid sampler needs a finite space, and `{name}` has no `step`"
            draft.fault(("search_space", name), what, "step: ..., or sampler: {name: tpe}")


def _check_money(draft: Draft) -> None:
    if draft.get("price_per_device_hour") is not None:
        return
    hint = "price_per_device_hour: 2.50"
    if draft.get("budget", "cost_usd") is not None:
        draft.fault(("budget", "cost_usd"), "a budget in `cost_usd` needs `price_per_device_hour`", hint)
    for block in ("objectives", "constraints"):
        for position, entry in enumerate(draft.entries(block)):
            if isinstance(entry, dict) and entry.get("metric") == "cost_usd":
                draft.fault((block, position, "metric"), "`cost_usd` needs `price_per_device_hour`", hint)

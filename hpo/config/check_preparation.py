"""What ``data.preparation`` and the searched preparation say: names of transforms, and what suits the task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.config.draft import Draft, Key, did_you_mean
from hpo.config.knowledge import Known
from hpo.config.paths import is_own
from hpo.config.preparation import SEARCHABLE, PreparationConfig
from hpo.config.space import Categorical, Constant, Parameter
from hpo.config.transforms import ORIGINAL, ROW_TRANSFORMS, TEXT_TRANSFORMS, check_names

BLOCK: Key = ("data", "preparation")
_CLASSES_ONLY = ("class_weights", "resample")


def check_preparation(draft: Draft, known: Known, sound: Mapping[str, Parameter]) -> None:
    """Faults of the block, and of parameters of the search space that take the place of one of its keys."""
    _check_strategies(draft)
    _check_block(draft, known)
    for name in SEARCHABLE:
        if known.own or name not in draft.block("search_space"):
            continue
        if name in draft.block(*BLOCK):
            what = f"`{name}` is searched here and fixed in `data.preparation` ({draft.at((*BLOCK, name))})"
            draft.fault(("search_space", name), what, "keep one of them")
    if not known.own and "preprocessing" in sound:
        _check_searched(draft, sound["preprocessing"])
    if not known.own and "class_weights" in sound and draft.get("task") != "classification":
        what = f"`class_weights` needs classes, and the task is {draft.get('task')}"
        draft.fault(("search_space", "class_weights"), what, "remove it")


def _check_strategies(draft: Draft) -> None:
    for name, transforms in draft.block(*BLOCK, "strategies").items():
        key = (*BLOCK, "strategies", name)
        if name == ORIGINAL and transforms:
            draft.fault(key, f"the strategy `{ORIGINAL}` is the one without transforms", "give this one another name")
        elif name in TEXT_TRANSFORMS or name in ROW_TRANSFORMS or is_own(name):
            draft.fault(key, f"`{name}` is the name of a transform, not of a strategy", f"my_{name}: [...]")
        elif isinstance(transforms, tuple):
            _check_list(draft, key, transforms)


def _check_block(draft: Draft, known: Known) -> None:
    block, task = draft.block(*BLOCK), draft.get("task") or "custom"
    _check_preprocessing(draft, (*BLOCK, "preprocessing"), block.get("preprocessing"))
    for name, default in PreparationConfig().model_dump().items():
        value, key = block.get(name, default), (*BLOCK, name)
        if value == default or not draft.sound(*key):
            continue
        if known.own:
            what = f"`data.preparation.{name}` is done by the ready objectives, not before a file of your own"
            draft.fault(key, what, "prepare the rows in it: hpo.data.preparation.prepare_training")
        elif name in _CLASSES_ONLY and task != "classification":
            draft.fault(key, f"`{name}` needs classes, and the task is {task}", "remove it")
        elif (name, value) == ("outliers", "target") and task != "regression":
            draft.fault(
                key, f"outliers by `target` need numbers as targets, and the task is {task}", "outliers: length"
            )
        elif name == "augment" and task == "language_modeling":
            draft.fault(key, "language modelling would learn to write the changed texts", "remove it")


def _check_searched(draft: Draft, parameter: Parameter) -> None:
    key: Key = ("search_space", "preprocessing")
    if draft.get("task") == "language_modeling":
        what = "`preprocessing` changes the very text whose likelihood is scored, so trials could not be compared"
        draft.fault(key, what, "fix it in data.preparation")
    elif isinstance(parameter, Categorical):
        for position, choice in enumerate(parameter.choices):
            _check_preprocessing(draft, (*key, "choices", position), choice)
    elif isinstance(parameter, Constant):
        _check_preprocessing(draft, (*key, "value"), parameter.value)
    else:
        draft.fault(
            (*key, "type"), f"`preprocessing` is no number, and {parameter.type} draws one", "type: categorical"
        )


def _check_preprocessing(draft: Draft, key: Key, value: Any) -> None:
    """A strategy, a transform, a list of transforms, original or null."""
    strategies = draft.block(*BLOCK, "strategies")
    if isinstance(value, tuple):
        _check_list(draft, key, value)
    elif isinstance(value, str) and value not in strategies and value != ORIGINAL:
        faults = check_names([value])
        if faults and draft.sound(*key):
            known = [*strategies, ORIGINAL, *TEXT_TRANSFORMS, *ROW_TRANSFORMS]
            hint = faults[0].hint if is_own(value) else did_you_mean(value, known)
            draft.fault(key, f"`{value}` is neither a strategy nor a transform", hint)
        else:
            _refuse_file(draft, key, value)


def _check_list(draft: Draft, key: Key, names: tuple[Any, ...]) -> None:
    for fault in check_names(names):
        draft.fault(key, fault.what, fault.hint)
    for name in names:
        _refuse_file(draft, key, name)


def _refuse_file(draft: Draft, key: Key, name: Any) -> None:
    """A path is relative to the study file, and the values of a space are not: they go by names of strategies."""
    if key[0] == "search_space" and is_own(name):
        hint = f"data: {{preparation: {{strategies: {{mine: [{name}]}}}}}}, and `mine` here"
        draft.fault(key, f"`{name}` is a file, and a search space names strategies", hint)

"""Defaults that depend on other keys, written into the draft."""

from __future__ import annotations

from pydantic import BaseModel

from hpo.config.draft import Draft
from hpo.config.knowledge import Known
from hpo.config.training import TrainingConfig

TRIALS = 30


def fill(draft: Draft, known: Known) -> None:
    """Fill in the objective, the budget and the pruner where the study file leaves them open."""
    if draft.get("objective") is None and known.name:
        draft.values["objective"] = known.name
    if all(value is None for value in (draft.get("budget") or {}).values()):
        draft.values["budget"] = {**(draft.get("budget") or {}), "trials": TRIALS}
    if draft.get("pruner") is None and _single_evaluation(draft, known):
        draft.values["pruner"] = {"name": "none"}


def drop_empty_blocks(draft: Draft, root: type[BaseModel]) -> None:
    """Take blocks without content out: ``budget:`` with nothing after it is the same as no ``budget`` at all."""
    for name, field in root.model_fields.items():
        if draft.values.get(name, ...) is None and not field.is_required():
            del draft.values[name]


def _single_evaluation(draft: Draft, known: Known) -> bool:
    """Whether a trial is evaluated only at its end, so that there is nothing to prune at."""
    if "evaluations" in (draft.get("search_space") or {}):
        return False
    if known.parameters is not None and "evaluations" not in known.parameters:
        return True
    evaluations = draft.get("training", "evaluations")
    return (TrainingConfig().evaluations if evaluations is None else evaluations) == 1

"""What the named objective and the evaluators know, asked of them only when a study names them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import metadata
from typing import Any

from hpo.config.draft import Draft, did_you_mean
from hpo.config.paths import is_own

GROUP = "hpo.objectives"


@dataclass(frozen=True)
class Known:
    """What is known of a study's objective.

    Args:
        name: the objective; None where it could not be told.
        own: whether it is a file of the user's own.
        parameters: the parameters it takes and their defaults; None: any.
        tasks: the tasks it serves; None: any.
        needs_model: whether ``model`` must be named.
    """

    name: str | None = None
    own: bool = False
    parameters: Mapping[str, Any] | None = None
    tasks: Collection[str] | None = None
    needs_model: bool = False


def ready_objectives() -> dict[str, metadata.EntryPoint]:
    """Objectives that are installed, by name."""
    return {each.name: each for each in metadata.entry_points(group=GROUP)}


def objective_of(draft: Draft) -> Known:
    """What is known of the objective the draft names; faults where it names none that exists."""
    name = draft.get("objective")
    if name is None and draft.get("model") is not None:
        name = "lora"
    if not isinstance(name, str):
        if draft.sound("objective"):
            hint = "objective: mine.py for a function of your own, or name a `model` to tune with lora"
            draft.fault(("objective",), "neither `objective` nor `model` says what to train", hint)
        return Known()
    if is_own(name):
        return Known(name, own=True)
    installed = ready_objectives()
    if name not in installed:
        shown = draft.templates.get(("objective",), name)
        hint = did_you_mean(name, [*installed, "mine.py"])
        draft.fault(("objective",), f"unknown objective `{shown}`", hint)
        return Known()
    return _ready(draft, installed[name])


def _ready(draft: Draft, entry: metadata.EntryPoint) -> Known:
    try:
        module = entry.load()
    except ImportError as error:
        draft.fault(
            ("objective",), f"the objective `{entry.name}` cannot be imported: {error}", "is its extra installed?"
        )
        return Known()
    return Known(entry.name, False, module.PARAMETERS, module.TASKS, module.NEEDS_MODEL)

"""Faults of form: rows that do not hold what their format asks for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.data.conversations import ROLES, as_turns
from hpo.data.rows import Rows
from hpo.evaluators.findings import counted, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

if TYPE_CHECKING:
    import pandas as pd


_METRICS: tuple[Metric, ...] = (share_of("format_fault_ratio", "fault"),)


@dataclass(frozen=True)
class FormatFaults:
    """Rows whose columns are empty, no text, or no conversation.

    Rows may have the columns of a file (``text``, ``label``; ``instruction``, ``input``, ``output``; ``messages``) or
    ours (``text`` and ``reference``, ``messages`` and ``reference``). Flag ``format_fault``; evidence ``reason``.
    """

    name = "format"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Faults of n rows."""
        reasons = [reason or None for reason in faults(data.frame)]
        found = np.array([reason is not None for reason in reasons], dtype=bool)
        return ExampleScores(
            data.ids, {"fault": counted(found)}, {"format_fault": found}, {"reason": reasons}, data.groups
        )


def faults(frame: pd.DataFrame) -> list[str]:
    """For each row all that is wrong with its form, empty where nothing is."""
    answered = "reference" in frame
    tests: dict[str, Callable[[Any], str]] = {
        "text": _filled,
        "instruction": _filled,
        "input": _text_or_nothing,
        "output": _filled,
        "reference": _filled,
        "label": _class,
        "messages": _prompt if answered else _conversation,
    }
    told: list[list[str]] = [[] for _ in range(len(frame))]
    for column, test in tests.items():
        if column in frame:
            for row, value in enumerate(frame[column].tolist()):
                if what := test(value):
                    told[row].append(f"`{column}` {what}")
    return ["; ".join(each) for each in told]


def _missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and value != value)


def _filled(value: Any) -> str:
    if _missing(value):
        return "is missing"
    if not isinstance(value, str):
        return f"is no text but {_kind(value)}"
    return "" if value.strip() else "is empty"


def _text_or_nothing(value: Any) -> str:
    return "" if _missing(value) or isinstance(value, str) else f"is no text but {_kind(value)}"


def _class(value: Any) -> str:
    if _missing(value):
        return "is missing"
    if isinstance(value, str):
        return "" if value.strip() else "is empty"
    return "" if isinstance(value, int | float | np.number) else f"is no class but {_kind(value)}"


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "an object", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), f"a {type(value).__name__}")


def _conversation(value: Any) -> str:
    """What is wrong with a conversation that ends with an answer."""
    turns = as_turns(value)
    if wrong := _form(turns):
        return wrong
    if turns[-1]["role"] != "assistant":
        return "does not end with an answer of the assistant"
    if not any(turn["role"] == "user" for turn in turns):
        return "has no question of a user"
    return _order(turns)


def _prompt(value: Any) -> str:
    """What is wrong with the turns before an answer that stands in a column of its own."""
    turns = as_turns(value)
    if wrong := _form(turns):
        return wrong
    if turns[-1]["role"] == "assistant":
        return "has an answer of the assistant before the answer"
    return _order(turns)


def _form(turns: Any) -> str:
    if not isinstance(turns, list):
        return "is no list of turns"
    if not turns:
        return "is an empty list"
    for place, turn in enumerate(turns, 1):
        if not isinstance(turn, dict) or "role" not in turn:
            return f"has no role in turn {place}"
        if turn["role"] not in ROLES:
            return f"has the role {turn['role']!r} in turn {place}"
        calls = turn["role"] == "assistant" and turn.get("tool_calls") and place < len(turns)
        if not calls and (what := _filled(turn.get("content"))):
            return f"{what} in turn {place}".replace("is ", "has a turn that is ", 1)
    return ""


def _order(turns: list[dict[str, Any]]) -> str:
    """Roles out of order: instructions after the start, an answer before any question, two of a kind in a row."""
    said = ""
    for place, turn in enumerate(turns, 1):
        role = turn["role"]
        if role in ("system", "developer"):
            if said:
                return f"has a turn of the {role} in the middle (turn {place})"
            continue
        if role == "assistant" and not said:
            return "begins with an answer of the assistant"
        if role == said and role in ("user", "assistant"):
            return f"has two turns of the {role} in a row (turn {place})"
        said = role
    return ""

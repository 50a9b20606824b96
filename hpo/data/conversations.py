"""Conversations: a list of {role, content} a row, whose last turn is the assistant's answer to learn."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import numpy as np

from hpo.data.messages import Table

ROLES = ("system", "developer", "user", "assistant", "tool")
_SHAPE = '[{"role": "user", "content": "..."}, {"role": "assistant", "content": "..."}]'


def parse(table: Table, column: str) -> tuple[list[list[dict[str, str]]], list[str]]:
    """The turns before the last one, and the last one's text, of every row.

    Raises:
        DataError: rows whose ``column`` is no conversation, or whose last turn is not the assistant's.
    """
    rows = [as_turns(value) for value in table.column(column)]
    share_gpt = [isinstance(row, list) and any(_named(turn, "from", "value") for turn in row) for row in rows]
    table.refuse(np.array(share_gpt), "name turns by `from` and `value`", f"rename them: {_SHAPE}")
    table.refuse(np.array([not _sound(row) for row in rows]), f"have no conversation in `{column}`", f"as {_SHAPE}")
    strange = {turn["role"] for row in rows for turn in row} - set(ROLES)
    if strange:
        bad = np.array([any(turn["role"] in strange for turn in row) for row in rows])
        table.refuse(bad, f"have a role {sorted(strange)[0]!r}", f"roles are {', '.join(ROLES)}")
    answered = [row[-1]["role"] == "assistant" and bool(row[-1]["content"].strip()) for row in rows]
    table.refuse(~np.array(answered), "do not end with an answer of the assistant", "the last turn is what is learnt")
    table.refuse(np.array([len(row) < 2 for row in rows]), "have an answer but no question", f"as {_SHAPE}")
    plain = [[{"role": turn["role"], "content": turn["content"]} for turn in row] for row in rows]
    return [row[:-1] for row in plain], [row[-1]["content"] for row in plain]


def asked(values: Iterable[Any]) -> list[str]:
    """What the user says in each conversation."""
    return [" ".join(turn["content"] for turn in as_turns(value) if turn["role"] == "user") for value in values]


def as_turns(value: Any) -> Any:
    """A conversation as it stands (Parquet's arrays as lists), or out of the JSON text that CSV holds; else None."""
    if isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return None
    return value.tolist() if isinstance(value, np.ndarray) else value


def _named(turn: Any, *keys: str) -> bool:
    return isinstance(turn, dict) and all(key in turn for key in keys)


def _sound(row: Any) -> bool:
    return (
        isinstance(row, list)
        and bool(row)
        and all(_named(turn, "role", "content") and isinstance(turn["content"], str) for turn in row)
    )

"""What the data checks read of a row: all of its text, or what it asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.data.rows import Rows

_ASKING = ("text", "instruction", "input")
_ANSWERING = ("output", "reference")
_NOT_CONTENT = ("id", "group", "label")


def content(rows: Rows) -> list[str]:
    """All text of each row: the text, a prompt and its answer, every turn of a conversation.

    Columns as they stand in a file are read as well as ours (``instruction``, ``input``, ``output``); what is missing
    or no text is read as nothing, so that broken rows can be checked too.
    """
    return _joined(rows, ("text", "instruction", "input", "messages", *_ANSWERING))


def asked(rows: Rows) -> list[str]:
    """What each row asks, without the answer: two rows that ask the same are copies however they are answered."""
    return _joined(rows, (*_ASKING, "messages"))


def _joined(rows: Rows, columns: tuple[str, ...]) -> list[str]:
    frame = rows.frame
    parts = [frame[name].tolist() for name in columns if name in frame]
    if not parts:
        own = frame.drop(columns=[name for name in _NOT_CONTENT if name in frame])
        return [" ".join(_as_text(value) for value in row) for row in own.to_numpy(dtype=object)]
    if len(parts) == 1:
        return [_as_text(value) for value in parts[0]]
    return ["\n".join(filter(None, map(_as_text, values))) for values in zip(*parts, strict=True)]


def _as_text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and value == value:
        return str(value)
    if isinstance(value, Mapping):
        return _as_text(value.get("content"))
    return "\n".join(filter(None, map(_as_text, value))) if hasattr(value, "__iter__") else ""

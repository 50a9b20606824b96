"""What the data checks read of a row: all of its text, or what is its own and not the wording that all rows share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hpo.data.conversations import asked as asked_in
from hpo.data.rows import Rows

_ANSWERING = ("output", "reference")
_NOT_CONTENT = ("id", "group", "label", "content")


def content(rows: Rows) -> list[str]:
    """All text of each row: the text, a prompt and its answer, every turn of a conversation.

    Columns as they stand in a file are read as well as ours (``instruction``, ``input``, ``output``); what is missing
    or no text is read as nothing, so that broken rows can be checked too.
    """
    return _joined(rows, ("text", "instruction", "input", "messages", *_ANSWERING))


def asked(rows: Rows) -> list[str]:
    """What each row asks, without the answer: two rows that ask the same are copies however they are answered.

    A template, a system turn and an instruction that comes with an input are left out: rows that share them are no
    copies of each other.
    """
    frame = rows.frame
    if "content" in frame:
        return [_as_text(value) for value in frame["content"]]
    if "text" in frame:
        return [_as_text(value) for value in frame["text"]]
    if "messages" in frame:
        return [
            said or _as_text(turns) for said, turns in zip(_users(frame["messages"]), frame["messages"], strict=True)
        ]
    if "input" in frame and "instruction" in frame:
        pairs = zip(frame["input"], frame["instruction"], strict=True)
        return [_as_text(own) if _as_text(own).strip() else _as_text(instruction) for own, instruction in pairs]
    return _joined(rows, ("instruction", "input"))


def told(rows: Rows) -> list[str]:
    """What each row asks and what it answers: rows that differ in neither are copies."""
    frame = rows.frame
    answers = [frame[name].tolist() for name in _ANSWERING if name in frame]
    if not answers and "messages" in frame:
        answers = [[_last(turns) for turns in frame["messages"]]]
    return ["\n".join(filter(None, map(_as_text, values))) for values in zip(asked(rows), *answers, strict=True)]


def _users(conversations: Any) -> list[str]:
    """What the user says in each conversation; nothing where it is none."""
    sound = [turns if _is_conversation(turns) else [] for turns in map(_plain, conversations)]
    return asked_in(sound)


def _last(turns: Any) -> Any:
    plain = _plain(turns)
    ends = _is_conversation(plain) and plain[-1:] and plain[-1]["role"] == "assistant"
    return plain[-1]["content"] if ends else None


def _plain(turns: Any) -> Any:
    return turns.tolist() if isinstance(turns, np.ndarray) else turns


def _is_conversation(turns: Any) -> bool:
    return isinstance(turns, list) and all(
        isinstance(turn, Mapping) and isinstance(turn.get("role"), str) and isinstance(turn.get("content"), str)
        for turn in turns
    )


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

"""What rows ask, whatever their format: read as text, or changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from hpo.data.rows import Rows
from hpo.errors import DataError

Change = Callable[[Sequence[str]], Sequence[str]]


def asked(rows: Rows) -> list[str]:
    """What each row asks, as one text: the text, all turns of a conversation, or every column of a custom task's."""
    frame = rows.frame
    if "text" in frame:
        return [str(text) for text in frame["text"]]
    if "messages" in frame:
        return [json.dumps(turns, ensure_ascii=False, sort_keys=True) for turns in frame["messages"]]
    own = frame.drop(columns=[name for name in ("id", "group") if name in frame])
    return [repr(tuple(map(str, row))) for row in own.to_numpy()]


def change_texts(rows: Rows, change: Change) -> Rows:
    """Rows whose texts, or what the user says in conversations, went through ``change``; answers and labels stay.

    White space at the end of an instruction's prompt stays too: it parts the prompt from the answer.

    Raises:
        DataError: rows have neither texts nor messages.
    """
    frame = rows.frame
    if "text" in frame:
        texts = [str(text) for text in frame["text"]]
        ends = [text[len(text.rstrip()) :] if rows.format == "instruction" else "" for text in texts]
        bare = [text[: len(text) - len(end)] for text, end in zip(texts, ends, strict=True)]
        return _with(rows, "text", [text + end for text, end in zip(change(bare), ends, strict=True)])
    if "messages" in frame:
        return _with(rows, "messages", _conversations(frame["messages"].tolist(), change))
    raise DataError("rows have neither texts nor messages to change", where="data.preparation", hint="remove it")


def _conversations(conversations: Sequence[Sequence[dict[str, str]]], change: Change) -> list[list[dict[str, str]]]:
    said = iter(change([turn["content"] for turns in conversations for turn in turns if turn["role"] == "user"]))
    return [
        [{**turn, "content": next(said)} if turn["role"] == "user" else turn for turn in turns]
        for turns in conversations
    ]


def _with(rows: Rows, column: str, values: list[Any]) -> Rows:
    import pandas as pd

    return replace(rows, frame=rows.frame.assign(**{column: pd.Series(values, dtype=object, index=rows.frame.index)}))

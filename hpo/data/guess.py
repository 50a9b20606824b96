"""What a data file suggests: the task, and which of its columns hold text, label and answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

TEXT_NAMES = ("text", "body", "content", "sentence", "review", "description", "question", "prompt", "document", "title")
LABEL_NAMES = ("label", "labels", "class", "category", "target", "intent", "sentiment", "topic", "queue", "score", "y")
PROMPT_NAMES = ("instruction", "prompt", "question")
ANSWER_NAMES = ("output", "response", "completion", "answer", "reference")
GuessedTask = Literal["classification", "regression", "instruction", "language_modeling"]


@dataclass(frozen=True)
class Guess:
    """A task, the columns it reads (ours: the file's) and why."""

    task: GuessedTask
    why: str
    columns: dict[str, str] = field(default_factory=dict)


def guess(frame: pd.DataFrame, task: GuessedTask | None = None) -> Guess:
    """Task and columns of a table; ``task`` is taken as given.

    Raises:
        DataError: no column serves the task.
    """
    found = _instruction(frame) if task in (None, "instruction") else None
    found = found or (_labelled(frame, task) if task in (None, "classification", "regression") else None)
    if found is None and task in (None, "language_modeling"):
        text = _text(frame)
        found = None if text is None else Guess("language_modeling", f"{text} is all there is", {"text": text})
    if found is None:
        raise DataError(
            f"no columns for {task or 'any task'} among {', '.join(map(str, frame.columns))}",
            hint="columns that would do: text and label; instruction and output; messages; text",
        )
    return found


def _instruction(frame: pd.DataFrame) -> Guess | None:
    if "messages" in frame:
        return Guess("instruction", "the column messages holds conversations", {})
    prompt, answer = named(frame, PROMPT_NAMES), named(frame, ANSWER_NAMES)
    if prompt is None or answer is None or not _is_text(frame, answer):
        return None
    columns = {"instruction": prompt, "output": answer}
    return Guess("instruction", f"{prompt} is followed by {answer}", columns)


def _labelled(frame: pd.DataFrame, task: GuessedTask | None) -> Guess | None:
    text = _text(frame)
    rest = [str(name) for name in frame.columns if name not in (text, "id", "group")]
    called = named(frame, LABEL_NAMES)
    label = called if called in rest else next((name for name in rest if _distinct(frame, name)), None)
    if text is None or label is None:
        return None
    columns = {"text": text, "label": label}
    if task != "regression" and (task or _distinct(frame, label)):
        return Guess("classification", f"{label} has {frame[label].nunique()} different values", columns)
    if _is_number(frame, label):
        return Guess("regression", f"{label} holds numbers", columns)
    return None


def named(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    """The file's column of one of the names, in their order, whatever its case."""
    there = {str(column).lower(): str(column) for column in frame.columns}
    return next((there[name] for name in names if name in there), None)


def _text(frame: pd.DataFrame) -> str | None:
    """The column with the input: by its name, else the longest text."""
    texts = [str(name) for name in frame.columns if _is_text(frame, str(name)) and name != "id"]
    called = named(frame[texts], TEXT_NAMES)
    return called or max(texts, key=lambda name: frame[name].astype(str).str.len().mean(), default=None)


def _distinct(frame: pd.DataFrame, name: str) -> bool:
    """Whether a column holds classes: few different values, each on several rows, and no fractions."""
    values = frame[name].dropna()
    if _is_number(frame, name) and (values != values.round()).any():
        return False
    if any(isinstance(value, list | dict) for value in values.head(20)):
        return False
    return 2 <= values.nunique() <= max(2, min(100, len(values) // 3))


def _is_number(frame: pd.DataFrame, name: str) -> bool:
    import pandas as pd

    return pd.api.types.is_numeric_dtype(frame[name]) and not pd.api.types.is_bool_dtype(frame[name])


def _is_text(frame: pd.DataFrame, name: str) -> bool:
    values = frame[name].dropna()
    return len(values) > 0 and all(isinstance(value, str) for value in values.head(50))

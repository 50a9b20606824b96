"""Rows to check, as they stand in a file: broken rows stay in, since finding them is what checks are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.checks.typed import as_numbers, typed
from hpo.config.paths import is_own
from hpo.data.guess import LABEL_NAMES, GuessedTask, guess
from hpo.data.made import made_rows
from hpo.data.messages import Table, as_text, missing, unknown_column
from hpo.data.read import read_frame
from hpo.data.rows import Format, Rows
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

OURS = ("id", "group", "text", "label", "instruction", "input", "output", "messages")
LOOKED_AT = 1_000  # rows by which columns are guessed
_FORMATS: Mapping[str, tuple[str, ...]] = {
    "messages": ("messages",),
    "instruction": ("instruction", "output"),
    "text": ("text",),
}


@dataclass(frozen=True)
class Loaded:
    """Rows of a file in our names, and what they were made of.

    Attributes:
        rows: n rows; what a broken row lacks is None in it. Instructions keep their columns.
        frame: the file's own rows, n of them, in its own columns.
        columns: our column to the file's.
        task: what the rows are for, as far as they tell.
        faults: what is wrong with a row beside its form, by position.
    """

    rows: Rows
    frame: pd.DataFrame
    columns: Mapping[str, str]
    task: GuessedTask
    faults: Mapping[int, str] = field(default_factory=dict)

    @property
    def sound(self) -> NDArray[np.int64]:
        """Positions of the rows that have all that a model learns from, shape (m,)."""
        from hpo.evaluators.check_format import faults

        return np.flatnonzero([not fault for fault in faults(self.rows.frame)]).astype(np.int64)


def load_rows(path: str | Path, columns: Mapping[str, str] | None = None) -> Loaded:
    """The rows of a data file, or of a file that makes rows (``rows.py``, ``rows.py:name``).

    Args:
        path: of the file.
        columns: our column to the file's; those that are not named are guessed.

    Raises:
        DataError: the file cannot be read, has no column to check, mixes formats, or has no column of a given name.
        ObjectiveError: the rows file cannot be used.
    """
    table = made_rows(str(path)) if is_own(str(path)) else Table(read_frame(path), str(path))
    return from_frame(table.frame, columns, table.where)


def from_frame(frame: pd.DataFrame, columns: Mapping[str, str] | None = None, where: str = "rows") -> Loaded:
    """The rows of a table; see ``load_rows``.

    Raises:
        DataError: see ``load_rows``.
    """
    table = Table(frame, where)
    if frame.empty:
        raise DataError("there are no rows", where=where)
    task, names = _columns(table, dict(columns or {}))
    _refuse_mixture(table, names)
    ours = _ours(table, names, task)
    kind: Format = "text_label"
    if task in ("instruction", "language_modeling"):
        kind = "text" if task == "language_modeling" else "messages" if "messages" in names else "instruction"
    rows, faults = _with_ids(ours, names, kind)
    return Loaded(rows, frame.reset_index(drop=True), names, task, faults)


def alike(path: str | Path, first: Loaded) -> Loaded:
    """The rows of another file, read as those of the first were; it may lack labels and groups.

    Raises:
        DataError: see ``load_rows``.
    """
    table = made_rows(str(path)) if is_own(str(path)) else Table(read_frame(path), str(path))
    return alike_frame(table.frame, first, table.where)


def alike_frame(frame: pd.DataFrame, first: Loaded, where: str) -> Loaded:
    """The rows of another table, read as those of the first were.

    Raises:
        DataError: see ``load_rows``.
    """
    optional = ("id", "group", "label", "input", "output")
    columns = {ours: theirs for ours, theirs in first.columns.items() if theirs in frame or ours not in optional}
    loaded = from_frame(frame, columns, where)
    return replace(loaded, task=first.task)


def check_labels(rows: Rows, others: Rows, where: str) -> None:
    """Refuse rows of a class that ``rows`` does not have: a model learnt from these can never be right there.

    Raises:
        DataError: with the names of the classes.
    """
    if any("label" not in each.frame or each.frame["label"].dtype != object for each in (rows, others)):
        return
    known = {str(label) for label in rows.frame["label"]}
    unseen = sorted({str(label) for label in others.frame["label"] if label is not None} - known)
    if unseen:
        listed = ", ".join(map(repr, unseen[:5])) + (", ..." if len(unseen) > 5 else "")
        hint = "spell them alike in both files, or add rows of these classes to the first"
        raise DataError(f"there are classes that no row of the other file has: {listed}", where=where, hint=hint)


def _columns(table: Table, given: dict[str, str]) -> tuple[GuessedTask, dict[str, str]]:
    """Task, and our column to the file's: as given, else as guessed."""
    there = list(map(str, table.frame.columns))
    for ours, theirs in given.items():
        if ours not in OURS:
            hint = f"ours are {', '.join(OURS)}; write ours: yours"
            raise DataError(f"`{ours}` is not one of our columns", where=f"columns.{ours}", hint=hint)
        if theirs not in table.frame:
            raise unknown_column(theirs, there, table.where)
    twice = next((theirs for theirs in given.values() if list(given.values()).count(theirs) > 1), None)
    if twice is not None:
        raise DataError(f"`{twice}` is named for two columns of ours", where=table.where, hint="each is another column")
    names = {ours: ours for ours in ("id", "group") if ours in table.frame}
    asking = {"text", "instruction", "output", "messages"} & given.keys()
    found = None if asking and not _open(given, table) else _guessed(table, given)
    names |= {} if found is None else found[1]
    names |= given
    task = _task(names, table)
    return task, {ours: theirs for ours, theirs in names.items() if ours in _used(task, names)}


def _open(given: dict[str, str], table: Table) -> bool:
    """Whether a text is named but no label, and there is a column that is called one."""
    return "text" in given and "label" not in given and _label_named(table, given) is not None


def _guessed(table: Table, given: dict[str, str]) -> tuple[GuessedTask, dict[str, str]]:
    if "text" in given:
        label = _label_named(table, given)
        return "classification", {"text": given["text"]} | ({} if label is None else {"label": label})
    if "messages" in table.frame:
        return "instruction", {"messages": "messages"}
    frame = typed(table.frame.head(LOOKED_AT))
    if "label" in given:
        others = [name for name in frame.columns if name == "label" != given["label"]]
        frame = frame.drop(columns=others).rename(columns={given["label"]: "label"})
    try:
        found = guess(frame)
        if "label" in given and found.columns.get("text") == "label":  # the label is all the text there is
            raise DataError("no text")
    except DataError as error:
        listed = ", ".join(map(str, table.frame.columns))
        hint = "name them: --text C --label C; others that are known: instruction and output, messages"
        raise DataError(f"no column with text among {listed}", where=table.where, hint=hint) from error
    columns = dict(found.columns)
    if (
        found.task != "instruction"
        and "text" in table.frame
        and "text" not in (columns.get("text"), given.get("label"))
    ):
        return _guessed(table, {**given, "text": "text"})  # what is called text is meant, however broken it is
    if found.task == "language_modeling" and "label" in table.frame and columns.get("text") != "label":
        columns["label"] = "label"  # of one class, or a class a row: worth a look
    if "label" in given:
        columns["label"] = given["label"]
    if found.task == "instruction" and "input" in table.frame:
        columns["input"] = "input"
    return found.task, columns


def _label_named(table: Table, given: Mapping[str, str]) -> str | None:
    there = {str(name).lower(): str(name) for name in table.frame.columns if name != given["text"]}
    return next((there[name] for name in LABEL_NAMES if name in there), None)


def _task(names: Mapping[str, str], table: Table) -> GuessedTask:
    if "messages" in names or ("output" in names and "instruction" in names):
        return "instruction"
    if "label" not in names:
        return "language_modeling"
    frame = typed(table.frame.head(LOOKED_AT))[[names["label"]]].rename(columns={names["label"]: "label"})
    frame = frame.assign(text="text of a row")
    try:
        return guess(frame).task
    except DataError:
        return "classification"


def _used(task: GuessedTask, names: Mapping[str, str]) -> tuple[str, ...]:
    if task != "instruction":
        return ("id", "group", "text", "label")
    return ("id", "group", "messages") if "messages" in names else ("id", "group", "instruction", "input", "output")


def _refuse_mixture(table: Table, names: Mapping[str, str]) -> None:
    """Refuse a file in which some rows are of one format and the others of another: they are no one data set."""
    frame = table.frame
    has = {
        kind: np.logical_and.reduce([~missing(frame[column]) for column in needed])
        for kind, needed in _FORMATS.items()
        if all(column in frame for column in needed)
    }
    if len(has) < 2:
        return
    every = np.sum(list(has.values()), axis=0)
    alone = {kind: there & (every == 1) for kind, there in has.items()}
    mixed = {kind: rows for kind, rows in alone.items() if rows.sum() > 0}
    if len(mixed) > 1:
        told = "; ".join(f"{kind}: {table.places(rows)}" for kind, rows in mixed.items())
        raise DataError(f"the rows are of several formats: {told}", where=table.where, hint="one file, one format")


def _ours(table: Table, names: Mapping[str, str], task: GuessedTask) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {}
    for ours, theirs in names.items():
        values = table.frame[theirs].reset_index(drop=True)
        if ours == "label":
            columns[ours] = _labels(values, table, task)
        elif ours == "group":
            gone = missing(values)
            columns[ours] = [f"row {row}" if gone[row] else as_text(value) for row, value in enumerate(values)]
        else:
            columns[ours] = [None if _is_nan(value) else value for value in values]
    return pd.DataFrame({name: pd.Series(values, dtype=_dtype(values)) for name, values in columns.items()})


def _dtype(values: Any) -> Any:
    return getattr(values, "dtype", object)


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and value != value


def _labels(values: pd.Series[Any], table: Table, task: GuessedTask) -> pd.Series[Any]:
    """Class names as text, or numbers; what a row lacks is None, or NaN."""
    import pandas as pd

    if task == "regression":
        return as_numbers(values).astype(float)
    gone = missing(values)
    found = [None if gone[row] else value if _odd(value) else as_text(value) for row, value in enumerate(values)]
    return pd.Series(found, dtype=object)


def _odd(value: Any) -> bool:
    return isinstance(value, list | dict)


def _with_ids(frame: pd.DataFrame, names: Mapping[str, str], kind: Format) -> tuple[Rows, dict[int, str]]:
    """Ids as they stand where they name every row once; else row numbers, and what is wrong with the others."""
    import pandas as pd

    n, faults = len(frame), {}
    ids = [str(row) for row in range(n)]
    if "id" in names:
        gone = missing(frame["id"])
        stated = [None if gone[row] else as_text(value) for row, value in enumerate(frame["id"])]
        seen: dict[str, int] = {}
        for row, name in enumerate(stated):
            if name is None:
                faults[row] = "`id` is missing"
            elif name in seen:
                faults[row] = f"`id` {name} stands in row {seen[name]} already"
            else:
                seen[name] = row
        if not faults:
            ids = [str(name) for name in stated]
    ours = frame.drop(columns="id", errors="ignore")
    ours.insert(0, "id", pd.Series(ids, dtype=object))
    return Rows(ours, kind), faults

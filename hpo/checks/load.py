"""Rows to check, as they stand in a file: broken rows stay in, since finding them is what checks are for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.checks.columns import columns_of
from hpo.checks.typed import as_numbers
from hpo.config.paths import is_own
from hpo.data.guess import GuessedTask
from hpo.data.made import made_rows
from hpo.data.messages import Table, as_text, missing
from hpo.data.read import read_frame
from hpo.data.rows import Format, Rows
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

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
    table = _read(path)
    return from_frame(table.frame, columns, table.where)


def from_frame(frame: pd.DataFrame, columns: Mapping[str, str] | None = None, where: str = "rows") -> Loaded:
    """The rows of a table; see ``load_rows``.

    Raises:
        DataError: see ``load_rows``.
    """
    if frame.empty:
        raise DataError("there are no rows", where=where)
    frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if not frame.columns.is_unique:
        twice = frame.columns[frame.columns.duplicated()][0]
        raise DataError(f"there are two columns `{twice}`", where=where, hint="rename one")
    table = Table(frame, where)
    task, names = columns_of(table, columns or {})
    _refuse_mixture(table)
    ours = _ours(table, names, task)
    kind: Format = "text_label"
    if task in ("instruction", "language_modeling"):
        kind = "text" if task == "language_modeling" else "messages" if "messages" in names else "instruction"
    rows, faults = _with_ids(ours, names, kind)
    return Loaded(rows, frame.reset_index(drop=True), names, task, faults)


def _read(path: str | Path) -> Table:
    return made_rows(str(path)) if is_own(str(path)) else Table(read_frame(path), str(path))


def alike(path: str | Path, first: Loaded) -> Loaded:
    """The rows of another file, read as those of the first were; it may lack labels and groups.

    Raises:
        DataError: see ``load_rows``.
    """
    table = _read(path)
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


def _refuse_mixture(table: Table) -> None:
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
            columns[ours] = _labels(values, task)
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


def _labels(values: pd.Series[Any], task: GuessedTask) -> pd.Series[Any]:
    """Class names as text, or numbers; what a row lacks is None, or NaN."""
    import pandas as pd

    if task == "regression":
        return as_numbers(values).astype(float)
    gone = missing(values)
    found = [
        None if gone[row] else value if isinstance(value, list | dict) else as_text(value)
        for row, value in enumerate(values)
    ]
    return pd.Series(found, dtype=object)


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

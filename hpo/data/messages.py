"""How a fault in rows is told: where they stand, how many there are, the first five by name."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.draft import did_you_mean
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Table:
    """Rows as they were read, and where from: the index tells a row's line or number."""

    frame: pd.DataFrame
    where: str

    def places(self, bad: NDArray[np.bool_]) -> str:
        """The rows marked in ``bad``, shape (n,), for people: ``3 rows (lines 4, 9, 12)``."""
        index = self.frame.index
        unit = str(index.name or "row")
        found = [str(place) for place in index[bad][:5]]
        count = int(bad.sum())
        listed = ", ".join(found) + (", ..." if count > len(found) else "")
        return f"{count} row{'s' * (count > 1)} ({unit}{'s' * (count > 1)} {listed})"

    def refuse(self, bad: NDArray[np.bool_], what: str, hint: str = "") -> None:
        """Raise a DataError that names the rows marked in ``bad``; nothing where none is."""
        if bad.any():
            raise DataError(f"{self.places(bad)} {what}", where=self.where, hint=hint)

    def column(self, name: str) -> pd.Series[Any]:
        """A column of the file.

        Raises:
            DataError: there is no such column.
        """
        if name not in self.frame:
            raise unknown_column(name, list(self.frame.columns), self.where)
        return self.frame[name]


def unknown_column(name: str, there: Sequence[str], where: str, hint: str = "") -> DataError:
    """The error for a column that a file does not have."""
    near = did_you_mean(name, there)
    listed = ", ".join(map(str, there[:20])) + (", ..." if len(there) > 20 else "")
    near = near if near.startswith("did") else ""
    return DataError(
        f"there is no column `{name}`; the columns are {listed}",
        where=where,
        hint=". ".join(h for h in (near, hint) if h),
    )


def missing(values: pd.Series[Any]) -> NDArray[np.bool_]:
    """Where nothing stands, shape (n,): null, NaN, or text of nothing but spaces."""
    blank = [isinstance(value, str) and not value.strip() for value in values]
    return np.asarray(values.isna().to_numpy(dtype=bool) | np.array(blank, dtype=bool))


def as_text(value: object) -> str:
    """A value as text; a whole number read as 3.0 is written 3."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_number(value: object) -> float:
    """A value as a number, also of text that spells one; NaN for whatever is none, true and false among it."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | np.number):
        return math.nan
    try:
        return float(value)
    except (ValueError, OverflowError):  # a whole number can be too large for a float
        return math.nan

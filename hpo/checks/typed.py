"""Columns of a file by what they hold: text, or numbers (which CSV has as text)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

MOSTLY = 0.8  # share of texts that make a column one of text


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Columns of numbers as numbers (as text in CSV), those that are mostly text without what else is in them."""
    import pandas as pd

    made = {}
    for name in frame.columns:
        values = frame[name]
        text = values.map(lambda value: isinstance(value, str))
        if text.mean() >= MOSTLY:  # a broken row must not hide what its column is
            values = values.where(text, None)
        numbers = values.map(lambda _: np.nan) if _nested(values) else as_numbers(values)
        made[name] = numbers if numbers.notna().sum() == values.notna().sum() > 0 else values
    return pd.DataFrame(made, columns=frame.columns)


def as_numbers(values: pd.Series[Any]) -> pd.Series[Any]:
    """Values as numbers; NaN is what is none, or is larger than a number of 64 bits can be."""
    import pandas as pd

    try:
        return pd.to_numeric(values, errors="coerce")
    except OverflowError:
        return pd.to_numeric(values.map(lambda value: None if _too_large(value) else value), errors="coerce")


def _too_large(value: Any) -> bool:
    return isinstance(value, int) and not -(2**63) <= value < 2**64


def _nested(values: pd.Series[Any]) -> bool:
    return any(isinstance(value, list | dict | bool | np.ndarray) for value in values)

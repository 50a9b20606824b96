"""Robust scale and scores: how far values lie from their median, whatever a few of them are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
NORMAL_MAD = 0.6745  # median absolute deviation of a normal distribution of unit variance


def normal_mad(values: Floats) -> float:
    """Median absolute deviation over 0.6745, which estimates a normal distribution's standard deviation; n >= 1."""
    return float(np.median(np.abs(values - np.median(values)))) / NORMAL_MAD


def modified_z(values: Floats, least: float = 0.0) -> Floats:
    """0.6745 (x - median) / MAD, shape (n,) (Iglewicz and Hoaglin 1993, section 3.3).

    Where more than half of the values are equal the MAD is 0; then sqrt(pi / 2) x the mean absolute deviation, which is
    a normal distribution's spread too, takes the place of MAD / 0.6745; the score is 0 where all values are equal.

    Args:
        values: shape (n,), n >= 1.
        least: a spread below it counts as it, so that values that are all alike have no outliers; 0: none does.
    """
    distance = values - np.median(values)
    spread = max(normal_mad(values), least)
    if spread == 0:
        spread = float(np.sqrt(np.pi / 2) * np.mean(np.abs(distance)))
    return np.asarray(distance / spread if spread > 0 else np.zeros(len(values)), dtype=np.float64)

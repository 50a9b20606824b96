"""What all data checks share: a metric that is the share of rows found, and evidence that is empty until filled."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.protocol import Metric, Stats, Weights
from hpo.evaluators.reductions import column_of, mean_of

Flag = NDArray[np.bool_]


def share_of(name: str, stat: str) -> Metric:
    """The share of rows in which ``stat`` is 1; less is better."""
    return Metric(name, "minimize", mean_of(stat), column_of(stat))


def ratio_of(name: str, part: str, whole: str) -> Metric:
    """Sum of one count over the sum of another, over all rows; less is better; NaN where there is nothing to count."""

    def reduce(stats: Stats, weights: Weights) -> float:
        total = float(np.dot(weights, stats[whole]))
        return float(np.dot(weights, stats[part])) / total if total > 0 else np.nan

    return Metric(name, "minimize", reduce)


def marked(n: int, positions: Iterable[int] | NDArray[np.int64] = ()) -> Flag:
    """Flags, shape (n,), True at ``positions``."""
    flags = np.zeros(n, dtype=bool)
    flags[np.fromiter(positions, dtype=np.int64)] = True
    return flags


def nothing(n: int) -> list[Any]:
    """Evidence of n rows in which nothing was found."""
    return [None] * n


def counted(*flags: Flag) -> NDArray[np.float64]:
    """1 in rows with any of the flags, shape (n,)."""
    return np.asarray(np.logical_or.reduce(flags), dtype=np.float64)

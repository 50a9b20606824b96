"""Aggregates that several evaluators share: pure functions of per-row values and weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.protocol import Stats, Weights


def mean(values: NDArray[Any], weights: Weights) -> float:
    """Weighted mean, NaN without any weight. A row of weight 0 has no say, even where its value is infinite."""
    counted = weights > 0
    if not counted.any():
        return np.nan
    return float(np.average(values[counted].astype(np.float64), weights=weights[counted]))


def mean_of(name: str) -> Callable[[Stats, Weights], float]:
    """The metric that is the weighted mean of one statistic."""

    def reduce(stats: Stats, weights: Weights) -> float:
        return mean(stats[name], weights)

    return reduce


def column_of(name: str) -> Callable[[Stats], NDArray[np.float64]]:
    """The row values of a metric that is the mean of one statistic."""

    def rows(stats: Stats) -> NDArray[np.float64]:
        return np.asarray(stats[name], dtype=np.float64)

    return rows

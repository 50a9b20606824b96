"""Metrics of a corpus that are functions of sums over its rows, and their linearised values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.protocol import Metric, Stats, Weights

STEP = 1e-5  # of a sum, for central differences


def metric_of_sums(name: str, statistics: Sequence[str], of_sums: Callable[[list[float]], float]) -> Metric:
    """A metric to be maximized that is ``of_sums`` of the weighted sums of ``statistics``; NaN without any weight."""

    def reduce(stats: Stats, weights: Weights) -> float:
        drawn = weights > 0
        if not drawn.any():
            return np.nan
        return of_sums([float(weights[drawn] @ stats[each][drawn]) for each in statistics])

    def linear(stats: Stats) -> NDArray[np.float64]:
        return linearised(of_sums, np.stack([stats[each] for each in statistics], axis=1).astype(np.float64))

    return Metric(name, "maximize", reduce, linear=linear)


def linearised(of_sums: Callable[[list[float]], float], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values of single rows, shape (n,), whose mean is the metric and whose spread its standard error to first order.

    z_i = T + n sum_j dT/dS_j (x_ij - mean x_j), the delta method; derivatives are central differences, 0 where the sum
    is 0.

    Args:
        of_sums: the metric T of the sums S, shape (m,).
        values: x, shape (n, m).
    """
    sums = values.sum(axis=0)
    slopes = np.zeros(len(sums))
    for position in np.flatnonzero(sums):
        ends = []
        for sign in (1, -1):
            moved = sums.copy()
            moved[position] *= 1 + sign * STEP
            ends.append(of_sums(moved.tolist()))
        slopes[position] = (ends[0] - ends[1]) / (2 * STEP * sums[position])
    away = (values - values.mean(axis=0)) @ slopes
    return np.asarray(of_sums(sums.tolist()) + len(values) * away, dtype=np.float64)

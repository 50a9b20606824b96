"""How long predictions take: quantiles of the seconds a row, and rows a second, from ``seconds`` of the outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
from hpo.objective import Outputs
from hpo.statistics import linearise

PERCENTILES = (50, 95, 99)


def quantile(values: NDArray[np.float64], weights: Weights, q: float) -> float:
    """The least value that at least a share ``q`` of the weight does not exceed; NaN without any weight.

    This is the inverse of the empirical distribution function (Hyndman & Fan 1996, definition 1): always a value that
    was seen, and the same for a row of weight 3 as for the row three times.

    >>> quantile(np.array([4.0, 1.0, 2.0, 3.0]), np.ones(4), 0.5)
    2.0
    """
    drawn = weights > 0
    if not drawn.any():
        return np.nan
    order = np.argsort(values[drawn], kind="stable")
    reached = np.cumsum(weights[drawn][order])
    wanted = q * reached[-1] * (1 - 1e-12)  # a share that is reached but for rounding is reached
    return float(values[drawn][order][np.searchsorted(reached, wanted)])


def _percentile(q: float) -> Callable[[Stats, Weights], float]:
    def reduce(stats: Stats, weights: Weights) -> float:
        return quantile(stats["seconds"], weights, q)

    return reduce


def _rate(stats: Stats, weights: Weights) -> float:
    seconds = mean(stats["seconds"], weights)
    return 1 / seconds if seconds > 0 else np.nan


def _linear_rate(stats: Stats) -> NDArray[np.float64]:
    return linearise.ratio(np.ones(len(stats["seconds"])), stats["seconds"].astype(np.float64))


class Latency:
    """Statistic ``seconds``, of every row; a batch's time is to be shared among its rows.

    ``seconds_p50``, ``seconds_p95`` and ``seconds_p99`` are quantiles in seconds; ``rows_per_second`` is one over the
    mean: what one worker gets through that predicts row after row, or batch after batch.
    """

    name = "latency"
    needs = frozenset({"seconds"})
    metrics: tuple[Metric, ...] = (
        *(Metric(f"seconds_p{each}", "minimize", _percentile(each / 100)) for each in PERCENTILES),
        Metric("rows_per_second", "maximize", _rate, linear=_linear_rate),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Seconds of every row; NaN, which is unscored, where they are not known."""
        stats = {"seconds": np.asarray(column(outputs, "seconds"), dtype=np.float64)}
        return ExampleScores(data.ids, stats, groups=data.groups)

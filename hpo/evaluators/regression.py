"""Regression from predicted numbers: MAE, RMSE, RMSLE and R2."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
from hpo.objective import Outputs
from hpo.statistics import linearise


def numbers(values: Iterable[Any]) -> NDArray[np.float64]:
    """Values as numbers, shape (n,); NaN for whatever is none (text that spells a number is one)."""
    return np.array([_number(value) for value in values], dtype=np.float64)


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        return np.nan


def _error(stats: Stats) -> NDArray[np.float64]:
    return np.asarray(stats["prediction"] - stats["target"], dtype=np.float64)


def _mae(stats: Stats, weights: Weights) -> float:
    return mean(np.abs(_error(stats)), weights)


def _rmse(stats: Stats, weights: Weights) -> float:
    return float(np.sqrt(mean(_error(stats) ** 2, weights)))


def _rmsle(stats: Stats, weights: Weights) -> float:
    """Root mean squared difference of log(1 + x); NaN where a target or a prediction is not above -1."""
    drawn = weights > 0
    target, prediction = stats["target"][drawn], stats["prediction"][drawn]
    if (target <= -1).any() or (prediction <= -1).any():
        return np.nan
    return float(np.sqrt(mean((np.log1p(prediction) - np.log1p(target)) ** 2, weights[drawn])))


def _r2(stats: Stats, weights: Weights) -> float:
    """Share of the targets' variance explained; NaN where they do not vary."""
    drawn = weights > 0
    target = stats["target"][drawn]
    if len(target) == 0 or np.ptp(target) == 0:
        return np.nan
    spread = mean((target - mean(target, weights[drawn])) ** 2, weights[drawn])
    return float(1 - mean(_error(stats) ** 2, weights) / spread)


def _linear_root(squares: NDArray[np.float64]) -> NDArray[np.float64]:
    """Linearised values, shape (n,), of the root of a mean; all 0 where the mean is 0."""
    root = np.sqrt(squares.mean())
    return np.asarray(root + (squares - root**2) / (2 * root) if root > 0 else squares, dtype=np.float64)


def _linear_rmsle(stats: Stats) -> NDArray[np.float64]:
    target, prediction = stats["target"], stats["prediction"]
    if (target <= -1).any() or (prediction <= -1).any():
        return np.full(len(target), np.nan)
    return _linear_root((np.log1p(prediction) - np.log1p(target)) ** 2)


def _linear_r2(stats: Stats) -> NDArray[np.float64]:
    """Linearised values, shape (n,), of 1 - A / B: 1 - R - (e^2 - R d^2) / B, with R = A / B."""
    target = stats["target"]
    away = (target - target.mean()) ** 2
    if np.ptp(target) == 0:
        return np.full(len(target), np.nan)
    return np.asarray(1 - linearise.ratio(_error(stats) ** 2, away), dtype=np.float64)


class Regression:
    """Statistics ``target`` and ``prediction``; a row answered with no number is unscored."""

    name = "regression"
    needs = frozenset({"label", "prediction"})
    metrics: tuple[Metric, ...] = (
        Metric("mae", "minimize", _mae, rows=lambda stats: np.abs(_error(stats))),
        Metric("rmse", "minimize", _rmse, linear=lambda stats: _linear_root(_error(stats) ** 2)),
        Metric("rmsle", "minimize", _rmsle, linear=_linear_rmsle),
        Metric("r2", "maximize", _r2, linear=_linear_r2),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Target and prediction of every row, NaN where there is none."""
        stats = {"target": numbers(data.frame["label"]), "prediction": numbers(column(outputs, "prediction"))}
        return ExampleScores(data.ids, stats, groups=data.groups)

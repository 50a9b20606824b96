"""Confidence intervals of one value: of a mean, a proportion, an area, counts, or anything that can be resampled."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import auc as roc
from hpo.statistics import clusters, linearise, resampling
from hpo.statistics.distributions import normal_quantile, normal_tail, t_quantile
from hpo.statistics.linearise import CountsReduce
from hpo.statistics.values import DEFAULT, Estimate, Settings

LEAST = 10  # rows for a bootstrap
MOST_UNDEFINED = 0.01  # share of resamples in which a metric may be undefined

Stats = Mapping[str, NDArray[Any]]
Reduce = Callable[[Stats, NDArray[np.float64]], float]


def none(value: float, n: int, reason: str, method: str = "none") -> Estimate:
    """A value without an interval, and why."""
    return Estimate(value, math.nan, math.nan, n, method, reason)


def is_binary(values: NDArray[np.float64]) -> bool:
    """Whether all values are 0 or 1."""
    return bool(((values == 0) | (values == 1)).all())


def mean(values: NDArray[Any], groups: NDArray[Any] | None = None, settings: Settings = DEFAULT) -> Estimate:
    """Mean with its interval: Wilson for values of 0 and 1, else t; cluster-robust where rows share groups.

    Args:
        values: shape (n,).
        groups: cluster of each row, shape (n,).
        settings: confidence.

    Returns:
        The estimate; without an interval, and with a reason, for NaN, fewer than two values or clusters.
    """
    values = np.asarray(values, dtype=np.float64)
    n, code = len(values), clusters.codes(groups)
    unusable = int((~np.isfinite(values)).sum())
    if n == 0 or unusable:
        return none(math.nan, n, f"{unusable} of {n} values are no finite numbers" if unusable else "no rows")
    value = float(values.mean())
    error, units = clusters.standard_error(values, code)
    if is_binary(values):
        return (
            proportion(int(values.sum()), n, settings)
            if code is None
            else _few_wilson(value, n, error, (units, settings))
        )
    if units < 2:
        return none(value, n, f"{'one cluster' if code is not None else 'one row'} shows no spread; two or more would")
    method = "t" if code is None else f"t, {units} clusters"
    half = t_quantile(0.5 + settings.confidence / 2, units - 1) * error
    reason = "every value is the same: the interval has no width" if error == 0 else few(units, code is not None)
    return Estimate(value, value - half, value + half, n, method, reason)


def few(units: int, clustered: bool) -> str:
    """The warning that clusters are few; empty where they are not, or where every row is one of its own."""
    if not clustered or units >= clusters.FEW:
        return ""
    return f"only {units} clusters: the interval is too narrow more often than it says"


def _few_wilson(value: float, n: int, error: float, more: tuple[int, Settings]) -> Estimate:
    """Wilson's interval with the effective number of rows, p (1 - p) / se^2 (Korn & Graubard 1998, section 2)."""
    units, settings = more
    if units < 2:
        return none(value, n, "one cluster shows no spread; two or more would")
    effective = value * (1 - value) / error**2 if error > 0 else float(units)
    low, high = wilson(value, effective, t_quantile(0.5 + settings.confidence / 2, units - 1))
    reason = few(units, clustered=True)
    return Estimate(value, low, high, n, f"Wilson with the effective number of rows, {units} clusters", reason)


def wilson(value: float, n: float, z: float) -> tuple[float, float]:
    """Ends of the score interval of a proportion (Wilson 1927; Newcombe 1998, method 3)."""
    centre, scale = value + z**2 / (2 * n), 1 + z**2 / n
    half = z * math.sqrt(value * (1 - value) / n + z**2 / (4 * n**2))
    low, high = (centre - half) / scale, (centre + half) / scale
    return (0.0 if value == 0 else max(low, 0.0)), (1.0 if value == 1 else min(high, 1.0))


def proportion(successes: int, n: int, settings: Settings = DEFAULT) -> Estimate:
    """Proportion with Wilson's interval."""
    if n == 0:
        return none(math.nan, 0, "no rows", "Wilson")
    low, high = wilson(successes / n, n, normal_quantile(0.5 + settings.confidence / 2))
    return Estimate(successes / n, low, high, n, "Wilson")


def auc(label: NDArray[Any], score: NDArray[Any], settings: Settings = DEFAULT) -> Estimate:
    """Area under the ROC curve with DeLong's standard error on the logit scale (Pepe 2003, section 5.2.4)."""
    truth, scores = np.asarray(label).astype(bool), np.asarray(score, dtype=np.float64)
    n, method = len(truth), "DeLong, logit"
    if min(truth.sum(), (~truth).sum()) < 2:
        return none(roc.area(truth, scores), n, "fewer than two rows of a class; an area needs both", method)
    values, spread = roc.covariance(truth, scores[None])
    value, error = float(values[0]), math.sqrt(spread[0, 0])
    if error == 0 or not 0 < value < 1:
        return none(value, n, "the classes are separated completely: there is no spread to judge by", method)
    half = normal_quantile(0.5 + settings.confidence / 2) * error / (value * (1 - value))
    centre = math.log(value / (1 - value))
    return Estimate(value, 1 / (1 + math.exp(half - centre)), 1 / (1 + math.exp(-half - centre)), n, method)


def cells(reduce: CountsReduce, matrix: NDArray[np.float64], settings: Settings = DEFAULT) -> Estimate:
    """A metric of a confusion matrix with its BCa interval, from multinomial draws of the cells.

    The draws have exactly the distribution of the bootstrap of rows, at a cost that does not grow with the rows. The
    acceleration is that of the linearised values, skew / (6 sqrt n) (Efron 1987, eq. 7.3).

    Args:
        reduce: confusion matrices, shape (..., k, k + 1), to values, shape (...,); NaN where undefined.
        matrix: counts, shape (k, k + 1).
        settings: confidence, resamples, seed.
    """
    n, value = int(matrix.sum()), float(reduce(matrix[None])[0]) if matrix.sum() > 0 else math.nan
    if n < LEAST or not math.isfinite(value):
        return none(value, n, f"{n} rows: a bootstrap needs {LEAST}" if n < LEAST else "undefined on these rows")
    if np.count_nonzero(matrix) > resampling.MOST_CELLS:
        return _normal_limit(value, linearise.cells(reduce, matrix), matrix, settings)
    draws = drawn_values(reduce, matrix, settings)
    defined, lost = resampling.kept(draws)
    if lost > MOST_UNDEFINED:
        return none(
            value, n, f"undefined in {lost:.1%} of the resamples: a class has too few rows; more of it would do"
        )
    if np.ptp(defined) == 0:
        return none(value, n, "every resample gives the same value: there is no spread to judge by")
    each, times = linearise.cells(reduce, matrix), matrix / n
    centred = np.where(matrix > 0, each - value, 0.0)
    variance = float((times * centred**2).sum())
    skew = float((times * centred**3).sum()) / variance**1.5 if variance > 0 else 0.0
    low, high = bca(defined, value, skew / (6 * math.sqrt(n)), expanded(settings.confidence, n))
    return Estimate(value, low, high, n, f"BCa over cells, {len(draws):,} resamples")


def _normal_limit(value: float, each: NDArray[np.float64], matrix: NDArray[np.float64], settings: Settings) -> Estimate:
    """The interval from linearised values of cells, shape that of the matrix."""
    n = int(matrix.sum())
    error = math.sqrt(float((matrix * np.where(matrix > 0, each - value, 0.0) ** 2).sum()) / (n - 1) / n)
    half = t_quantile(0.5 + settings.confidence / 2, n - 1) * error
    return Estimate(value, value - half, value + half, n, "linearised, t")


def drawn_values(reduce: CountsReduce, matrix: NDArray[np.float64], settings: Settings) -> NDArray[np.float64]:
    """The metric in every resample, shape (B,); NaN where it is undefined, or where a class it averages is lost."""
    filled = np.nonzero(matrix.ravel())[0]
    resamples = resampling.affordable(settings.resamples, len(filled), resampling.CELL_WORK)
    drawn = resampling.cell_draws(matrix.ravel()[filled].astype(np.int64), resamples, settings.seed)
    leaping = linearise.leaping_classes(reduce, matrix)
    found = []
    at_once = max(1, linearise.BATCH // matrix.size)
    for start in range(0, resamples, at_once):
        part = drawn[start : start + at_once]
        full = np.zeros((len(part), matrix.size))
        full[:, filled] = part
        shaped = full.reshape(len(part), *matrix.shape)
        lost = (shaped.sum(axis=2)[:, leaping] == 0).any(axis=1)
        found.append(np.where(lost, np.nan, reduce(shaped)))
    return np.concatenate(found)


def bca(draws: NDArray[np.float64], value: float, acceleration: float, confidence: float) -> tuple[float, float]:
    """Ends of the bias-corrected and accelerated interval (Efron 1987, eq. 2.3); ties with the value count half."""
    below = (np.mean(draws < value) + np.mean(draws <= value)) / 2
    bias = normal_quantile(float(np.clip(below, 0.5 / len(draws), 1 - 0.5 / len(draws))))
    ends = []
    for quantile in (0.5 - confidence / 2, 0.5 + confidence / 2):
        shifted = bias + normal_quantile(quantile)
        ends.append(1 - normal_tail(bias + shifted / (1 - acceleration * shifted)))
    low, high = np.quantile(draws, ends)
    return float(low), float(high)


def percentile(draws: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """Ends of the percentile interval."""
    low, high = np.quantile(draws, [0.5 - confidence / 2, 0.5 + confidence / 2])
    return float(low), float(high)


def expanded(confidence: float, units: int) -> float:
    """The level at which a bootstrap of few units is as wide as t would be (Hesterberg 2015, section 5.3).

    Its draws divide by n where the variance divides by n - 1, and its quantiles are those of a normal distribution.
    """
    wide = math.sqrt(units / (units - 1)) * t_quantile(0.5 + confidence / 2, units - 1)
    return 1 - 2 * normal_tail(wide)


def bootstrap(
    reduce: Reduce, stats: Stats, n: int, groups: NDArray[Any] | None = None, settings: Settings = DEFAULT
) -> Estimate:
    """Any metric with its percentile interval, expanded for few rows; whole groups are drawn where there are any.

    Args:
        reduce: statistics and weights to a value.
        stats: arrays of shape (n,).
        n: rows.
        groups: cluster of each row, shape (n,).
        settings: confidence, resamples (fewer for many rows, as the method then says), seed.
    """
    value, code = (float(reduce(stats, np.ones(n))) if n else math.nan), clusters.codes(groups)
    units = n if code is None else clusters.count(code)
    draws = _draws(reduce, stats, (n, units, value), code, settings)
    if isinstance(draws, str):
        return none(value, n, draws)
    low, high = percentile(draws, expanded(settings.confidence, units))
    of = "" if code is None else f" of {units} clusters"
    return Estimate(
        value, low, high, n, f"percentile bootstrap{of}, {len(draws):,} resamples", few(units, code is not None)
    )


def bootstrap_bca(reduce: Reduce, stats: Stats, linear: NDArray[np.float64], settings: Settings = DEFAULT) -> Estimate:
    """Any metric of few rows with its BCa interval, expanded; the acceleration is that of the linearised values.

    Args:
        reduce: statistics and weights to a value.
        stats: arrays of shape (n,).
        linear: linearised values of the metric, shape (n,).
        settings: confidence, resamples, seed.
    """
    n = len(linear)
    value = float(reduce(stats, np.ones(n))) if n else math.nan
    draws = _draws(reduce, stats, (n, n, value), None, settings)
    if isinstance(draws, str):
        return none(value, n, draws)
    centred = linear - linear.mean()
    skew = float((centred**3).mean() / (centred**2).mean() ** 1.5)
    low, high = bca(draws, value, skew / (6 * math.sqrt(n)), expanded(settings.confidence, n))
    return Estimate(value, low, high, n, f"BCa bootstrap, {len(draws):,} resamples")


def _draws(
    reduce: Reduce,
    stats: Stats,
    size: tuple[int, int, float],
    code: NDArray[np.int64] | None,
    settings: Settings,
) -> NDArray[np.float64] | str:
    """Defined values of resamples, or why there are none to use."""
    n, units, value = size
    if units < LEAST:
        return f"{units} {'rows' if code is None else 'clusters'}: a bootstrap needs {LEAST}"
    if not math.isfinite(value):
        return "undefined on these rows"
    resamples = resampling.affordable(settings.resamples, n)
    rng = np.random.default_rng(settings.seed)
    draws = np.array([reduce(stats, weight) for weight in resampling.weights(n, code, resamples, rng)])
    defined, lost = resampling.kept(draws)
    if lost > MOST_UNDEFINED:
        return f"undefined in {lost:.1%} of the resamples; more rows would do"
    if np.ptp(defined) == 0:
        return "every resample gives the same value: there is no spread to judge by"
    return defined

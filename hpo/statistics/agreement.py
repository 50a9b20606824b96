"""How far people (or models) agree beyond chance: Cohen's kappa, Krippendorff's alpha."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import intervals, resampling
from hpo.statistics.values import DEFAULT, Estimate, Settings

Level = Literal["nominal", "ordinal", "interval"]


def kappa(
    a: NDArray[Any],
    b: NDArray[Any],
    weights: Literal["linear", "quadratic"] | None = None,
    settings: Settings = DEFAULT,
) -> Estimate:
    """Cohen's kappa of two raters, 1 - observed / expected disagreement (Cohen 1960, 1968), with a BCa interval.

    Args:
        a: ratings of the first, shape (n,); None or NaN: not rated, the item is left out.
        b: of the second, on the same items.
        weights: of a disagreement by the distance of two categories in sorted order; None: all count 1.
        settings: confidence, resamples, seed.

    Returns:
        The estimate; NaN where both give one and the same rating throughout.
    """
    import pandas as pd

    kept = ~(pd.isna(np.asarray(a, dtype=object)) | pd.isna(np.asarray(b, dtype=object)))
    first, second = np.asarray(a)[kept].tolist(), np.asarray(b)[kept].tolist()
    categories = sorted(set(first) | set(second))
    k = len(categories)
    if k == 0:
        return intervals.none(math.nan, 0, "no item is rated by both")
    where = {category: code for code, category in enumerate(categories)}
    matrix = np.zeros((k, k + 1))
    np.add.at(matrix, ([where[each] for each in first], [where[each] for each in second]), 1)
    found = intervals.cells(_kappa(_distances(k, weights)), matrix, settings)
    if math.isnan(found.value) and len(first) >= intervals.LEAST:
        found = replace(found, reason="both give one rating throughout: there is nothing to agree on")
    return found


def _distances(k: int, weights: str | None) -> NDArray[np.float64]:
    apart = np.abs(np.arange(k)[:, None] - np.arange(k)[None]).astype(np.float64)
    of_pair = {None: apart > 0, "linear": apart, "quadratic": apart**2}[weights]
    return np.asarray(of_pair, dtype=np.float64)


def _kappa(distance: NDArray[np.float64]) -> Callable[[NDArray[np.float64]], NDArray[np.float64]]:
    def reduce(matrices: NDArray[np.float64]) -> NDArray[np.float64]:
        square = matrices[..., :-1]
        n = square.sum(axis=(-2, -1))
        observed = (square * distance).sum(axis=(-2, -1)) * n
        expected = np.einsum("...i,ij,...j->...", square.sum(axis=-1), distance, square.sum(axis=-2))
        out = np.full(np.shape(n), np.nan)
        np.divide(observed, expected, out=out, where=expected > 0)
        return np.asarray(1 - out)

    return reduce


def krippendorff_alpha(ratings: NDArray[Any], level: Level = "nominal", settings: Settings = DEFAULT) -> Estimate:
    """Krippendorff's alpha (2011, section D), with a percentile interval over items.

    With m_u ratings of item u (items with fewer than two are left out) and n of them in all, observed disagreement is
    sum_u 2 m_u SS_u / (m_u - 1) / n and expected 2 SS / (n - 1), SS the sum of squares about the mean, of values, or of
    the midpoints of their cumulated counts (``ordinal``); for ``nominal`` of one indicator a value.

    Args:
        ratings: numbers, shape (raters, items); NaN where not rated.
        level: of measurement.
        settings: confidence, resamples, seed.

    Returns:
        The estimate; NaN where fewer than two items have two ratings, or all ratings are the same.
    """
    table = np.atleast_2d(np.asarray(ratings, dtype=np.float64))
    pairable = np.isfinite(table).sum(axis=0) >= 2
    table = table[:, pairable]
    n = int(pairable.sum())
    if n < 2:
        return intervals.none(math.nan, n, f"{n} items have two ratings or more; rate more items twice", "percentile")
    values, code = np.unique(table[np.isfinite(table)], return_inverse=True)
    of_item = np.nonzero(np.isfinite(table))[1]
    counts = np.zeros((n, len(values)))
    np.add.at(counts, (of_item, code), 1)
    value = float(_alpha(np.ones((1, n)), counts, values, level)[0])
    if not math.isfinite(value):
        return intervals.none(value, n, "all ratings are the same: there is nothing to agree on", "percentile")
    return _bootstrapped(value, counts, values, (level, settings))


def _bootstrapped(
    value: float, counts: NDArray[np.float64], values: NDArray[np.float64], more: tuple[Level, Settings]
) -> Estimate:
    level, settings = more
    n = len(counts)
    if n < intervals.LEAST:
        return intervals.none(value, n, f"{n} items: a bootstrap needs {intervals.LEAST}")
    rng, found = np.random.default_rng(settings.seed), []
    resamples = resampling.affordable(settings.resamples, counts.size)
    for start in range(0, resamples, resampling.CHUNK):
        size = min(resampling.CHUNK, resamples - start)
        weights = rng.multinomial(n, np.full(n, 1 / n), size=size).astype(np.float64)
        found.append(_alpha(weights, counts, values, level))
    defined, lost = resampling.kept(np.concatenate(found))
    if lost > intervals.MOST_UNDEFINED:
        return intervals.none(value, n, f"undefined in {lost:.1%} of the resamples; rate more items")
    if np.ptp(defined) == 0:
        return intervals.none(value, n, "every resample gives the same value: there is no spread to judge by")
    low, high = intervals.percentile(defined, settings.confidence)
    return Estimate(value, low, high, n, f"percentile bootstrap over items, {resamples:,} resamples")


def _alpha(
    weights: NDArray[np.float64], counts: NDArray[np.float64], values: NDArray[np.float64], level: Level
) -> NDArray[np.float64]:
    """Alpha of every resample, shape (B,), from weights of items, shape (B, n), and counts of values, shape (n, V)."""
    m = counts.sum(axis=1)
    share = weights / (m - 1)[None]
    total, of_value = weights @ m, weights @ counts
    if level == "nominal":
        observed = share @ (m**2 - (counts**2).sum(axis=1)) / total
        expected = (total**2 - (of_value**2).sum(axis=1)) / total / (total - 1)
    else:
        where = (
            np.cumsum(of_value, axis=1) - of_value / 2
            if level == "ordinal"
            else np.broadcast_to(values, of_value.shape)
        )
        where = where - where.mean(axis=1, keepdims=True)  # sums of squares lose digits far from 0
        within = (where**2 @ counts.T) * m - (where @ counts.T) ** 2
        observed = 2 * (share * within).sum(axis=1) / total
        squares = (of_value * where**2).sum(axis=1) * total - (of_value * where).sum(axis=1) ** 2
        expected = 2 * squares / total / (total - 1)
    out = np.full(len(total), np.nan)
    np.divide(observed, expected, out=out, where=expected > 0)
    return np.asarray(1 - out)

"""Several comparisons for one question: Holm for what confirms, Benjamini-Hochberg for what explores."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hpo.statistics.values import DEFAULT, Comparison, Settings
from hpo.statistics.verdicts import decide


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted for the family-wise error (Holm 1979), shape (m,), in the order given.

    NaN stays NaN and counts for nothing.
    """
    return _adjusted(p, lambda values: np.maximum.accumulate(np.arange(len(values), 0, -1) * values))


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """P-values adjusted for the false discovery rate (Benjamini & Hochberg 1995), shape (m,), in the order given.

    NaN stays NaN and counts for nothing. For exploratory tables only.
    """

    def step_up(values: NDArray[np.float64]) -> NDArray[np.float64]:
        m = len(values)
        scaled = values * m / np.arange(1, m + 1)
        return np.minimum.accumulate(scaled[::-1])[::-1]

    return _adjusted(p, step_up)


def adjust(comparisons: Sequence[Comparison], settings: Settings = DEFAULT) -> list[Comparison]:
    """Adjust the p-values of one question's comparisons and set their verdicts anew.

    Refused comparisons stay what they are and count for nothing. The tests of equivalence are adjusted in the same way,
    as a family of their own. A test that could not have rejected at its adjusted level says so.

    Args:
        comparisons: all that answer one question.
        settings: confidence, correction (``none`` leaves p as it is), margin.
    """
    p = np.array([math.nan if each.p_value is None else each.p_value for each in comparisons], dtype=np.float64)
    equal = np.array(
        [math.nan if each.equivalence_p is None else each.equivalence_p for each in comparisons], np.float64
    )
    if settings.correction == "holm":
        p, equal = holm(p), holm(equal)
    m = int(np.isfinite(p).sum())
    found = []
    for each, adjusted, equivalence in zip(comparisons, p.tolist(), equal.tolist(), strict=True):
        if each.verdict != "refused":
            none = math.isnan(equivalence)
            each = decide(_designed(each, m, settings), settings, adjusted, None if none else equivalence)
        found.append(each)
    return found


def _designed(comparison: Comparison, m: int, settings: Settings) -> Comparison:
    """Warn of a test whose smallest p is above the level that the strictest of m comparisons is held to."""
    level = settings.alpha / m if settings.correction == "holm" else settings.alpha
    smallest = comparison.smallest_p
    if smallest is None or smallest <= level:
        return comparison
    warning = f"cannot reject by design among {m} comparisons: the smallest p is {smallest:.3g}, the level {level:.3g}"
    return replace(comparison, warnings=(*comparison.warnings, warning))


def _adjusted(p: ArrayLike, steps: Callable[[NDArray[np.float64]], NDArray[np.float64]]) -> NDArray[np.float64]:
    values = np.asarray(p, dtype=np.float64)
    found = np.full(values.shape, np.nan)
    known = np.nonzero(~np.isnan(values))[0]
    order = known[np.argsort(values[known], kind="stable")]
    if len(order):
        found[order] = np.minimum(steps(values[order]), 1.0)
    return found

"""Two models that are right or wrong on the same items: McNemar's mid-p and Newcombe's interval of the difference."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import effects, power
from hpo.statistics.distributions import normal_quantile
from hpo.statistics.intervals import wilson
from hpo.statistics.values import Comparison, Settings
from hpo.statistics.verdicts import decide, equivalence_p


def mcnemar_mid_p(only_a: int, only_b: int) -> float:
    """Two-sided mid-p of the items that exactly one of two models gets right (Fagerland, Lydersen & Laake 2013, eq. 5).

    1 where there are none; 1 - pmf/2 where there are as many on one side as on the other.

    >>> round(mcnemar_mid_p(1, 7), 4)
    0.0391
    """
    from scipy.special import bdtr, gammaln

    fewer, n = min(only_a, only_b), only_a + only_b
    if n == 0:
        return 1.0
    at = math.exp(float(gammaln(n + 1) - gammaln(fewer + 1) - gammaln(n - fewer + 1)) - n * math.log(2))
    if only_a == only_b:
        return 1.0 - at / 2
    return float(2 * bdtr(fewer, n, 0.5) - at)


def newcombe(table: tuple[int, int, int, int], confidence: float) -> tuple[float, float]:
    """Interval of p_a - p_b from paired answers by squaring and adding Wilson's ends (Newcombe 1998b, method 10).

    Args:
        table: items that both get right, only a, only b, neither.
        confidence: of the interval.
    """
    both, only_a, only_b, _ = table
    n = sum(table)
    z = normal_quantile(0.5 + confidence / 2)
    p_a, p_b = (both + only_a) / n, (both + only_b) / n
    (low_a, high_a), (low_b, high_b) = wilson(p_a, n, z), wilson(p_b, n, z)
    phi = _newcombe_phi(table)

    def reach(to_a: float, to_b: float) -> float:
        return math.sqrt(max(to_a**2 - 2 * phi * to_a * to_b + to_b**2, 0.0))

    difference = (only_a - only_b) / n
    return difference - reach(p_a - low_a, high_b - p_b), difference + reach(high_a - p_a, p_b - low_b)


def _newcombe_phi(table: tuple[int, int, int, int]) -> float:
    """The correlation that method 10 uses: phi, with a continuity correction where it is positive."""
    both, only_a, only_b, neither = table
    margins = (both + only_a) * (only_b + neither) * (both + only_b) * (only_a + neither)
    if margins == 0:
        return 0.0
    cross = float(both * neither - only_a * only_b)
    if cross > 0:
        cross = max(cross - sum(table) / 2, 0.0)
    return cross / math.sqrt(margins)


def compare(a: NDArray[np.float64], b: NDArray[np.float64], settings: Settings) -> Comparison:
    """McNemar's mid-p, Newcombe's interval, Cohen's h; a and b hold 0 and 1, shape (n,), n at least 1."""
    n = len(a)
    only_a, only_b = int((a > b).sum()), int((a < b).sum())
    both = int((a * b).sum())
    table = (both, only_a, only_b, n - both - only_a - only_b)
    low, high = newcombe(table, settings.confidence)
    detectable = power.paired_proportions_mde(n, (only_a + only_b) / n, settings=settings)
    return decide(
        Comparison(
            method="McNemar mid-p, Newcombe interval",
            n=n,
            difference=(only_a - only_b) / n,
            low=low,
            high=high,
            p_value=mcnemar_mid_p(only_a, only_b),
            verdict="undecided",
            effect=effects.cohen_h(float(a.mean()), float(b.mean()), n, effects.phi(a, b), settings),
            minimum_detectable_effect=detectable if math.isfinite(detectable) else None,
            equivalence_p=equivalence_p(lambda level: newcombe(table, level), settings.equivalence_margin),
        ),
        settings,
    )

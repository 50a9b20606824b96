"""The default verdict on two configurations: seeds crossed with test items, both of them random.

Several trained models (seeds) of each configuration are scored on the same items; the question is about a new seed and
a new item. Closed form, O(n S).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics.linearise import macro_f1 as linearised_macro_f1
from hpo.statistics.robust import normal_mad
from hpo.statistics.values import DEFAULT, Comparison, Settings
from hpo.statistics.verdicts import Uncertain, compared, refused

__all__ = ["compare", "effective_items", "linearised_macro_f1"]

METHOD = "crossed random effects, seeds x items"
FEW_SEEDS = 3
REFUSED_ITEMS, FEW_ITEMS = 10, 30  # effective numbers of items
OUTLYING = 5.0  # robust standard deviations from the median of the seeds


@dataclass(frozen=True)
class _Side:
    """One configuration: variance of its seed mean, its item-by-seed residual, and their seeds."""

    seeds: int
    between: float  # s2(A_s) / S
    residual: float  # MSE / (n S)

    @staticmethod
    def of(z: NDArray[np.float64]) -> _Side:
        seeds, n = z.shape
        of_seed = z.mean(axis=1)
        rest = z - of_seed[:, None] - z.mean(axis=0)[None] + z.mean()
        mse = float((rest**2).sum()) / ((n - 1) * (seeds - 1))
        return _Side(seeds, float(of_seed.var(ddof=1)) / seeds, mse / (n * seeds))

    def freedom(self, n: int) -> float:
        """This side's share of the denominator of Satterthwaite's degrees of freedom."""
        return self.between**2 / (self.seeds - 1) + self.residual**2 / ((n - 1) * (self.seeds - 1))


def compare(a: NDArray[Any], b: NDArray[Any], settings: Settings = DEFAULT) -> Comparison:
    """Compare two configurations over their seeds and the same items.

    With d_i the difference of the seeds' means of item i and D its mean: VI = s2(d)/n, and the variance of D is
    VI + sA + sB - MA - MB, at least VI (sA: variance of the seed means over S; MA: residual mean square over n S);
    Satterthwaite's degrees of freedom, those of VI being the effective number of items.

    Args:
        a: values of single items whose mean is the metric, shape (seeds of a, n).
        b: shape (seeds of b, n); the same items, the number of seeds may differ.
        settings: confidence, margin.

    Returns:
        The comparison; refused for a single seed, NaN, or where fewer than REFUSED_ITEMS items carry the difference.
    """
    a, b = np.atleast_2d(np.asarray(a, dtype=np.float64)), np.atleast_2d(np.asarray(b, dtype=np.float64))
    seeds, n = min(len(a), len(b)), a.shape[1]
    problem = _unusable(a, b)
    if problem:
        return replace(refused(problem, n, METHOD), seeds=seeds)
    d = a.mean(axis=0) - b.mean(axis=0)
    items = effective_items(d)
    found = _variance(d, items, _Side.of(a), _Side.of(b))
    if found.standard_error == 0 and found.difference != 0:
        return replace(
            refused("no score varies over items or seeds, so nothing tells luck from merit", n, METHOD), seeds=seeds
        )
    if items < REFUSED_ITEMS and found.standard_error > 0:
        reason = f"only about {items:.0f} items carry the difference; more items on which the two differ would answer"
        return replace(refused(reason, n, METHOD), seeds=seeds)
    made = replace(compared(METHOD, n, found, settings), seeds=seeds, warnings=_warnings(a, b, items))
    if made.verdict != "undecided" or found.standard_error == 0:
        return made
    return replace(made, reason=_more(made, float(d.var(ddof=1)) / n / found.standard_error**2))


def effective_items(d: NDArray[np.float64]) -> float:
    """How many items carry the spread of d, shape (n,).

    It is 2 m2^2 / (m4 - m2^2 / n) within 1 and n - 1, where m_k = sum (d - D)^k.
    """
    n = len(d)
    centred = d - d.mean()
    second, fourth = float((centred**2).sum()), float((centred**4).sum())
    rest = fourth - second**2 / n
    return float(np.clip(2 * second**2 / rest, 1, n - 1)) if rest > 0 else float(n - 1)


def _variance(d: NDArray[np.float64], items: float, a: _Side, b: _Side) -> Uncertain:
    """The difference, the square root of its variance, and its degrees of freedom."""
    n = len(d)
    of_items = float(d.var(ddof=1)) / n
    raw = of_items + a.between + b.between - a.residual - b.residual
    if raw <= of_items:
        return Uncertain(float(d.mean()), math.sqrt(of_items), items)
    df = raw**2 / (of_items**2 / items + a.freedom(n) + b.freedom(n))
    return Uncertain(float(d.mean()), math.sqrt(raw), df)


def _unusable(a: NDArray[np.float64], b: NDArray[np.float64]) -> str:
    if a.shape[1] != b.shape[1]:
        return f"{a.shape[1]} items against {b.shape[1]}: score both configurations on the same items"
    if min(len(a), len(b)) < 2:
        return "one trained model says nothing of its configuration; train each with five seeds or more"
    if a.shape[1] < 2:
        return "fewer than two items; score more of them"
    for side, z in (("first", a), ("second", b)):
        bad = np.nonzero(~np.isfinite(z).all(axis=1))[0]
        if len(bad):
            return f"seeds {', '.join(map(str, bad.tolist()))} of the {side} have scores that are no finite numbers"
    return ""


def _warnings(a: NDArray[np.float64], b: NDArray[np.float64], items: float) -> tuple[str, ...]:
    found = []
    if min(len(a), len(b)) <= FEW_SEEDS:
        found.append(
            f"{min(len(a), len(b))} seeds: with unequal spreads of the seeds the interval covers less than it says"
        )
    if items < FEW_ITEMS:
        found.append(f"only about {items:.0f} items carry the difference")
    for side, z in (("first", a), ("second", b)):
        out = _outlying(z.mean(axis=1))
        if out:
            found.append(f"outlying seeds of the {side}: {', '.join(map(str, out))} (by position from 0)")
    return tuple(found)


def _outlying(of_seed: NDArray[np.float64]) -> list[int]:
    """Seeds far from the median of all, in robust standard deviations; from 4 seeds."""
    if len(of_seed) < 4:
        return []
    away = np.abs(of_seed - np.median(of_seed))
    scale = normal_mad(of_seed)
    return [int(each) for each in np.nonzero(away > OUTLYING * scale)[0]] if scale > 0 else []


def _more(made: Comparison, of_items: float) -> str:
    """Whether more seeds or more items would decide; ``of_items`` is the items' share of the variance."""
    detectable, difference = made.minimum_detectable_effect or 0.0, abs(made.difference)
    if difference < detectable / 100:
        return made.reason
    growth = (detectable / difference) ** 2
    if growth <= 1:
        return "a few more seeds would decide"
    if of_items > 0.5:
        return f"about {math.ceil(made.n * (growth - 1)):,} items more would decide; more seeds alone would not"
    return f"about {math.ceil(made.seeds * (growth - 1)):,} seeds more of each would decide"

"""Two models on the same items: the test and the interval that the shape of the data asks for."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import auc as roc
from hpo.statistics import clusters, effects, proportions, resampling
from hpo.statistics.intervals import LEAST, MOST_UNDEFINED, Reduce, Stats, expanded, is_binary, percentile
from hpo.statistics.values import DEFAULT, Comparison, EffectSize, Settings
from hpo.statistics.verdicts import Uncertain, compared, decide, equivalence_p, refused

LARGE = 50  # items from which the central limit theorem is relied on
INFINITE = 1e9  # degrees of freedom of a normal distribution
CONSTANT = 1e-12  # relative to the largest difference: spread that is rounding error

Values = NDArray[Any]


def means(a: Values, b: Values, groups: Values | None = None, settings: Settings = DEFAULT) -> Comparison:
    """Compare two paired means: McNemar for 0 and 1, t from 50 items, sign flips below; cluster-robust with groups.

    Args:
        a: scores of the first model, shape (n,).
        b: of the second on the same items, shape (n,).
        groups: cluster of each item, shape (n,).
        settings: confidence, resamples, margin, seed.

    Returns:
        The comparison of a minus b; refused where items do not match, scores are missing or clusters are too few.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    problem = _unusable(a, b)
    if problem:
        return refused(problem, max(len(a), len(b)))
    code = clusters.codes(groups)
    if code is not None:
        return _clustered(a, b, code, settings)
    if is_binary(a) and is_binary(b):
        return proportions.compare(a, b, settings)
    return replace(differences(a - b, settings), effect=_effect(effects.d_z(a, b, settings)))


def differences(values: NDArray[np.float64], settings: Settings = DEFAULT) -> Comparison:
    """Is the mean of paired differences, shape (n,), 0? Paired t from LARGE items, sign flips below.

    Differences that are all the same have no standard error; they, too, are judged by sign flips.
    """
    n = len(values)
    if n == 0:
        return refused("no items in common; score both on the same ones", 0)
    spread = float(values.std(ddof=1)) if n > 1 else 0.0
    constant = spread <= CONSTANT * float(np.abs(values).max())
    found = Uncertain(float(values.mean()), 0.0 if constant else spread / math.sqrt(n), max(n - 1, 1))
    if constant and found.difference == 0:
        return compared("the two are identical", n, found, settings)
    if n >= LARGE and not constant:
        return compared("paired t", n, found, settings)
    return _sign_flipped(values, found, settings)


def _sign_flipped(values: NDArray[np.float64], found: Uncertain, settings: Settings) -> Comparison:
    """Sign-flip test with the interval of its own (subset means), or t's where so few values bound none."""
    n = len(values)
    smallest = 2 / 2**n if n <= resampling.EXACT else 2 / (settings.resamples + 1)
    constant = found.standard_error == 0
    few = smallest > settings.alpha or constant
    subsets = values if few else resampling.subset_means(values, settings.resamples, settings.seed)

    def interval(level: float) -> tuple[float, float]:
        return found.interval(level) if few else resampling.subset_interval(subsets, level)

    low, high = interval(settings.confidence)
    warnings = ("every difference is the same: the interval has no width",) if constant else ()
    return decide(
        Comparison(
            method=f"sign-flip permutation, {'t' if few else 'subset-mean'} interval",
            n=n,
            difference=found.difference,
            low=low,
            high=high,
            p_value=resampling.sign_flip(values, settings.resamples, settings.seed),
            verdict="undecided",
            minimum_detectable_effect=None if constant else found.detectable(settings.alpha),
            equivalence_p=None if constant else equivalence_p(interval, settings.equivalence_margin),
            warnings=warnings,
            smallest_p=smallest,
        ),
        settings,
    )


def _clustered(
    a: NDArray[np.float64], b: NDArray[np.float64], code: NDArray[np.int64], settings: Settings
) -> Comparison:
    values = a - b
    error, units = clusters.standard_error(values, code)
    if units < 2:
        return refused("all items are of one cluster; items of two or more, better twenty, would answer", len(a))
    found = Uncertain(float(values.mean()), error, units - 1)
    comparison = replace(compared(f"cluster-robust t, {units} clusters", len(a), found, settings), groups=units)
    if not values.any():
        return comparison
    if units < clusters.FEW or error <= CONSTANT * float(np.abs(values).max()):
        p = resampling.sign_flip(clusters.sums(values, code), settings.resamples, settings.seed)
        comparison = replace(
            comparison,
            method=f"cluster sign-flip, cluster-robust interval, {units} clusters",
            p_value=p,
            smallest_p=2 / 2**units if units <= resampling.EXACT else None,
            warnings=(f"only {units} clusters",) if units < clusters.FEW else (),
            verdict="undecided",
            reason="",
        )
    return decide(comparison, settings)


def linear(a: Values, b: Values, groups: Values | None = None, settings: Settings = DEFAULT) -> Comparison:
    """Compare two metrics by their linearised values, shape (n,): t, cluster-robust with groups; from LARGE items."""
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    problem = _unusable(a, b)
    if problem:
        return refused(problem, max(len(a), len(b)))
    if len(a) < LARGE:
        return refused(f"linearised values need {LARGE} items, here are {len(a)}; bootstrap", len(a))
    code = clusters.codes(groups)
    found = _clustered(a, b, code, settings) if code is not None else differences(a - b, settings)
    return replace(found, method=f"linearised, {found.method}")


def auc(label: Values, a: Values, b: Values, settings: Settings = DEFAULT) -> Comparison:
    """Compare two areas under the ROC curve on the same items (DeLong et al. 1988; Sun & Xu 2014), O(n log n).

    Args:
        label: whether an item is positive, shape (n,).
        a: scores of the first model, shape (n,).
        b: of the second, shape (n,).
        settings: confidence, margin.
    """
    a, b, truth = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64), np.asarray(label).astype(bool)
    problem = _unusable(a, b)
    if problem:
        return refused(problem, len(truth))
    if min(truth.sum(), (~truth).sum()) < 2:
        return refused("an area needs at least two items of each class; score items of both", len(truth), "DeLong")
    areas, spread = roc.covariance(truth, np.stack([a, b]))
    variance = float(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])
    difference = float(areas[0] - areas[1])
    if variance > CONSTANT**2:
        return compared("DeLong", len(truth), Uncertain(difference, math.sqrt(variance), INFINITE), settings)
    warnings = () if difference == 0 else ("the areas differ without any spread to judge by, so p is 1",)
    same = compared("DeLong", len(truth), Uncertain(0.0, 0.0, INFINITE), settings)
    return replace(same, difference=difference, low=difference, high=difference, warnings=warnings)


def bootstrap(
    reduce: Reduce, a: Stats, b: Stats, groups: Values | None = None, settings: Settings = DEFAULT
) -> Comparison:
    """Compare any metric: percentile bootstrap with shared weights, p by swapping the two models' rows at random.

    Args:
        reduce: statistics and weights to a value.
        a: statistics of the first model, arrays of shape (n,).
        b: of the second, of the same items and the same names.
        groups: cluster of each item, shape (n,): drawn and swapped whole.
        settings: confidence, resamples (fewer for many rows, as the method then says), margin, seed.
    """
    n = len(next(iter(a.values()), np.empty(0)))
    if a.keys() != b.keys() or any(len(values) != n for side in (a, b) for values in side.values()):
        return refused("the two are not scored on the same items; score both on the same ones", n)
    code = clusters.codes(groups)
    units = n if code is None else clusters.count(code)
    if units < LEAST:
        what = "items" if code is None else "clusters"
        return refused(f"{units} {what}: a bootstrap needs {LEAST}", n, "paired bootstrap")
    resamples = resampling.affordable(settings.resamples, n)
    rng = np.random.default_rng(settings.seed)
    drawn = [reduce(a, weight) - reduce(b, weight) for weight in resampling.weights(n, code, resamples, rng)]
    null, ones = [], np.ones(n)
    for _ in range(resamples):
        swap = rng.random(units) < 0.5
        rows = swap if code is None else swap[code]
        mixed = {name: np.where(rows, b[name], a[name]) for name in a}
        other = {name: np.where(rows, a[name], b[name]) for name in a}
        null.append(reduce(mixed, ones) - reduce(other, ones))
    difference = reduce(a, ones) - reduce(b, ones)
    found = resampled("paired bootstrap", n, difference, (np.array(drawn), np.array(null)), settings)
    return replace(found, groups=None if code is None else units)


def resampled(
    method: str, n: int, difference: float, draws: tuple[NDArray[np.float64], NDArray[np.float64]], settings: Settings
) -> Comparison:
    """The comparison that bootstrap draws of the difference and swapped ones give.

    Refused where more than MOST_UNDEFINED of either is NaN.
    """
    (defined, lost), (null, lost_null) = (resampling.kept(each) for each in draws)
    if not math.isfinite(difference) or max(lost, lost_null) > MOST_UNDEFINED:
        share = f"in {max(lost, lost_null):.1%} of the resamples" if math.isfinite(difference) else "on these items"
        return refused(f"the metric is undefined {share}: more items, of the rarest class first, would do", n, method)
    low, high = percentile(defined, expanded(settings.confidence, n))
    spread = float(defined.std(ddof=1))
    error = Uncertain(difference, spread, INFINITE)
    return decide(
        Comparison(
            method=f"{method}, {len(draws[0]):,} resamples, p by swapping predictions",
            n=n,
            difference=difference,
            low=low,
            high=high,
            p_value=resampling.permutation_p(abs(difference), np.abs(null)),
            verdict="undecided",
            minimum_detectable_effect=error.detectable(settings.alpha) if spread > 0 else None,
            equivalence_p=equivalence_p(
                lambda level: percentile(defined, expanded(level, n)), settings.equivalence_margin
            ),
        ),
        settings,
    )


def _effect(found: EffectSize) -> EffectSize | None:
    return found if math.isfinite(found.value) else None


def _unusable(a: NDArray[np.float64], b: NDArray[np.float64]) -> str:
    """Why two columns of scores cannot be compared; empty where they can."""
    if len(a) != len(b):
        return f"{len(a)} scores against {len(b)}: score both on the same items"
    if len(a) == 0:
        return "no items in common; score both on the same ones"
    missing = np.nonzero(~(np.isfinite(a) & np.isfinite(b)))[0]
    if len(missing):
        rows = ", ".join(map(str, missing[:3].tolist()))
        what = f"{len(missing)} of {len(a)} items have no finite score (rows {rows})"
        return f"{what}; score them, or leave them out of both"
    return ""

"""Several models on several data sets by their ranks (Demsar 2006): Friedman, Wilcoxon pairs, critical difference."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import multiplicity, resampling
from hpo.statistics.auc import midranks
from hpo.statistics.distributions import chi2_tail, f_tail, studentized_range_quantile
from hpo.statistics.values import DEFAULT, Comparison, Omnibus, Settings, finite
from hpo.statistics.verdicts import decide, refused

LEAST = 6  # data sets below which ranks are only described


@dataclass(frozen=True)
class Ranks:
    """How k models rank over N data sets; rank 1 is the best.

    Attributes:
        mean_ranks: shape (k,).
        omnibus: Friedman's test with the F of Iman & Davenport; for two models Wilcoxon's.
        critical_difference: of two mean ranks, Nemenyi, for the picture; NaN where refused.
        pairs: positions of two models, and their comparison in the scores' own units, Holm-adjusted.
        reason: of a refusal, with what would answer.
    """

    mean_ranks: NDArray[np.float64]
    omnibus: Omnibus
    critical_difference: float
    pairs: Sequence[tuple[int, int, Comparison]] = field(default_factory=tuple)
    reason: str = ""

    def as_dict(self, names: Sequence[str]) -> dict[str, Any]:
        """For ``--json``: missing is None."""
        return {
            "mean_ranks": {name: finite(rank) for name, rank in zip(names, self.mean_ranks.tolist(), strict=True)},
            "friedman_p": finite(self.omnibus.p_value),
            "critical_difference": finite(self.critical_difference),
            "sentence": self.sentence(names),
            "pairs": [{"a": names[a], "b": names[b], **pair.as_dict()} for a, b, pair in self.pairs],
        }

    def sentence(self, names: Sequence[str]) -> str:
        """What the ranks say, in words."""
        first = [names[place] for place in np.flatnonzero(np.isclose(self.mean_ranks, self.mean_ranks.min())).tolist()]
        best = f"{' and '.join(first)} {'has' if len(first) == 1 else 'share'} the best mean rank"
        if self.reason:
            return f"{best}; {self.reason}"
        told = sum(pair.verdict == "better" for _, _, pair in self.pairs)
        test = f"{self.omnibus.method}, p = {self.omnibus.p_value:.3g}"
        return f"{best} ({test}); {told} of {len(self.pairs)} pairs can be told apart"


def several(scores: NDArray[Any], settings: Settings = DEFAULT, direction: str = "maximize") -> Ranks:
    """Rank models over data sets and test whether they differ.

    Args:
        scores: one score a data set and model, shape (N, k), k at least 2.
        settings: confidence, correction.
        direction: ``maximize`` or ``minimize``: which score ranks first.

    Returns:
        Mean ranks always; tests from LEAST data sets without missing scores.
    """
    scores = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    n, k = scores.shape
    complete = np.isfinite(scores).all(axis=1)
    signed = -scores if direction == "maximize" else scores
    ranks = np.array([midranks(row) for row in signed[complete]]).reshape(-1, k)
    mean_ranks = ranks.mean(axis=0) if len(ranks) else np.full(k, np.nan)
    reason = _problem(n, int(complete.sum()))
    if reason:
        none = Omnibus("none", math.nan, math.nan, n, reason)
        pairs = tuple((a, b, refused(reason, n)) for a, b in itertools.combinations(range(k), 2))
        return Ranks(mean_ranks, none, math.nan, pairs, reason)
    places = list(itertools.combinations(range(k), 2))
    made = multiplicity.adjust([wilcoxon(scores[:, a], scores[:, b], settings) for a, b in places], settings)
    pairs = tuple((a, b, pair) for (a, b), pair in zip(places, made, strict=True))
    if k == 2:
        p = made[0].p_value
        return Ranks(mean_ranks, Omnibus(made[0].method, math.nan, math.nan if p is None else p, n), math.nan, pairs)
    return Ranks(mean_ranks, friedman(scores), critical_difference(n, k, settings), pairs)


def friedman(scores: NDArray[Any]) -> Omnibus:
    """Friedman's test of k models over N data sets, shape (N, k), corrected for ties, with Iman & Davenport's F (1980).

    F = (N - 1) chi2 / (N (k - 1) - chi2), df = k - 1 and (k - 1)(N - 1); p is 1 where all models tie everywhere.
    """
    ranks = np.array([midranks(row) for row in np.asarray(scores, dtype=np.float64)])
    n, k = ranks.shape
    method = "Friedman with Iman-Davenport F"
    spread = float(((ranks - (k + 1) / 2) ** 2).sum()) / (n * (k - 1))
    if spread == 0:
        return Omnibus(method, 0.0, 1.0, n)
    chi2 = n * float(((ranks.mean(axis=0) - (k + 1) / 2) ** 2).sum()) / spread
    rest = n * (k - 1) - chi2
    if rest <= 1e-9 * n * k:  # every data set ranks the models alike: F is infinite, so take the chi-squared
        return Omnibus("Friedman", chi2, chi2_tail(chi2, k - 1), n)
    statistic = (n - 1) * chi2 / rest
    return Omnibus(method, statistic, f_tail(statistic, k - 1, (k - 1) * (n - 1)), n)


def critical_difference(n: int, k: int, settings: Settings = DEFAULT) -> float:
    """Least difference of two mean ranks that Nemenyi's test calls significant: q sqrt(k (k + 1) / (6 N))."""
    quantile = studentized_range_quantile(settings.confidence, k) / math.sqrt(2)
    return quantile * math.sqrt(k * (k + 1) / (6 * n))


def wilcoxon(a: NDArray[Any], b: NDArray[Any], settings: Settings = DEFAULT) -> Comparison:
    """Signed-rank test of paired scores, shape (N,); the ranks of zero differences are split over both sides (zsplit).

    The p-value comes from flipping signs of the ranks: exact up to 13 pairs, resampled beyond, with ties or without.
    The difference is the median of the Walsh averages (Hodges & Lehmann 1963), without an interval below six pairs.
    """
    d = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    n = len(d)
    signed = np.sign(d) * midranks(np.abs(d))
    walsh = np.sort(((d[:, None] + d[None]) / 2)[np.triu_indices(n)])
    low, high = _walsh_ends(signed, walsh, settings)
    return decide(
        Comparison(
            method="Wilcoxon signed ranks (zsplit)",
            n=n,
            difference=float(np.median(walsh)),
            low=low,
            high=high,
            p_value=resampling.sign_flip(signed, settings.resamples, settings.seed) if d.any() else 1.0,
            verdict="undecided",
            reason="more data sets would decide",
            smallest_p=2 / 2**n if n <= resampling.EXACT else None,
        ),
        settings,
    )


def _walsh_ends(signed: NDArray[np.float64], walsh: NDArray[np.float64], settings: Settings) -> tuple[float, float]:
    """Ends of the interval that belongs to the test: order statistics of the Walsh averages (Hollander & Wolfe 1999).

    NaN where so few pairs bound none at this confidence.
    """
    ranks = np.arange(1.0, len(signed) + 1)
    flips = np.concatenate(list(resampling.signs(len(signed), settings.resamples, settings.seed)))
    null = np.bincount(((flips > 0) @ ranks).astype(np.int64)).cumsum() / len(flips)  # of W+, without ties
    rank = int(np.searchsorted(null, settings.alpha / 2, side="right")) - 1
    if rank < 0:
        return math.nan, math.nan
    return float(walsh[rank]), float(walsh[-1 - rank])


def _problem(n: int, complete: int) -> str:
    if complete < n:
        return f"{n - complete} of {n} data sets have missing scores; score every model on every data set"
    return f"{n} data sets are too few to test; {LEAST} or more would answer" if n < LEAST else ""

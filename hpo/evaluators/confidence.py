"""Does a classifier know when it is wrong: confidence of right and wrong answers, accuracy against coverage, AURC.

The confidence of a row is the probability of its likeliest class; the row is right where that class is its label.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators import coverage
from hpo.evaluators.probabilities import Probabilities, probability_columns
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
from hpo.objective import Outputs
from hpo.statistics import linearise

COVERAGES = (50, 80, 90)  # per cent of the rows that are answered
BINS = 20


def _mean_where(right: bool, stats: Stats, weights: Weights) -> float:
    """Mean confidence of the right (or of the wrong) rows; NaN where there is none."""
    kept = stats["right"] == right
    return mean(stats["confidence"][kept], weights[kept])


def _linear_where(right: bool, stats: Stats) -> NDArray[np.float64]:
    kept = (stats["right"] == right).astype(np.float64)
    return linearise.ratio(kept * stats["confidence"], kept)


def _levels(stats: Stats, weights: Weights) -> coverage.Levels | None:
    """The rows by confidence; None without any weight."""
    drawn = weights > 0
    if not drawn.any():
        return None
    return coverage.levels(stats["confidence"][drawn], stats["right"][drawn], weights[drawn])


def _aurc(stats: Stats, weights: Weights) -> float:
    """Area under the risk-coverage curve, in [0, 1], less is better (Geifman & El-Yaniv 2017, section 2).

    The integral over coverage, not the sum over rows that is often taken for it, so that it is the same for a row of
    weight 2 as for the row twice; the two differ by less than log(n) / n.
    """
    found = _levels(stats, weights)
    return np.nan if found is None else coverage.area(found)


def _linear_aurc(stats: Stats) -> NDArray[np.float64]:
    right = stats["right"].astype(np.float64)
    return coverage.linear_area(coverage.levels(stats["confidence"], right, np.ones(len(right))), right)


def _accuracy_at(share: float) -> Metric:
    def reduce(stats: Stats, weights: Weights) -> float:
        found = _levels(stats, weights)
        return np.nan if found is None else float(coverage.accuracy_at(found, np.array([share]))[0])

    def linear(stats: Stats) -> NDArray[np.float64]:
        right = stats["right"].astype(np.float64)
        found = coverage.levels(stats["confidence"], right, np.ones(len(right)))
        return coverage.linear_accuracy_at(found, right, share)

    return Metric(f"accuracy_at_coverage_{round(share * 100)}", "maximize", reduce, linear=linear)


def coverage_curve(stats: Stats, weights: Weights, points: int = 100) -> NDArray[np.float64]:
    """Accuracy where a model answers only what it is surest of, shape (points, 2): coverage in (0, 1], accuracy.

    ``stats`` are those of Confidence, without unscored rows; shape (0, 2) without any weight.
    """
    found = _levels(stats, weights)
    if found is None:
        return np.empty((0, 2))
    shares = np.arange(1, points + 1) / points
    return np.stack([shares, coverage.accuracy_at(found, shares)], axis=1)


def confidence_histogram(stats: Stats, weights: Weights, bins: int = BINS) -> dict[str, NDArray[np.float64]]:
    """How sure the model is where it is right and where it is wrong.

    Returns:
        ``edges``, shape (bins + 1,), from 0 to 1; ``right`` and ``wrong``, shape (bins,): weights of the rows whose
        confidence lies in a bin, closed at the left (the last one at both ends).
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    counts = {"edges": edges}
    for name, right in (("right", True), ("wrong", False)):
        kept = stats["right"] == right
        counts[name] = np.histogram(stats["confidence"][kept], edges, weights=weights[kept])[0].astype(np.float64)
    return counts


class Confidence:
    """Statistics ``confidence`` in [0, 1] and ``right`` (0 or 1); a row without all its probabilities is unscored."""

    name = "confidence"
    needs = frozenset({"label", "probabilities"})
    metrics: tuple[Metric, ...] = (
        Metric(
            "confidence_right",
            "maximize",
            lambda stats, weights: _mean_where(True, stats, weights),
            linear=lambda stats: _linear_where(True, stats),
        ),
        Metric(
            "confidence_wrong",
            "minimize",
            lambda stats, weights: _mean_where(False, stats, weights),
            linear=lambda stats: _linear_where(False, stats),
        ),
        Metric(
            "confidence_gap",
            "maximize",
            lambda stats, weights: _mean_where(True, stats, weights) - _mean_where(False, stats, weights),
            linear=lambda stats: _linear_where(True, stats) - _linear_where(False, stats),
        ),
        *(_accuracy_at(share / 100) for share in COVERAGES),
        Metric("aurc", "minimize", _aurc, linear=_linear_aurc),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Confidence and correctness of every row.

        Raises:
            ObjectiveError: there is not one column of probabilities for each class.
            DataError: a row's label is not in the label list.
        """
        scores = Probabilities().score(data, outputs, None)
        probability = probability_columns(scores.stats)
        right = (probability.argmax(axis=1) == scores.stats["label"]).astype(np.float64)
        stats = {"confidence": probability.max(axis=1), "right": np.where(scores.unscored, np.nan, right)}
        return ExampleScores(data.ids, stats, groups=data.groups)

"""Does a classifier know when it is wrong: confidence of right and wrong answers, accuracy against coverage, AURC.

The confidence of a row is the probability of its likeliest class; the row is right where that class is its label.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.probabilities import Probabilities, probability_columns
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
from hpo.objective import Outputs

COVERAGES = (50, 80, 90)  # per cent of the rows that are answered
BINS = 20


def _of(right: bool) -> Callable[[Stats, Weights], float]:
    """Mean confidence of the right (or of the wrong) rows; NaN where there is none."""

    def reduce(stats: Stats, weights: Weights) -> float:
        kept = stats["right"] == right
        return mean(stats["confidence"][kept], weights[kept])

    return reduce


def _gap(stats: Stats, weights: Weights) -> float:
    return _of(True)(stats, weights) - _of(False)(stats, weights)


def _levels(stats: Stats, weights: Weights) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Weight and weight of the right rows at every confidence, the highest first; each of shape (levels,)."""
    drawn = weights > 0
    _, level = np.unique(-stats["confidence"][drawn], return_inverse=True)
    right = weights[drawn] * stats["right"][drawn]
    return _sums(level, weights[drawn]), _sums(level, right)


def _sums(level: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(level, weights=values).astype(np.float64)


def _covered(
    weight: NDArray[np.float64], right: NDArray[np.float64], share: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Accuracy of the ``share`` of the rows that the model is surest of; ties are taken in part, all alike."""
    ends = np.append(0.0, np.cumsum(weight))
    wanted = share * ends[-1]
    return np.asarray(np.interp(wanted, ends, np.append(0.0, np.cumsum(right))) / wanted, dtype=np.float64)


def _accuracy_at(coverage: float) -> Callable[[Stats, Weights], float]:
    def reduce(stats: Stats, weights: Weights) -> float:
        weight, right = _levels(stats, weights)
        return float(_covered(weight, right, np.array([coverage]))[0]) if len(weight) else np.nan

    return reduce


def _aurc(stats: Stats, weights: Weights) -> float:
    """Area under the risk-coverage curve, in [0, 1], less is better (Geifman & El-Yaniv 2017, section 2).

    The risk at coverage c is the share of wrong rows among the surest c of all rows. The area is the integral over c in
    (0, 1], not the usual sum over rows, so that it depends on weights and not on how ties happen to be sorted: over a
    level of equal confidence that begins at coverage a, where E of the rows are wrong so far, and ends at b, with a
    share e of its own rows wrong, the risk is (E + e (c - a)) / c.
    """
    weight, right = _levels(stats, weights)
    if not len(weight):
        return np.nan
    ends = np.cumsum(weight) / weight.sum()
    begins = np.append(0.0, ends[:-1])
    share = 1 - right / weight
    wrong = np.append(0.0, np.cumsum(weight - right)[:-1]) / weight.sum()
    logs = np.log(ends[1:] / begins[1:])
    return float(share @ (ends - begins) + (wrong - share * begins)[1:] @ logs)


def coverage_curve(stats: Stats, weights: Weights, points: int = 100) -> NDArray[np.float64]:
    """Accuracy where a model answers only what it is surest of, shape (points, 2): coverage in (0, 1], accuracy.

    ``stats`` are those of Confidence, without unscored rows; (0, 2) without any weight.
    """
    weight, right = _levels(stats, weights)
    if not len(weight):
        return np.empty((0, 2))
    coverage = np.arange(1, points + 1) / points
    return np.stack([coverage, _covered(weight, right, coverage)], axis=1)


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
        Metric("confidence_right", "maximize", _of(True)),
        Metric("confidence_wrong", "minimize", _of(False)),
        Metric("confidence_gap", "maximize", _gap),
        *(Metric(f"accuracy_at_coverage_{each}", "maximize", _accuracy_at(each / 100)) for each in COVERAGES),
        Metric("aurc", "minimize", _aurc),
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

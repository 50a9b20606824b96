"""ROC curves from the statistics of class probabilities, thin enough to draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.probabilities import probability_columns
from hpo.evaluators.protocol import Stats, Weights

POINTS = 200


@dataclass(frozen=True)
class RocCurve:
    """Of one class against the rest.

    Attributes:
        code: of the class, its position in the label list.
        fpr: share of the other rows that are above a threshold, ascending from 0 to 1, shape (m,).
        tpr: share of the class's rows that are, shape (m,).
        auc: area under the whole curve, before it was thinned.
    """

    code: int
    fpr: NDArray[np.float64]
    tpr: NDArray[np.float64]
    auc: float


def roc_curve(
    positive: NDArray[np.float64], score: NDArray[np.float64], weights: Weights
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates over all thresholds, shape (m,) each, from (0, 0) to (1, 1); one point a score.

    Args:
        positive: 1 where a row is of the class, else 0, shape (n,).
        score: larger for rows that are thought to be of the class, shape (n,).
        weights: of the rows, shape (n,).

    Returns:
        Both rates, NaN where there is no row of the class, or none of the others (Fawcett 2006, algorithm 1).
    """
    drawn = weights > 0
    _, level = np.unique(-score[drawn], return_inverse=True)
    rates = []
    for of_class in (1 - positive[drawn], positive[drawn]):
        found = np.append(0.0, np.cumsum(np.bincount(level, weights=weights[drawn] * of_class)))
        rates.append(found / found[-1] if found[-1] > 0 else np.full(len(found), np.nan))
    return rates[0], rates[1]


def thin(
    fpr: NDArray[np.float64], tpr: NDArray[np.float64], points: int = POINTS
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """At most ``points`` (at least 2) of a curve's own points, both ends among them, at about equal steps along it.

    The curve through those that stay is nowhere further than 2 / (points - 1) from the whole one, in either rate.
    """
    if len(fpr) <= points:
        return fpr, tpr
    steps = np.linspace(0, 2, points)  # the way along the axes is 2 from corner to corner
    kept = np.unique(np.clip(np.searchsorted(fpr + tpr, steps - 1e-12), 0, len(fpr) - 1))
    return fpr[kept], tpr[kept]


def roc_curves(stats: Stats, weights: Weights | None = None, points: int = POINTS) -> list[RocCurve]:
    """A curve for the second of two classes, or for each of more classes against the rest.

    Args:
        stats: those of Probabilities, without unscored rows, shape (n,) each.
        weights: shape (n,); None: every row once.
        points: of a curve, at most.

    Returns:
        Curves in the order of the classes; a class without rows, or without other rows, has none.
    """
    probability = probability_columns(stats)
    n, k = probability.shape
    ones = np.ones(n) if weights is None else weights
    curves = []
    for code in [1] if k == 2 else range(k):
        positive = (stats["label"] == code).astype(np.float64)
        fpr, tpr = roc_curve(positive, probability[:, code], ones)
        if np.isfinite(fpr).all() and np.isfinite(tpr).all():
            area = float(np.diff(fpr) @ (tpr[1:] + tpr[:-1]) / 2)
            curves.append(RocCurve(code, *thin(fpr, tpr, points), area))
    return curves

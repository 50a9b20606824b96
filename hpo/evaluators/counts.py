"""Metrics of confusion matrices, all matrices of a resampling at once.

Every function takes counts (or weights) of shape (..., k, k + 1), true class by predicted class with the predictions
that match no class in the last column, and returns values of shape (...,), NaN where undefined.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrices = NDArray[np.float64]
Counts = Callable[[Matrices], NDArray[np.float64]]


def ratio(numerator: Matrices, denominator: Matrices) -> Matrices:
    """Quotient, 0 where the denominator is 0: a class never predicted has precision 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def margins(matrices: Matrices) -> tuple[Matrices, Matrices, Matrices]:
    """Matches, true and predicted counts of each class, each of shape (..., k)."""
    return np.diagonal(matrices, axis1=-2, axis2=-1), matrices.sum(axis=-1), matrices[..., :-1].sum(axis=-2)


def by_class(matrices: Matrices, measure: str) -> tuple[Matrices, Matrices]:
    """Numerator and denominator of precision, recall or F1 by class, each of shape (..., k)."""
    matches, true, predicted = margins(matrices)
    if measure == "precision":
        return matches + 0.0, predicted
    if measure == "recall":
        return matches + 0.0, true
    return 2 * matches, true + predicted


def macro(measure: str) -> Counts:
    """Mean over the classes present among the labels."""

    def reduce(matrices: Matrices) -> NDArray[np.float64]:
        present = matrices.sum(axis=-1) > 0
        values = np.where(present, ratio(*by_class(matrices, measure)), 0.0)
        return _or_nan(values.sum(axis=-1), present.sum(axis=-1))

    return reduce


def weighted(measure: str) -> Counts:
    """Mean over the classes by their share of the labels."""

    def reduce(matrices: Matrices) -> NDArray[np.float64]:
        true = matrices.sum(axis=-1)
        return _or_nan((ratio(*by_class(matrices, measure)) * true).sum(axis=-1), true.sum(axis=-1))

    return reduce


def micro(measure: str) -> Counts:
    """Of all classes together; an unmatched prediction is a miss, but no false positive of any class."""

    def reduce(matrices: Matrices) -> NDArray[np.float64]:
        numerator, denominator = by_class(matrices, measure)
        found = ratio(numerator.sum(axis=-1), denominator.sum(axis=-1))
        return np.where(matrices.sum(axis=(-2, -1)) > 0, found, np.nan)

    return reduce


def binary(measure: str) -> Counts:
    """Of the second of two classes; NaN where there are more, or where nothing is to be found."""

    def reduce(matrices: Matrices) -> NDArray[np.float64]:
        if matrices.shape[-2] != 2:
            return np.full(matrices.shape[:-2], np.nan)
        found = ratio(*by_class(matrices, measure))[..., 1]
        return np.where(matrices[..., 1, :].sum(axis=-1) > 0, found, np.nan)

    return reduce


def mcc(matrices: Matrices) -> NDArray[np.float64]:
    """Matthews correlation for k classes (Gorodkin 2004, eq. 8); 0 where labels or predictions are all of one class."""
    matches, true, predicted = margins(matrices)
    total = matrices.sum(axis=(-2, -1))
    unmatched = total - predicted.sum(axis=-1)
    covariance = matches.sum(axis=-1) * total - (predicted * true).sum(axis=-1)
    of_predictions = total**2 - (predicted**2).sum(axis=-1) - unmatched**2
    of_labels = total**2 - (true**2).sum(axis=-1)
    scale = np.sqrt(np.maximum(of_predictions, 0.0) * np.maximum(of_labels, 0.0))
    return np.where(total > 0, ratio(covariance, scale), np.nan)


def _or_nan(numerator: Matrices, denominator: Matrices) -> NDArray[np.float64]:
    out = np.full(np.shape(numerator), np.nan)
    np.divide(numerator, denominator, out=out, where=denominator > 0)
    return out

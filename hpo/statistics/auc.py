"""The area under the ROC curve by midranks: placements, linearised values and the DeLong covariance, O(n log n)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Ranks from 1, shape (n,); tied values share the mean of theirs."""
    _, inverse, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2)[inverse], dtype=np.float64)


def placements(label: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """For each positive the share of negatives below it, and for each negative the share of positives above it.

    Ties count half; the mean of either is the area. One sort serves both, so the cost is O(n log n), as with the
    midranks of Sun & Xu (2014). Shapes (positives,), (negatives,).
    """
    _, level = np.unique(score, return_inverse=True)
    positives = np.bincount(level[label], minlength=int(level.max(initial=-1)) + 1)
    negatives = np.bincount(level[~label], minlength=len(positives))
    below = (np.cumsum(negatives) - negatives / 2)[level[label]] / max(negatives.sum(), 1)
    above = 1 - (np.cumsum(positives) - positives / 2)[level[~label]] / max(positives.sum(), 1)
    return below, above


def area(label: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    """How often a positive scores above a negative; NaN where one of the two is absent."""
    return float(placements(label, score)[0].mean()) if label.any() and not label.all() else float("nan")


def linearised(label: NDArray[np.bool_], score: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values, shape (n,), whose mean is the area; NaN where one class is absent."""
    if not label.any() or label.all():
        return np.full(len(label), np.nan)
    below, above = placements(label, score)
    value, n = below.mean(), len(label)
    found = np.empty(n)
    found[label] = value + n / len(below) * (below - value)
    found[~label] = value + n / len(above) * (above - value)
    return found


def covariance(
    label: NDArray[np.bool_], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Areas, shape (m,), and their covariance, shape (m, m), of m scores of the same items, shape (m, n).

    DeLong, DeLong & Clarke-Pearson (1988), eq. 4 to 6. Both classes have at least two items.
    """
    found = [placements(label, score) for score in scores]
    below, above = np.stack([each[0] for each in found]), np.stack([each[1] for each in found])
    spread = np.atleast_2d(np.cov(below)) / below.shape[1] + np.atleast_2d(np.cov(above)) / above.shape[1]
    return below.mean(axis=1), spread

"""Linearised values: a number a row, whose mean is the metric and whose spread is its standard error to first order.

They let everything that holds for a mean (clusters, pairs, seeds crossed with rows) hold for F1, ratios and areas too
(the delta method; Deville 1999, section 2, calls them linearized variables).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

STEP = 1e-3  # of a count, for central differences
BATCH = 2_000_000  # matrix entries evaluated at a time

CountsReduce = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values, shape (n,), of the ratio of two sums: R + (u - R v) / mean v (Cochran 1977, eq. 2.39)."""
    value = numerator.sum() / denominator.sum()
    return np.asarray(value + (numerator - value * denominator) / denominator.mean(), dtype=np.float64)


def confusion(label: NDArray[np.int64], prediction: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Counts by true and predicted class, shape (k, k + 1); the last column holds predictions outside 0 ... k-1."""
    predicted = np.where((prediction < 0) | (prediction >= k), k, prediction)
    flat = np.bincount(label * (k + 1) + predicted, minlength=k * (k + 1))
    return flat.reshape(k, k + 1).astype(np.float64)


def cells(reduce: CountsReduce, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Value of every row by its cell of the confusion matrix, shape (k, k + 1).

    A metric of counts does not change when all counts are doubled, so z = F + n dF/d(cell) has mean F (Euler). The
    derivative is a central difference. Cells without a row are 0.
    """
    n, rows, columns = matrix.sum(), *np.nonzero(matrix)
    values = np.zeros_like(matrix)
    at_once = max(1, BATCH // matrix.size)
    for start in range(0, len(rows), at_once):
        r, c = rows[start : start + at_once], columns[start : start + at_once]
        moved = np.repeat(matrix[None], len(r), axis=0)
        each = np.arange(len(r))
        moved[each, r, c] += STEP
        above = reduce(moved)
        moved[each, r, c] -= 2 * STEP
        values[r, c] = n * (above - reduce(moved)) / (2 * STEP)
    centre = float(reduce(matrix[None])[0])
    values[rows, columns] += centre - float((values * matrix).sum() / n)
    return values


def counts(
    reduce: CountsReduce, label: NDArray[np.int64], prediction: NDArray[np.int64], k: int
) -> NDArray[np.float64]:
    """Values, shape (n,), of a metric of the confusion matrix (see ``cells``)."""
    found = cells(reduce, confusion(label, prediction, k))
    return np.asarray(found[label, np.where((prediction < 0) | (prediction >= k), k, prediction)])


def macro_f1(label: NDArray[np.int64], prediction: NDArray[np.int64], k: int) -> NDArray[np.float64]:
    """Values, shape (n,), of macro-F1 over the classes present among the labels.

    With M_c = #label c + #predicted c, F_c = 2 TP_c / M_c and K classes present, an item of label c predicted c has
    z = F + (n/K) 2 (1 - F_c) / M_c; of label c predicted d, z = F - (n/K) (F_c / M_c + F_d / M_d), the d term dropped
    where d is not present.
    """
    matrix = confusion(label, prediction, k)
    true, matches = matrix.sum(axis=1), np.diagonal(matrix)
    present = true > 0
    size = np.where(present, true + matrix[:, :k].sum(axis=0), 1.0)
    f1 = np.where(present, 2 * matches / size, 0.0)
    scale = len(label) / present.sum()
    share = np.append(np.where(present, f1 / size, 0.0), 0.0)  # the last for a prediction in no class
    predicted = np.where((prediction < 0) | (prediction >= k), k, prediction)
    right = scale * 2 * (1 - f1[label]) / size[label]
    wrong = -scale * (share[label] + share[predicted])
    return np.asarray(f1.sum() / present.sum() + np.where(predicted == label, right, wrong))


def leaping_classes(reduce: CountsReduce, matrix: NDArray[np.float64]) -> NDArray[np.int64]:
    """Classes whose last row makes the metric leap: a macro average loses a term when a class is no longer there.

    Resamples without such a class answer another question; a micro average does not mind.
    """
    present = np.nonzero(matrix.sum(axis=1))[0]
    if len(present) * matrix.size > 50 * BATCH:
        return present  # too many to try out: assume the worst
    without = np.repeat(matrix[None], len(present), axis=0)
    each = np.arange(len(present))
    nearly = without.copy()
    nearly[each, present] *= 1e-6
    without[each, present] = 0
    with np.errstate(invalid="ignore"):
        gap = np.abs(reduce(nearly) - reduce(without))
    return np.asarray(present[~(gap < 1e-4)])

"""Feature selection for the classical baseline: which n-grams tell the classes apart, by their presence in rows."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Select = Literal["none", "chi2", "mutual_info"]
Floats = NDArray[np.float64]


def best_features(matrix: Any, classes: NDArray[np.int64], method: Select, k: int) -> NDArray[np.int64]:
    """Columns of the k features with the highest scores, ascending; all where there are no more than k.

    Args:
        matrix: sparse, shape (n, features); a feature is present where it is not 0.
        classes: class number of each row, shape (n,).
        method: ``chi2`` or ``mutual_info``; ``none`` keeps all.
        k: features to keep, at least 1.

    Raises:
        ValueError: there is no such method, or k is less than 1.
    """
    scores = {"chi2": chi2, "mutual_info": mutual_information}
    if method not in ("none", *scores):
        raise ValueError(f"select is none, chi2 or mutual_info, not {method!r}")
    if k < 1:
        raise ValueError(f"select_k must be at least 1, not {k}")
    if method == "none" or matrix.shape[1] <= k:
        return np.arange(matrix.shape[1])
    score = scores[method](presence(matrix, classes))
    return np.sort(np.argsort(-score, kind="stable")[:k])


def presence(matrix: Any, classes: NDArray[np.int64]) -> Floats:
    """Rows of each class with and without each feature, shape (2, classes, features): [0] without, [1] with."""
    from scipy.sparse import csr_array

    n, k = matrix.shape[0], int(classes.max()) + 1
    member = csr_array((np.ones(n), (classes, np.arange(n))), shape=(k, n))
    present = csr_array(matrix != 0).astype(np.float64)
    having = np.asarray((member @ present).todense(), dtype=np.float64)
    return np.stack([np.bincount(classes, minlength=k)[:, None] - having, having])


def chi2(counts: Floats) -> Floats:
    """Pearson's statistic of the table presence x class, shape (features,) (Manning et al. 2008, eq. 13.18)."""
    expected = _expected(counts)
    terms = np.divide((counts - expected) ** 2, expected, out=np.zeros_like(counts), where=expected > 0)
    return np.asarray(terms.sum(axis=(0, 1)), dtype=np.float64)


def mutual_information(counts: Floats) -> Floats:
    """Mutual information of presence and class in nats, shape (features,) (Manning et al. 2008, eq. 13.16)."""
    n, expected = counts.sum(axis=(0, 1)), _expected(counts)
    ratio = np.divide(counts, expected, out=np.ones_like(counts), where=counts > 0)
    return np.asarray((counts / n * np.log(ratio)).sum(axis=(0, 1)), dtype=np.float64)


def _expected(counts: Floats) -> Floats:
    """Counts if presence and class were independent."""
    both = counts.sum(axis=(0, 1), keepdims=True)
    return np.asarray(counts.sum(axis=0, keepdims=True) * counts.sum(axis=1, keepdims=True) / both, dtype=np.float64)

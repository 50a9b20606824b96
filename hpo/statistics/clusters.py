"""Rows in clusters: their codes, sums by cluster, and the cluster-robust standard error of a mean."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

FEW = 20  # clusters below which the robust standard error is too small to be relied on


def codes(groups: NDArray[Any] | None) -> NDArray[np.int64] | None:
    """Cluster of each row, shape (n,), counted from 0; None where every row is a cluster of its own.

    Rows without a group (None, NaN) are clusters of their own.
    """
    if groups is None:
        return None
    seen: dict[Any, int] = {}
    found = np.empty(len(groups), dtype=np.int64)
    for row, group in enumerate(np.asarray(groups).tolist()):
        key = (row, "alone") if group is None or group != group else group
        found[row] = seen.setdefault(key, len(seen))
    return found if len(seen) < len(found) else None


def count(code: NDArray[np.int64]) -> int:
    """How many clusters there are."""
    return int(code.max(initial=-1)) + 1


def sums(values: NDArray[np.float64], code: NDArray[np.int64]) -> NDArray[np.float64]:
    """Sum of the values of each cluster, shape (C,)."""
    return np.asarray(np.bincount(code, weights=values), dtype=np.float64)


def standard_error(values: NDArray[np.float64], code: NDArray[np.int64] | None) -> tuple[float, int]:
    """Standard error of the mean, and how many clusters it rests on (rows, where ``code`` is None).

    With clusters it is sqrt(C/(C-1) sum_c (sum_{i in c} (x_i - mean))^2) / n (Liang & Zeger 1986, with the usual
    correction for few clusters); a second copy of every row in its cluster changes nothing.
    """
    centred = values - values.mean()
    totals = centred if code is None else sums(centred, code)
    clusters = len(totals)
    if clusters < 2:
        return float("nan"), clusters
    return float(np.sqrt(clusters / (clusters - 1) * (totals @ totals)) / len(values)), clusters

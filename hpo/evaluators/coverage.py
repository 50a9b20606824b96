"""Answering only what a model is surest of: accuracy and risk at a coverage, and their linearised values.

All functions take ``confidence`` and ``right`` (0 or 1), shape (n,), and ``weights`` > 0; rows of equal confidence are
one level and are taken in part, all alike, so nothing depends on how ties are sorted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Levels:
    """Rows by confidence, the highest first: ``level`` of every row, shape (n,); the others have shape (levels,)."""

    level: NDArray[np.int64]
    weight: Floats
    right: Floats  # weight of the right rows

    @property
    def ends(self) -> Floats:
        """Share of all weight down to the end of each level: ascending, the last is 1."""
        reached = np.cumsum(self.weight)
        return np.asarray(reached / reached[-1], dtype=np.float64)


def levels(confidence: Floats, right: Floats, weights: Floats) -> Levels:
    """The rows by their confidence."""
    _, level = np.unique(-confidence, return_inverse=True)
    sums = [np.bincount(level, weights=each).astype(np.float64) for each in (weights, weights * right)]
    return Levels(level.astype(np.int64), *sums)


def accuracy_at(found: Levels, coverage: Floats) -> Floats:
    """Accuracy of the ``coverage`` (a share in (0, 1]) of the rows that the model is surest of, same shape."""
    ends = np.append(0.0, np.cumsum(found.weight))
    wanted = coverage * ends[-1]
    reached = np.interp(wanted, ends, np.append(0.0, np.cumsum(found.right)))
    return np.asarray(reached / wanted, dtype=np.float64)


def linear_accuracy_at(found: Levels, right: Floats, coverage: float) -> Floats:
    """Linearised accuracy at a coverage c for n rows of weight 1, shape (n,): A + ((r_i - p) t_i + (p - A) c) / c.

    t_i is how much of row i is taken, p the chance that a row at the threshold is right: the accuracy of the n^(2/3)
    rows about it. The term in p is there because one row more above the threshold moves the threshold.
    """
    n, value = len(right), accuracy_at(found, np.array([coverage]))[0]
    ends = np.append(0.0, found.ends)
    taken = np.clip((coverage - ends[:-1]) / np.diff(ends), 0, 1)[found.level]
    half = n ** (2 / 3) / 2 / n
    low, high = max(0.0, coverage - half), min(1.0, coverage + half)
    sums = [accuracy_at(found, np.array([at]))[0] * at if at > 0 else 0.0 for at in (low, high)]
    chance = (sums[1] - sums[0]) / (high - low)
    values = value + ((right - chance) * taken + (chance - value) * coverage) / coverage
    return np.asarray(values - values.mean() + value, dtype=np.float64)


def area(found: Levels) -> float:
    """Integral over coverage c in (0, 1] of the risk: the share of wrong rows among the surest c of all."""
    begins, ends, share, excess = _risk(found)
    return float(share @ (ends - begins) + excess[1:] @ np.log(ends[1:] / begins[1:]))


def linear_area(found: Levels, right: Floats) -> Floats:
    """Linearised values of the area for n rows of weight 1, shape (n,).

    With w_i = 1 where row i is wrong and G_i the coverage at which it is taken in, z_i is the risk at G_i plus the
    integral of (w_i - risk(c)) / c over c from G_i to 1: the influence function of the area, averaged over the places
    that the row may have within its level. Its mean is the area.
    """
    begins, ends, share, excess = _risk(found)
    width, logs = ends - begins, np.zeros(len(ends))
    logs[1:] = np.log(ends[1:] / begins[1:])
    inverse = np.zeros(len(ends))
    inverse[1:] = 1 / ends[1:] - 1 / begins[1:]
    later = np.append(np.cumsum((share * logs - excess * inverse)[:0:-1])[::-1], 0.0)  # of risk(c) / c
    risk = share + excess * logs / width
    at = found.level
    gap = (1 - right) - share[at]
    within = (gap * (width - begins * logs)[at] - (excess * (logs + begins * inverse))[at]) / width[at]
    values = risk[at] + within - (1 - right) * np.log(ends)[at] - later[at]
    return np.asarray(values, dtype=np.float64)


def _risk(found: Levels) -> tuple[Floats, Floats, Floats, Floats]:
    """Where levels begin and end, their share of wrong rows e, and D: over a level the risk is e + D / c."""
    ends = found.ends
    begins = np.append(0.0, ends[:-1])
    share = 1 - found.right / found.weight
    wrong = np.append(0.0, np.cumsum(found.weight - found.right)[:-1]) / found.weight.sum()
    return begins, ends, share, wrong - share * begins

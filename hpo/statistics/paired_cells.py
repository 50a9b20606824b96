"""Two models compared on a metric of counts by bootstrap and by swapping, both on distinct rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import linearise, resampling
from hpo.statistics.intervals import LEAST
from hpo.statistics.linearise import CountsReduce
from hpo.statistics.paired import linear, resampled
from hpo.statistics.values import DEFAULT, Comparison, Settings
from hpo.statistics.verdicts import refused

Codes = NDArray[np.int64]


def cells(
    reduce: CountsReduce, label: NDArray[Any], a: NDArray[Any], b: NDArray[Any], settings: Settings = DEFAULT
) -> Comparison:
    """Compare two models on a metric of confusion matrices, on the same items.

    Distinct rows (label, prediction of a, prediction of b) are drawn as a multinomial, which is the paired bootstrap;
    the null swaps the two predictions of each row with probability 1/2, a binomial for every distinct row.

    Args:
        reduce: confusion matrices, shape (..., k, k + 1), to values; NaN where undefined.
        label: class codes from 0, shape (n,).
        a: predicted codes of the first model, shape (n,); negative: in no class.
        b: of the second.
        settings: confidence, resamples, margin, seed.
    """
    truth, first, second = (np.asarray(each, dtype=np.int64) for each in (label, a, b))
    n = len(truth)
    if len(first) != n or len(second) != n:
        return refused("the two are not scored on the same items; score both on the same ones", n)
    if n < LEAST:
        return refused(f"{n} items: a bootstrap needs {LEAST}", n, "paired bootstrap on cells")
    k = int(max(truth.max(), first.max(), second.max())) + 1
    rows = np.stack([truth, np.where(first < 0, k, first), np.where(second < 0, k, second)], axis=1)
    distinct, counts = _distinct(rows, k)
    if len(counts) > resampling.MOST_CELLS:
        of_both = [linearise.counts(reduce, truth, each, k) for each in (first, second)]
        return linear(of_both[0], of_both[1], settings=settings)
    of_a, of_b = (distinct[:, 0] * (k + 1) + distinct[:, side] for side in (1, 2))
    resamples = resampling.affordable(settings.resamples, len(counts), resampling.CELL_WORK)
    drawn = resampling.cell_draws(counts, resamples, settings.seed)
    swapped = _swaps(counts.tobytes(), resamples, settings.seed)
    leaping = linearise.leaping_classes(reduce, linearise.confusion(truth, first, k))
    lost = _lost(drawn, distinct[:, 0], leaping)
    value = _Value(reduce, k)
    difference = float((value(of_a, counts[None]) - value(of_b, counts[None]))[0])
    draws = np.where(lost, np.nan, value(of_a, drawn) - value(of_b, drawn))
    sides = np.concatenate([of_a, of_b])
    null = value(sides, np.hstack([counts - swapped, swapped])) - value(sides, np.hstack([swapped, counts - swapped]))
    return resampled("paired bootstrap on cells", n, difference, (draws, null), settings)


class _Value:
    """The metric of drawn counts of distinct rows, whose places in the flattened confusion matrix are given."""

    def __init__(self, reduce: CountsReduce, k: int) -> None:
        self.reduce, self.k = reduce, k

    def __call__(self, places: Codes, drawn: Codes) -> NDArray[np.float64]:
        """Values, shape (B,), of counts of shape (B, cells)."""
        from scipy.sparse import csr_array

        size = self.k * (self.k + 1)
        cell = np.arange(len(places))
        into = csr_array((np.ones(len(places)), (cell, places)), shape=(len(places), size))
        found = []
        at_once = max(1, linearise.BATCH // size)
        for start in range(0, len(drawn), at_once):
            part = drawn[start : start + at_once].astype(np.float64)
            matrices = np.asarray(part @ into).reshape(len(part), self.k, self.k + 1)
            found.append(self.reduce(matrices))
        return np.concatenate(found)


def _distinct(rows: Codes, k: int) -> tuple[Codes, Codes]:
    """Distinct rows, shape (cells, 3), and how often each occurs."""
    base = k + 1
    keys, counts = np.unique((rows[:, 0] * base + rows[:, 1]) * base + rows[:, 2], return_counts=True)
    return np.stack([keys // base**2, keys // base % base, keys % base], axis=1), counts.astype(np.int64)


def _swaps(counts: bytes, resamples: int, seed: int) -> Codes:
    """How many of each distinct row swap their two predictions, shape (resamples, cells)."""
    times = np.frombuffer(counts, dtype=np.int64)
    return np.random.default_rng(seed + 1).binomial(times, 0.5, size=(resamples, len(times)))


def _lost(drawn: Codes, label: Codes, leaping: Codes) -> NDArray[np.bool_]:
    """Resamples, shape (B,), in which a class that the metric averages over has no row."""
    lost = np.zeros(len(drawn), dtype=bool)
    for each in leaping:
        lost |= drawn[:, label == each].sum(axis=1) == 0
    return lost

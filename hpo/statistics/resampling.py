"""Resampling that everything shares: bootstrap weights, cell counts, sign flips, and p-values that are never 0."""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

CHUNK = 256  # resamples held in memory at a time
EXACT = 13  # signs up to which all 2^n flips are enumerated
WORK = 2e8  # rows times resamples that a generic bootstrap may draw
CELL_WORK = 4e6  # cells times resamples
MOST_CELLS = 2_500  # beyond them the normal limit of the counts takes the place of draws
FEWEST = 2_000  # resamples where the work would be more than that
TOLERANCE = 1e-10  # relative: two sums of the same numbers in another order are equal


def permutation_p(observed: float, null: NDArray[np.float64]) -> float:
    """(1 + #{null >= observed}) / (B + 1), shape of ``null`` (B,) (Phipson & Smyth 2010, eq. 2).

    Values within rounding error of the observed one count as equal, so they count against it.
    """
    scale = max(abs(observed), float(np.abs(null).max(initial=0.0)))
    return float((1 + np.count_nonzero(null >= observed - TOLERANCE * scale)) / (len(null) + 1))


def affordable(resamples: int, size: int, work: float = WORK) -> int:
    """Resamples to draw: what was asked for, or FEWEST where that times ``size`` is beyond ``work``."""
    return resamples if resamples * size <= work else min(resamples, FEWEST)


def weights(
    n: int, code: NDArray[np.int64] | None, resamples: int, rng: np.random.Generator
) -> Iterator[NDArray[np.float64]]:
    """Bootstrap weights of n rows, shape (n,), one array a resample; whole clusters are drawn where there are any."""
    units = n if code is None else int(code.max()) + 1
    for _ in range(resamples):
        drawn = np.bincount(rng.integers(0, units, units), minlength=units).astype(np.float64)
        yield drawn if code is None else drawn[code]


def cell_draws(counts: NDArray[np.int64], resamples: int, seed: int) -> NDArray[np.int64]:
    """Bootstrap of discrete rows: multinomial counts of the distinct ones, shape (resamples, cells), read-only.

    The same counts are asked for once for every metric, so the last few draws are kept.
    """
    return _multinomial(np.asarray(counts, dtype=np.int64).tobytes(), resamples, seed)


@functools.lru_cache(maxsize=4)
def _multinomial(counts: bytes, resamples: int, seed: int) -> NDArray[np.int64]:
    found = np.frombuffer(counts, dtype=np.int64)
    drawn = np.random.default_rng(seed).multinomial(int(found.sum()), found / found.sum(), size=resamples)
    drawn.setflags(write=False)
    return drawn


def signs(n: int, resamples: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Chunks of sign vectors, shape (<= CHUNK, n), of -1 and 1: all of them up to EXACT, else random ones."""
    if n <= EXACT:
        every = np.arange(2**n)
        for start in range(0, 2**n, CHUNK):
            yield _as_signs((every[start : start + CHUNK, None] >> np.arange(n)) & 1)
        return
    rng = np.random.default_rng(seed)
    for start in range(0, resamples, CHUNK):
        yield _as_signs(rng.integers(0, 2, (min(CHUNK, resamples - start), n)))


def _as_signs(bits: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)


def sign_flip(values: NDArray[np.float64], resamples: int, seed: int) -> float:
    """Two-sided p of the hypothesis that the values, shape (n,), are symmetric about 0 (Fisher 1935, section 21).

    Exact up to n = EXACT, where the least it can be is 2/2^n; by random flips beyond.
    """
    values = np.asarray(values, dtype=np.float64)
    null = np.concatenate([np.abs(flips @ values) for flips in signs(len(values), resamples, seed)])
    observed = abs(float(values.sum()))
    if len(values) > EXACT:
        return permutation_p(observed, null)
    scale = float(np.abs(values).sum())
    return float(np.mean(null >= observed - TOLERANCE * scale))


def subset_means(values: NDArray[np.float64], resamples: int, seed: int) -> NDArray[np.float64]:
    """Means of subsets of the values in ascending order: of every subset (or of random ones) but the empty one."""
    found = []
    for flips in signs(len(values), resamples, seed):
        chosen = (flips < 0).astype(np.float64)
        size = chosen.sum(axis=1)
        found.append((chosen @ values)[size > 0] / size[size > 0])
    return np.sort(np.concatenate(found))


def subset_interval(means: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """The interval that belongs to the sign-flip test (Hartigan 1969, theorem 1): what the test would not reject.

    A mean of m is rejected from below where (1 + #{subset means <= m}) / (B + 1) is at most alpha / 2.

    Args:
        means: of ``subset_means``, shape (B,), ascending.
        confidence: of the interval; without bounds where so few subsets give none.
    """
    outside = int((1 - confidence) / 2 * (len(means) + 1) + TOLERANCE)
    if outside < 1:
        return float("-inf"), float("inf")
    return float(means[outside - 1]), float(means[-outside])


def kept(draws: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The defined ones among resampled values, and the share that is not."""
    defined = np.isfinite(draws)
    return draws[defined], float(1 - defined.mean())

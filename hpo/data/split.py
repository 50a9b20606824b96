"""Splits: rows to train, validation and test; copies and groups never straddle, and the seed alone decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.data.near_duplicates import components
from hpo.data.near_leaks import within

TRAIN, VALIDATION, TEST = 0, 1, 2
Ints = NDArray[np.int64]


def clusters(texts: Sequence[str], groups: NDArray[np.object_] | None = None) -> Ints:
    """Cluster of each row, shape (n,): near copies, rows that stand in another, and rows of one group are together.

    Args:
        texts: of the n rows.
        groups: names of groups, shape (n,), or None.
    """
    ties = [found.pairs for found in within(texts)]
    if groups is not None:
        _, first, code = np.unique(groups.astype(str), return_index=True, return_inverse=True)
        ties.append(np.stack([first[code], np.arange(len(groups))], axis=1).astype(np.int64))
    joined = components(len(texts), np.concatenate(ties))
    return np.unique(joined, return_inverse=True)[1].astype(np.int64)


def assign(cluster: Ints, classes: Ints, shares: tuple[float, float], seed: int) -> Ints:
    """Split of each row, shape (n,): whole clusters, class shares kept as well as the clusters allow.

    Large clusters are placed first, each drawn with a probability proportional to what the splits still lack of its
    classes, so that none favours large clusters; single rows then fill each class up to its target. Every class has a
    row in training.

    Args:
        cluster: of each row, shape (n,).
        classes: class number of each row, shape (n,); all 0 for a random split.
        shares: of the rows in validation and in test.
        seed: of the split.
    """
    generator = np.random.default_rng(seed)
    lack = _targets(classes, shares)
    count = lack.shape[1]
    split = np.full(len(cluster), -1, dtype=np.int64)
    left, trained = np.bincount(classes, minlength=count), np.zeros(count, dtype=bool)
    for rows in _together(cluster, generator):
        counts = np.bincount(classes[rows], minlength=count)
        left -= counts
        last = (counts > 0) & (left == 0) & ~trained
        chosen = TRAIN if last.any() else _draw(lack, counts, generator)
        trained |= (counts > 0) & (chosen == TRAIN)
        split[rows] = chosen
        lack[chosen] -= counts
    for one in range(count):
        rows = np.flatnonzero((split < 0) & (classes == one))
        split[rows] = _fill(len(rows), lack[:, one], generator, learnt=True)
    return split


def folds(cluster: Ints, classes: Ints, k: int, seed: int) -> Ints:
    """Fold of each row, shape (n,), 0 to k - 1: whole clusters, every fold with the class shares of all rows.

    Placed as ``assign`` places them: large clusters first, each where its classes lack most, single rows last. With
    fewer clusters than folds some folds stay empty.

    Args:
        cluster: of each row, shape (n,).
        classes: class number of each row, shape (n,); all 0 for random folds.
        k: folds, at least 2.
        seed: of the folds.
    """
    generator = np.random.default_rng(seed)
    lack = _evenly(np.bincount(classes), k)
    fold = np.full(len(cluster), -1, dtype=np.int64)
    for rows in _together(cluster, generator):
        counts = np.bincount(classes[rows], minlength=lack.shape[1])
        chosen = _draw(lack, counts, generator)
        fold[rows] = chosen
        lack[chosen] -= counts
    for one in range(lack.shape[1]):
        rows = np.flatnonzero((fold < 0) & (classes == one))
        fold[rows] = _fill(len(rows), lack[:, one], generator)
    return fold


def assign_by_time(cluster: Ints, times: NDArray[np.float64], shares: tuple[float, float]) -> Ints:
    """Split of each row, shape (n,): latest to test, those before to validation; clusters count as their latest row.

    Args:
        cluster: of each row, shape (n,).
        times: of each row, shape (n,), in any unit.
        shares: of the rows in validation and in test.
    """
    latest = np.full(int(cluster.max()) + 1, -np.inf)
    np.maximum.at(latest, cluster, times)
    order = np.lexsort((np.arange(len(cluster)), cluster, latest[cluster]))
    starts = np.flatnonzero(np.diff(cluster[order], prepend=-1))  # where clusters begin in that order

    def before(end: int, share: float) -> int:
        """Where the last rows before ``end`` begin that make up ``share``, whole clusters."""
        wanted = round(share * len(cluster))
        return int(starts[np.searchsorted(starts, max(end - wanted, 0), side="right") - 1]) if wanted else end

    test = before(len(cluster), shares[1])
    validation = before(test, shares[0])
    split = np.full(len(cluster), TRAIN, dtype=np.int64)
    split[order[validation:test]] = VALIDATION
    split[order[test:]] = TEST
    return split


def _targets(classes: Ints, shares: tuple[float, float]) -> Ints:
    """Rows wanted of each class in each split, shape (3, classes): right in sum, and within one of the share."""
    counts = np.bincount(classes)
    wanted = np.empty((3, len(counts)), dtype=np.int64)
    for split, share in ((VALIDATION, shares[0]), (TEST, shares[1])):
        edges = np.floor(np.cumsum(counts) * share + 0.5).astype(np.int64)
        wanted[split] = np.diff(edges, prepend=0)
    wanted[TRAIN] = counts - wanted[VALIDATION] - wanted[TEST]
    return wanted


def _evenly(counts: Ints, k: int) -> Ints:
    """Rows wanted of each class in each of k folds, shape (k, classes): within one of even, and so are the sums."""
    before = np.cumsum(counts) - counts  # what one class has over goes on where the class before it stopped
    edges = np.arange(counts.max(initial=0))[:, None]
    wanted = np.zeros((k, len(counts)), dtype=np.int64)
    rows, owner = np.nonzero(edges < counts)
    np.add.at(wanted, ((rows + before[owner]) % k, owner), 1)
    return wanted


def _together(cluster: Ints, generator: np.random.Generator) -> list[Ints]:
    """Rows of each cluster of several, the largest first, equal ones in a random order."""
    order = np.argsort(cluster, kind="stable")
    ends = np.cumsum(np.bincount(cluster))
    sizes = np.diff(ends, prepend=0)
    several = generator.permutation(np.flatnonzero(sizes > 1))
    several = several[np.argsort(-sizes[several], kind="stable")]
    return [order[ends[one] - sizes[one] : ends[one]] for one in several]


def _draw(lack: Ints, counts: Ints, generator: np.random.Generator) -> int:
    """A split for a cluster with ``counts`` rows of each class: as likely as what it lacks, among those it fits in."""
    room = np.maximum(lack, 0)
    fits = room.sum(axis=1) >= counts.sum()
    weights = (room * counts / np.maximum(room.sum(axis=0), 1)).sum(axis=1) * fits
    if weights.sum() <= 0:
        return int(np.argmax(lack.sum(axis=1)))
    return int(generator.choice(len(lack), p=weights / weights.sum()))


def _fill(count: int, lack: Ints, generator: np.random.Generator, *, learnt: bool = False) -> Ints:
    """Splits of ``count`` single rows of one class: what each lacks of it, in proportion where that is not as much.

    With ``learnt`` the first part, to train on, gets a row of them at least: a class must be there to be learnt.
    """
    room = np.maximum(lack, 0)
    if learnt:
        room[TRAIN] = max(room[TRAIN], 1)
    ends = np.floor(np.cumsum(room) * count / max(room.sum(), 1) + 0.5).astype(np.int64)
    if learnt:
        ends[TRAIN] = max(ends[TRAIN], min(count, 1))
    return generator.permutation(np.searchsorted(ends, np.arange(count), side="right").astype(np.int64))

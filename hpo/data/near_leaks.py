"""Near copies, and texts that stand inside others, within a set of texts or between two; both exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.data.near_duplicates import NearCopies, blocks, join, near_copies_of
from hpo.data.word_sets import Words, first_alike, gram_sets, word_codes

Ints = NDArray[np.int64]
_TABLE = 25  # bits of the table in which runs of words are looked up
_ODD = np.uint64(0x9E3779B97F4A7C15)
_WORK = 4_000_000  # shared runs looked at in one block: bounds the memory
_SLACK = 1e-9  # that rounding must not lose a pair at the threshold


def between(
    texts: Sequence[str], reference: Sequence[str], threshold: float = 0.8, words: int = 13
) -> tuple[NearCopies, NearCopies]:
    """Near copies between texts and a reference, and texts of one that stand in texts of the other.

    Near copies have a Jaccard similarity of word 3-grams of at least ``threshold``. The similarity of a contained pair
    is the share of the runs of ``words`` words of the shorter text that stand in the longer one too (of texts of one
    length, of the one in ``texts``), at least ``threshold``; texts shorter than a run are left out.

    Args:
        texts: n texts.
        reference: m texts.
        threshold: least similarity, in (0, 1].
        words: length of the runs.

    Returns:
        Pairs (position in ``texts``, position in ``reference``) of either kind.
    """
    codes, n = word_codes([*texts, *reference]), len(texts)
    return _near(codes, n, threshold), _contained(codes, n, threshold, words)


def within(texts: Sequence[str], threshold: float = 0.8, words: int = 13) -> tuple[NearCopies, NearCopies]:
    """Near copies among texts, and those that stand in others (see ``between``): pairs of positions, in either order.

    Texts that are alike but for case, punctuation and spaces are paired with the first of them only, and that one
    alone is looked for in others: many copies of a text do not make a pair of every two.
    """
    codes = word_codes(texts)
    own = first_alike(codes) == np.arange(len(texts))
    contained = _contained(codes.of(own), None, threshold, words)
    pairs = np.flatnonzero(own)[contained.pairs].astype(np.int64)
    return near_copies_of(codes, threshold), NearCopies(pairs, contained.similarity)


def best_partners(n: int, found: NearCopies) -> tuple[Ints, NDArray[np.float64]]:
    """For each of n texts the most similar partner (-1: none; of equals the first) and how similar; shape (n,) each."""
    partner, similarity = np.full(n, -1, dtype=np.int64), np.zeros(n)
    order = np.lexsort((-found.pairs[:, 1], found.similarity))  # the last one written stays
    partner[found.pairs[order, 0]], similarity[found.pairs[order, 0]] = found.pairs[order, 1], found.similarity[order]
    return partner, similarity


def _near(words: Words, n: int, threshold: float) -> NearCopies:
    found = join(gram_sets(words, n), threshold, n)
    return NearCopies(found.pairs - np.array([[0, n]], dtype=np.int64), found.similarity)


def _contained(words: Words, split: int | None, threshold: float, length: int) -> NearCopies:
    """Pairs of which the one stands in the other; with ``split``, where the reference begins, one of each side."""
    rows = len(words.offsets) - 1
    owner = np.repeat(np.arange(rows, dtype=np.int32), np.diff(words.offsets))
    starts = np.flatnonzero(owner[: max(len(owner) - length + 1, 0)] == owner[length - 1 :])
    own = owner[starts]
    sizes = np.bincount(own, minlength=rows)
    column, kept = _numbered(words.codes, starts, None if split is None else own < split, length)
    begin = 0 if split is None else split
    found, shares = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for pairs, of_left, of_right in _overlaps(own[kept], column, rows, split):
        left, right = sizes[pairs[:, 0]], sizes[begin + pairs[:, 1]]
        share = np.where(left <= right, of_left, of_right) / np.minimum(left, right)
        enough = share >= threshold - _SLACK
        if split is None:
            enough &= pairs[:, 0] != pairs[:, 1]
        found.append(pairs[enough])
        shares.append(share[enough])
    return NearCopies(np.concatenate(found), np.concatenate(shares))


def _numbered(
    codes: NDArray[np.int32], starts: Ints, first: NDArray[np.bool_] | None, length: int
) -> tuple[Ints, Ints]:
    """The runs that can be shared as numbers from 0, equal ones for equal runs only, and their positions.

    Those are the runs that both sides have; without sides (``first`` is None) those that occur again. Hashes of 64
    bits tell runs apart; all words are compared then, and other hashes taken should two ever collide.
    """
    import pandas as pd

    for salt in itertools.count(1):
        hashed = _hashed(codes, length, salt)[starts]
        kept = _again(hashed) if first is None else _on_both_sides(hashed, first)
        column, _ = pd.factorize(hashed[kept])
        begins = starts[kept]
        same = np.empty(int(column.max(initial=-1)) + 1, dtype=np.int64)
        same[column] = begins
        if all(np.array_equal(codes[begins + step], codes[same[column] + step]) for step in range(length)):
            break
    return column, kept


def _hashed(codes: NDArray[np.int32], length: int, salt: int) -> NDArray[np.uint64]:
    """A number for each run of ``length`` words, shape (w - length + 1,): equal runs, equal numbers."""
    whole = max(len(codes) - length + 1, 0)
    mixed = (codes.astype(np.uint64) + np.uint64(salt)) * _ODD
    mixed ^= mixed >> np.uint64(29)
    number = np.zeros(whole, dtype=np.uint64)
    for step in range(length):
        number *= np.uint64(0xD1342543DE82EF95)
        number += mixed[step : step + whole]
    return number * _ODD


def _again(numbers: NDArray[np.uint64]) -> Ints:
    """Positions of the runs that there are more than one of."""
    import pandas as pd

    return np.flatnonzero(pd.Series(numbers).duplicated(keep=False).to_numpy())


def _on_both_sides(numbers: NDArray[np.uint64], first: NDArray[np.bool_]) -> Ints:
    """Positions of runs that stand in the first texts and in the others too, and of a few that do not."""
    bucket = (numbers >> np.uint64(64 - _TABLE)).astype(np.int32)
    kept = np.arange(len(bucket))
    for side in (first, ~first):
        there = np.zeros(2**_TABLE, dtype=bool)
        there[bucket[side]] = True
        kept = kept[there[bucket[kept]]]
    return kept


def _overlaps(own: NDArray[np.int32], column: Ints, rows: int, split: int | None) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Pairs (row, row of the reference) that share runs; how many runs of the one, and of the other, those are."""
    from scipy.sparse import csr_array

    shape = (rows, int(column.max(initial=0)) + 1)
    runs = csr_array((np.ones(len(column), np.int32), (own, column)), shape=shape)  # equal ones are added up
    once = csr_array((np.ones(runs.nnz, np.int32), runs.indices, runs.indptr), shape=shape)
    counted, ones = runs[split:].T.tocsr(), once[split:].T.tocsr()  # None: every row is of both sides
    frequency = np.bincount(ones.tocoo().row, minlength=shape[1])
    for start, stop in blocks(once[:split], frequency, _WORK):
        of_left, of_right = (runs[start:stop] @ ones).tocoo(), (once[start:stop] @ counted).tocoo()
        pairs = np.stack([of_left.row.astype(np.int64) + start, of_left.col.astype(np.int64)], axis=1)
        yield pairs, of_left.data.astype(np.int64), of_right.data.astype(np.int64)

"""Near copies between two sets of texts, and texts of one that stand inside texts of the other; both exact."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.data.near_duplicates import NearCopies, blocks, join
from hpo.data.word_sets import Words, gram_sets, word_codes

Ints = NDArray[np.int64]
_TABLE = 25  # bits of the table in which runs of words are looked up
_ODD = np.uint64(0x9E3779B97F4A7C15)
_WORK = 4_000_000  # shared runs looked at in one block: bounds the memory
_SLACK = 1e-9  # that rounding must not lose a pair at the threshold


def between(
    texts: Sequence[str], reference: Sequence[str], threshold: float = 0.8, words: int = 13
) -> tuple[NearCopies, NearCopies]:
    """Near copies and contained texts: see ``near_between`` and ``contained_between``; texts are read once for both."""
    codes, n = word_codes([*texts, *reference]), len(texts)
    return _near(codes, n, threshold), _contained(codes, n, threshold, words)


def near_between(texts: Sequence[str], reference: Sequence[str], threshold: float = 0.8) -> NearCopies:
    """Pairs (position in ``texts``, position in ``reference``) with a Jaccard similarity of word 3-grams >= threshold.

    Args:
        texts: n texts.
        reference: m texts.
        threshold: least similarity, in (0, 1].
    """
    return _near(word_codes([*texts, *reference]), len(texts), threshold)


def contained_between(
    texts: Sequence[str], reference: Sequence[str], threshold: float = 0.8, words: int = 13
) -> NearCopies:
    """Pairs of which the one stands in the other, and how much of it.

    The similarity is the share of the runs of ``words`` words of the shorter text that stand in the longer one too
    (of texts of one length, of the one in ``texts``). Texts shorter than a run are left out.
    """
    return _contained(word_codes([*texts, *reference]), len(texts), threshold, words)


def best_partners(n: int, found: NearCopies) -> tuple[Ints, NDArray[np.float64]]:
    """For each of n texts the most similar partner (-1: none; of equals the first) and how similar; shape (n,) each."""
    partner, similarity = np.full(n, -1, dtype=np.int64), np.zeros(n)
    order = np.lexsort((-found.pairs[:, 1], found.similarity))  # the last one written stays
    partner[found.pairs[order, 0]], similarity[found.pairs[order, 0]] = found.pairs[order, 1], found.similarity[order]
    return partner, similarity


def _near(words: Words, n: int, threshold: float) -> NearCopies:
    found = join(gram_sets(words, n), threshold, n)
    return NearCopies(found.pairs - np.array([[0, n]], dtype=np.int64), found.similarity)


def _contained(words: Words, n: int, threshold: float, length: int) -> NearCopies:
    rows = len(words.offsets) - 1
    owner = np.repeat(np.arange(rows, dtype=np.int32), np.diff(words.offsets))
    starts = np.flatnonzero(owner[: max(len(owner) - length + 1, 0)] == owner[length - 1 :])
    own = owner[starts]
    sizes = np.bincount(own, minlength=rows)
    column, kept = _numbered(words.codes, starts, own < n, length)
    found, shares = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for pairs, of_left, of_right in _overlaps(own[kept], column, rows, n):
        left, right = sizes[pairs[:, 0]], sizes[n + pairs[:, 1]]
        share = np.where(left <= right, of_left, of_right) / np.minimum(left, right)
        enough = share >= threshold - _SLACK
        found.append(pairs[enough])
        shares.append(share[enough])
    return NearCopies(np.concatenate(found), np.concatenate(shares))


def _numbered(codes: NDArray[np.int32], starts: Ints, first: NDArray[np.bool_], length: int) -> tuple[Ints, Ints]:
    """The runs that both sides have as numbers from 0, equal ones for equal runs only, and their positions.

    Hashes of 64 bits tell runs apart; all words are compared then, and other hashes taken should two ever collide.
    """
    import pandas as pd

    for salt in itertools.count(1):
        hashed = _hashed(codes, length, salt)[starts]
        kept = _on_both_sides(hashed, first)
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


def _on_both_sides(numbers: NDArray[np.uint64], first: NDArray[np.bool_]) -> Ints:
    """Positions of runs that stand in the first texts and in the others too, and of a few that do not."""
    bucket = (numbers >> np.uint64(64 - _TABLE)).astype(np.int32)
    kept = np.arange(len(bucket))
    for side in (first, ~first):
        there = np.zeros(2**_TABLE, dtype=bool)
        there[bucket[side]] = True
        kept = kept[there[bucket[kept]]]
    return kept


def _overlaps(own: NDArray[np.int32], column: Ints, rows: int, n: int) -> Iterator[tuple[Ints, Ints, Ints]]:
    """Pairs (row, row of the reference) that share runs; how many runs of the one, and of the other, those are."""
    from scipy.sparse import csr_array

    shape = (rows, int(column.max(initial=0)) + 1)
    runs = csr_array((np.ones(len(column), np.int32), (own, column)), shape=shape)  # equal ones are added up
    once = csr_array((np.ones(runs.nnz, np.int32), runs.indices, runs.indptr), shape=shape)
    counted, ones = runs[n:].T.tocsr(), once[n:].T.tocsr()
    frequency = np.bincount(ones.tocoo().row, minlength=shape[1])
    for start, stop in blocks(once[:n], frequency, _WORK):
        of_left, of_right = (runs[start:stop] @ ones).tocoo(), (once[start:stop] @ counted).tocoo()
        pairs = np.stack([of_left.row.astype(np.int64) + start, of_left.col.astype(np.int64)], axis=1)
        yield pairs, of_left.data.astype(np.int64), of_right.data.astype(np.int64)

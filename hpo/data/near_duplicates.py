"""Near copies: texts whose sets of word 3-grams have a Jaccard similarity of at least .8, all of them and no others.

The join is exact. By prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007) two sets can only be that similar
if they share one of the rarest few of their elements, so only such pairs are looked at. How many of those they share
bounds how many they can share at all, so only few of the pairs are compared in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpo.data.word_sets import Sets, Words, first_alike, gram_sets, word_codes

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_WORK = 4_000_000  # candidate pairs looked at in one block: bounds the memory
_COMPARED = 100_000  # pairs compared in full at a time
_SLACK = 1e-9  # that rounding must not lose a pair at the threshold
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NearCopies:
    """Pairs of positions, shape (m, 2), and their similarities, shape (m,); identical texts count as 1.0."""

    pairs: Ints
    similarity: Floats


def near_copies(texts: Sequence[str], threshold: float = 0.8) -> NearCopies:
    """All near copies among ``texts``.

    Copies that are equal but for case, punctuation and spaces are paired with the first of them only; other texts are
    compared with that one. Texts of fewer than three words are compared as a whole.

    Args:
        texts: n texts.
        threshold: the least Jaccard similarity of two sets of word 3-grams, in (0, 1].
    """
    return near_copies_of(word_codes(texts), threshold)


def near_copies_of(words: Words, threshold: float) -> NearCopies:
    """``near_copies`` of texts that have been read."""
    first = first_alike(words)
    own = first == np.arange(len(first))
    equal, unique = np.flatnonzero(~own), np.flatnonzero(own)
    found = join(gram_sets(words.of(own)), threshold)
    return NearCopies(
        np.concatenate([np.stack([first[equal], equal], axis=1), unique[found.pairs]]).astype(np.int64),
        np.concatenate([np.ones(len(equal)), found.similarity]),
    )


def components(n: int, pairs: Ints) -> Ints:
    """For each of n texts the first that a chain of ``pairs``, shape (m, 2), joins it with, shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, label = connected_components(links, directed=False)
    _, first, back = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(first[back], dtype=np.int64)


def join(sets: Sets, threshold: float, split: int | None = None) -> NearCopies:
    """Pairs of sets with a Jaccard similarity of at least ``threshold``, the earlier first.

    Args:
        sets: n sets.
        threshold: least similarity, in (0, 1].
        split: where the second of two groups of sets begins; pairs then have one set of each. None: all pairs.
    """
    found, similarities = [np.empty((0, 2), np.int64)], [np.empty(0)]
    sizes = sets.sizes
    for left, right in _candidates(sets, threshold, split):
        for start in range(0, len(left), _COMPARED):
            some = slice(start, start + _COMPARED)
            shared = _shared(sets, left[some], right[some])
            jaccard = shared / (sizes[left[some]] + sizes[right[some]] - shared)
            near = jaccard >= threshold - _SLACK
            found.append(np.stack([left[some][near], right[some][near]], axis=1))
            similarities.append(jaccard[near])
    return NearCopies(np.concatenate(found), np.concatenate(similarities))


def _candidates(sets: Sets, threshold: float, split: int | None) -> Iterator[tuple[Ints, Ints]]:
    """Pairs that can be similar enough: positions of the earlier and of the later sets, shape (m,) each."""
    sizes = sets.sizes
    length = np.where(sizes > 0, sizes - np.ceil(threshold * sizes - _SLACK).astype(np.int64) + 1, 0)
    prefix = _prefixes(sets, length)
    last = sets.values[np.maximum(sets.offsets[:-1] + length - 1, 0)] if len(sets.values) else np.zeros(len(sizes))
    rest, signatures = sizes - length, _signatures(sets)
    begin = 0 if split is None else split
    partners = prefix[begin:]
    frequency = np.bincount(partners.indices, minlength=prefix.shape[1])
    transposed = partners.T.tocsr()
    for start, stop in blocks(prefix if split is None else prefix[:split], frequency, _WORK):
        product = (prefix[start:stop] @ transposed).tocoo()
        left, right = product.row.astype(np.int64) + start, product.col.astype(np.int64) + begin
        kept = left < right
        left, right, shared = left[kept], right[kept], product.data[kept]
        # Elements of the prefix that ends first are shared in both prefixes or not at all; all others may be shared.
        most = shared + np.where(last[left] <= last[right], rest[left], rest[right])
        able = most >= threshold / (1 + threshold) * (sizes[left] + sizes[right]) - _SLACK
        left, right = left[able], right[able]
        able = _alike(signatures, sizes, (left, right), threshold)
        yield left[able], right[able]


def _signatures(sets: Sets) -> NDArray[np.uint64]:
    """For each set the union of one bit of 256 an element, shape (n, 4)."""
    n, step = len(sets.sizes), 20_000
    found = np.empty((n, 4), dtype=np.uint64)
    for start in range(0, n, step):
        offsets = sets.offsets[start : start + step + 1]
        bits = (sets.values[offsets[0] : offsets[-1]] >> np.uint64(24) & np.uint64(255)).astype(np.int64)
        table = np.zeros((len(offsets) - 1, 256), dtype=bool)
        table.reshape(-1)[np.repeat(np.arange(len(offsets) - 1) * 256, np.diff(offsets)) + bits] = True
        found[start : start + step] = np.packbits(table, axis=1).view(np.uint64)
    return found


def _alike(
    signatures: NDArray[np.uint64], sizes: Ints, pairs: tuple[Ints, Ints], threshold: float
) -> NDArray[np.bool_]:
    """Which pairs can be similar enough by their signatures, shape (m,).

    Bits that only one of two sets has are elements that only one has (the bitmap filter of Sandes et al. 2020).
    """
    left, right = pairs
    apart = np.bitwise_count(signatures[left] ^ signatures[right]).sum(axis=1, dtype=np.int64)
    both = sizes[left] + sizes[right]
    return np.asarray(both - apart >= 2 * (threshold / (1 + threshold) * both - _SLACK), dtype=bool)


def _prefixes(sets: Sets, length: Ints) -> csr_array:
    """The first ``length`` elements of each set, but for those that no other set has, as ones in a sparse matrix."""
    from scipy.sparse import csr_array

    place = np.repeat(sets.offsets[:-1], length) + _counting(length)
    values = sets.values[place]
    owner = np.repeat(np.arange(len(length)), length)
    shared = values >> np.uint64(56) > 1
    column, distinct = _factorised(values[shared])
    starts = np.concatenate([[0], np.cumsum(np.bincount(owner[shared], minlength=len(length)))])
    shape = (len(length), max(distinct, 1))
    return csr_array((np.ones(len(column), np.int32), column, starts), shape=shape)


def _counting(lengths: Ints) -> Ints:
    """0, 1, ... for each of the lengths, in a row."""
    return np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)


def _factorised(values: NDArray[np.uint64]) -> tuple[NDArray[np.int32], int]:
    """Equal values as equal numbers from 0, and how many there are."""
    import pandas as pd

    numbers, distinct = pd.factorize(values)
    return numbers.astype(np.int32), len(distinct)


def _shared(sets: Sets, left: Ints, right: Ints) -> Ints:
    """How many elements the sets of each pair share, shape (m,)."""
    from scipy.sparse import csr_array

    rows, back = np.unique(np.concatenate([left, right]), return_inverse=True)
    lengths = sets.sizes[rows]
    values = sets.values[np.repeat(sets.offsets[rows], lengths) + _counting(lengths)]
    column, distinct = _factorised(values)
    starts = np.concatenate([[0], np.cumsum(lengths)])
    shape = (len(rows), max(distinct, 1))
    matrix = csr_array((np.ones(len(column), np.int32), column, starts), shape=shape)
    both = matrix[back[: len(left)]].multiply(matrix[back[len(left) :]])
    return np.asarray(both.sum(axis=1), dtype=np.int64).ravel()


def blocks(prefix: csr_array, frequency: Ints, most: int) -> Iterator[tuple[int, int]]:
    """Ranges of rows that meet at most ``most`` entries of the columns that have ``frequency`` of them (or one row)."""
    work = np.concatenate([[0], np.cumsum(frequency[prefix.indices])])[prefix.indptr]
    start = 0
    while start < prefix.shape[0]:
        stop = int(np.searchsorted(work, work[start] + most, side="right")) - 1
        stop = min(max(stop, start + 1), prefix.shape[0])
        yield start, stop
        start = stop

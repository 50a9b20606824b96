"""Near copies: texts whose sets of word 3-grams have a Jaccard similarity of at least .8, all of them and no others.

The join is exact. By prefix filtering (Chaudhuri et al. 2006; Bayardo et al. 2007) two sets can only be that similar
if they share one of the rarest few of their elements, so only such pairs are compared.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

WORDS = 3
_WORK = 5_000_000  # candidate pairs looked at in one block: bounds the memory
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class NearCopies:
    """Pairs of positions, shape (m, 2), and their similarities, shape (m,); identical texts count as 1.0."""

    pairs: Ints
    similarity: NDArray[np.float64]


def near_copies(texts: Sequence[str], threshold: float = 0.8) -> NearCopies:
    """All near copies among ``texts``.

    Copies that are equal but for case, punctuation and spaces are paired with the first of them only; other texts are
    compared with that one. Texts of fewer than three words are compared as a whole.

    Args:
        texts: n texts.
        threshold: the least Jaccard similarity of two sets of word 3-grams, in (0, 1].
    """
    words, first = _words(texts)
    equal = np.flatnonzero(first != np.arange(len(first)))
    unique, sets = np.unique(first), shingles(words)
    pairs, similarity = join(sets[unique], threshold)
    return NearCopies(
        np.concatenate([np.stack([first[equal], equal], axis=1), unique[pairs]]).astype(np.int64),
        np.concatenate([np.ones(len(equal)), similarity]),
    )


def _words(texts: Sequence[str]) -> tuple[tuple[Ints, Ints], Ints]:
    """Word codes of all texts in a row with the offsets of each, and for each text the first that is equal to it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrow: Any = pa.array(list(texts), type=pa.large_string())
    arrow = pc.utf8_lower(pc.utf8_normalize(arrow, form="NFKC"))
    arrow = pc.utf8_trim_whitespace(pc.replace_substring_regex(arrow, pattern=r"[^\pL\pN]+", replacement=" "))
    codes = arrow.dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    _, first = np.unique(codes, return_index=True)  # codes are 0..k-1 in order of appearance
    lists = pc.split_pattern(arrow, pattern=" ")
    words = lists.flatten().dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    offsets = np.asarray(lists.offsets.to_numpy(zero_copy_only=False), dtype=np.int64)
    return (words, offsets), first[codes].astype(np.int64)


def clusters(n: int, pairs: Ints) -> Ints:
    """For each of n texts the first that a chain of ``pairs``, shape (m, 2), joins it with, shape (n,)."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.int8), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    _, label = connected_components(links, directed=False)
    _, first, back = np.unique(label, return_index=True, return_inverse=True)
    return np.asarray(first[back], dtype=np.int64)


def word_codes(texts: Sequence[str]) -> tuple[Ints, Ints]:
    """Words of all texts in a row as numbers (equal words, equal numbers), and where each text begins, shape (n + 1,).

    Words are runs of letters and numbers of the normal form.
    """
    return _words(texts)[0]


def shingles(words: tuple[Ints, Ints], length: int = WORDS) -> csr_array:
    """Which runs of ``length`` words each text has: ones in a sparse matrix, shape (n, distinct); rare columns first."""
    from scipy.sparse import csr_array

    codes, offsets = words
    n = len(offsets) - 1
    owner = np.repeat(np.arange(n, dtype=np.int32), np.diff(offsets))
    starts = np.flatnonzero(owner[: 1 - length] == owner[length - 1 :])
    size = int(codes.max(initial=0)) + 1
    gram, count = codes[starts], size
    for step in range(1, length):
        if count * size > 2**62:
            gram, count = _numbered(gram)
        gram, count = gram * size + codes[starts + step], count * size
    gram, count = _numbered(gram)
    sets = csr_array((np.ones(len(starts), np.int32), (owner[starts], gram)), shape=(n, max(count, 1)))
    sets.sum_duplicates()
    sets.data[:] = 1
    frequency = np.bincount(sets.indices, minlength=sets.shape[1])
    rank = np.empty(len(frequency), dtype=sets.indices.dtype)
    rank[np.argsort(frequency, kind="stable")] = np.arange(len(frequency))
    ranked = csr_array((sets.data, rank[sets.indices], sets.indptr), shape=sets.shape)
    ranked.sort_indices()
    return ranked


def _numbered(keys: Ints) -> tuple[Ints, int]:
    """Equal keys as equal numbers from 0, and how many there are."""
    import pandas as pd

    numbers, distinct = pd.factorize(keys)
    return numbers.astype(np.int64), len(distinct)


def join(sets: csr_array, threshold: float, other: csr_array | None = None) -> tuple[Ints, NDArray[np.float64]]:
    """Pairs of rows with a Jaccard similarity of at least ``threshold``, shape (m, 2), and how similar, shape (m,).

    Args:
        sets: ones in a sparse matrix, shape (n, distinct), rare columns first.
        threshold: least similarity.
        other: rows to pair with those of ``sets``; None: pairs among ``sets``, the earlier row first.
    """
    sizes = np.diff(sets.indptr).astype(np.int64)
    prefix = _prefixes(sets, sizes, threshold)
    partners = sets if other is None else other
    partner_sizes = np.diff(partners.indptr).astype(np.int64)
    partner_prefix = prefix if other is None else _prefixes(partners, partner_sizes, threshold)
    frequency = np.bincount(partner_prefix.indices, minlength=prefix.shape[1])
    transposed = partner_prefix.T.tocsr()
    found, similarities = [np.empty((0, 2), np.int64)], [np.empty(0)]
    for start, stop in _blocks(prefix, frequency):
        candidates = (prefix[start:stop] @ transposed).tocoo()
        left, right = candidates.row.astype(np.int64) + start, candidates.col.astype(np.int64)
        small, large = np.minimum(sizes[left], partner_sizes[right]), np.maximum(sizes[left], partner_sizes[right])
        able = ((left < right) | (other is not None)) & (small >= threshold * large - 1e-9)
        left, right = left[able], right[able]
        for some in np.array_split(np.arange(len(left)), len(left) // 200_000 + 1):
            shared = np.asarray(sets[left[some]].multiply(partners[right[some]]).sum(axis=1)).ravel()
            jaccard = shared / (sizes[left[some]] + partner_sizes[right[some]] - shared)
            near = jaccard >= threshold - 1e-9
            found.append(np.stack([left[some][near], right[some][near]], axis=1))
            similarities.append(jaccard[near])
    return np.concatenate(found), np.concatenate(similarities)


def _prefixes(sets: csr_array, sizes: Ints, threshold: float) -> csr_array:
    """Of each set the rarest elements, so many that two similar sets share one; those of a single set are left out."""
    from scipy.sparse import csr_array

    frequency = np.bincount(sets.indices, minlength=sets.shape[1])
    place = np.arange(sets.nnz) - np.repeat(sets.indptr[:-1], sizes)  # within its own set, rarest first
    length = sizes - np.ceil(threshold * sizes - 1e-9).astype(np.int64) + 1
    kept = place < np.repeat(length, sizes)
    starts = np.concatenate([[0], np.cumsum(kept)])[sets.indptr]
    return csr_array((np.ones(int(kept.sum()), np.int32), sets.indices[kept], starts), shape=sets.shape)


def _blocks(prefix: csr_array, frequency: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose candidates stay within ``_WORK`` (or single rows)."""
    work = np.concatenate([[0], np.cumsum(frequency[prefix.indices])])[prefix.indptr]
    start = 0
    while start < prefix.shape[0]:
        stop = int(np.searchsorted(work, work[start] + _WORK, side="right")) - 1
        stop = min(max(stop, start + 1), prefix.shape[0])
        yield start, stop
        start = stop

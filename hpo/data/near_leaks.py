"""Near copies between two sets of texts, and texts of one that stand inside texts of the other; both exact."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.data.near_duplicates import NearCopies, join, shingles, word_codes

Ints = NDArray[np.int64]


def near_between(texts: Sequence[str], reference: Sequence[str], threshold: float = 0.8) -> NearCopies:
    """Pairs (position in ``texts``, position in ``reference``) with a Jaccard similarity of word 3-grams >= threshold.

    Args:
        texts: n texts.
        reference: m texts.
        threshold: least similarity, in (0, 1].
    """
    n = len(texts)
    sets = shingles(word_codes([*texts, *reference]))
    pairs, similarity = join(sets[:n], threshold, sets[n:])
    return NearCopies(pairs, similarity)


def contained_between(
    texts: Sequence[str], reference: Sequence[str], threshold: float = 0.8, words: int = 13
) -> NearCopies:
    """Pairs of which the one stands in the other, and how much of it.

    The similarity is the overlap coefficient of the sets of runs of ``words`` words: those that both have, of those
    that the one with fewer has. Texts shorter than a run are left out.
    """
    n = len(texts)
    sets = shingles(word_codes([*texts, *reference]), words)
    left, right = sets[:n], sets[n:]
    both = (np.bincount(left.indices, minlength=sets.shape[1]) > 0) & (
        np.bincount(right.indices, minlength=sets.shape[1]) > 0
    )
    sizes = np.diff(sets.indptr)
    shared = (left[:, both] @ right[:, both].T).tocoo()
    share = shared.data / np.minimum(sizes[:n][shared.row], sizes[n:][shared.col])
    kept = share >= threshold - 1e-9
    return NearCopies(np.stack([shared.row[kept], shared.col[kept]], axis=1).astype(np.int64), share[kept])


def best_partners(n: int, found: NearCopies) -> tuple[Ints, NDArray[np.float64]]:
    """For each of n texts the most similar partner (-1: none; of equals the first) and how similar; shape (n,) each."""
    partner, similarity = np.full(n, -1, dtype=np.int64), np.zeros(n)
    order = np.lexsort((-found.pairs[:, 1], found.similarity))  # the last one written stays
    partner[found.pairs[order, 0]], similarity[found.pairs[order, 0]] = found.pairs[order, 1], found.similarity[order]
    return partner, similarity

"""Texts as word numbers and as sets of word 3-grams, vectorised: what joins of near copies are made on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.normal_form import bare

GRAM = 3
_AT_ONCE = 20_000  # texts taken apart at a time: bounds the memory
_BITS = 56  # of a set's element that tell the 3-gram; the eight above them tell how frequent it is
_BUCKETS = 23  # bits of the table in which 3-grams are counted
_ODD = 0x3779B97F4A7C15  # odd, of the golden ratio's digits: spreads numbers evenly (Knuth 1973, section 6.4)

Ints = NDArray[np.int64]
Values = NDArray[np.uint64]


@dataclass(frozen=True)
class Words:
    """Words of n texts in a row as numbers from 0, shape (w,), and where each text begins, shape (n + 1,)."""

    codes: NDArray[np.int32]
    offsets: Ints

    def of(self, rows: NDArray[np.bool_]) -> Words:
        """The texts marked in ``rows``, shape (n,)."""
        lengths = np.diff(self.offsets)
        return Words(self.codes[np.repeat(rows, lengths)], _offsets(lengths[rows]))


@dataclass(frozen=True)
class Sets:
    """Sets of n texts: all elements in a row, those of each set ascending, which is from rare to frequent.

    An element is 64 bits: a rank of its frequency (0 and 1: it is in no other set) above a number of its own.
    """

    values: Values
    offsets: Ints

    @property
    def sizes(self) -> Ints:
        """Elements of each set, shape (n,)."""
        return np.diff(self.offsets)


def word_codes(texts: Sequence[str]) -> Words:
    """Texts as numbers of the words of their normal form: equal words, equal numbers."""
    import pyarrow as pa

    chunks, counts = [], [np.zeros(0, np.int64)]
    for start in range(0, len(texts), _AT_ONCE):
        words, of_each = _split(texts[start : start + _AT_ONCE])
        chunks.append(words)
        counts.append(of_each)
    arrow: Any = pa.chunked_array(chunks, type=pa.large_binary())
    parts = [part.indices.to_numpy(zero_copy_only=False) for part in arrow.dictionary_encode().chunks]
    return Words(np.concatenate([np.zeros(0, np.int32), *parts]), _offsets(np.concatenate(counts)))


def first_alike(words: Words) -> Ints:
    """For each text the first that has the same words in the same order, shape (n,)."""
    import pyarrow as pa

    offsets = pa.py_buffer(np.ascontiguousarray(words.offsets * 4))
    n = len(words.offsets) - 1
    texts: Any = pa.Array.from_buffers(pa.large_binary(), n, [None, offsets, pa.py_buffer(words.codes)])
    codes = texts.dictionary_encode().indices.to_numpy(zero_copy_only=False)
    _, first = np.unique(codes, return_index=True)  # codes are 0..k-1 in order of appearance
    return np.asarray(first[codes], dtype=np.int64)


def gram_sets(words: Words, split: int | None = None) -> Sets:
    """The sets of word 3-grams of n texts.

    Args:
        words: of the texts.
        split: where the second of two sets of texts begins; a 3-gram then counts as frequent only where both have it.
    """
    n = len(words.offsets) - 1
    owner = np.repeat(np.arange(n, dtype=np.int32), np.diff(words.offsets))
    starts = np.flatnonzero(owner[: max(len(owner) - GRAM + 1, 0)] == owner[GRAM - 1 :]).astype(np.int32)
    owner = owner[starts]
    lengths = np.bincount(owner, minlength=n)
    values = _numbered(words.codes, starts)
    del starts
    border = None if split is None else int(lengths[:split].sum())
    _rank(values, border)
    offsets = _offsets(lengths)
    _sort_each(values, offsets)
    again = np.zeros(len(values), dtype=bool)
    again[1:] = (values[1:] == values[:-1]) & (owner[1:] == owner[:-1])
    if not again.any():
        return Sets(values, offsets)
    return Sets(values[~again], _offsets(lengths - np.bincount(owner[again], minlength=n)))


def _offsets(lengths: Ints) -> Ints:
    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)


def _split(texts: Sequence[str]) -> tuple[Any, Ints]:
    """The words of texts as one binary array, and how many each text has."""
    import pyarrow as pa

    raw = bare(texts)
    letters = np.frombuffer(b" ".join([*raw, b""]), dtype=np.uint8)
    inside = np.zeros(len(letters) + 1, dtype=bool)
    np.not_equal(letters, 32, out=inside[1:])
    edges = np.flatnonzero(inside[1:] != inside[:-1])  # begin and end of each word in turn
    begins = edges[::2]
    offsets = pa.py_buffer(_offsets(edges[1::2] - begins))
    content = pa.py_buffer(letters[inside[1:]])
    words = pa.Array.from_buffers(pa.large_binary(), len(begins), [None, offsets, content])
    ends = np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw)) + 1)
    return words, np.diff(np.searchsorted(begins, ends), prepend=0)


def _numbered(codes: NDArray[np.int32], starts: NDArray[np.int32]) -> Values:
    """A number of at most 56 bits for each 3-gram, equal ones for equal 3-grams only.

    Words that occur once make 3-grams that occur once; those have numbers of their own from 2^56.
    """
    counts = np.bincount(codes, minlength=1)
    again = counts > 1
    size = max(int(again.sum()), 1)
    number = np.where(again, np.cumsum(again) - 1, 0).astype(np.int32)[codes]
    values = number[starts].astype(np.int64)
    values *= size
    values += number[starts + 1]
    if size**GRAM > 2**_BITS:
        import pandas as pd

        values = pd.factorize(values)[0].astype(np.int64)
    values *= size
    values += number[starts + 2]
    values *= _ODD  # modulo 2^56 an odd factor keeps different numbers different
    values &= 2**_BITS - 1
    once = ~again[codes]
    alone = np.flatnonzero(once[starts] | once[starts + 1] | once[starts + 2])
    values[alone] = alone + 2**_BITS
    return values.view(np.uint64)


def _rank(values: Values, border: int | None) -> None:
    """Put ranks above the numbers, in place: 0 alone by a word of its own, 1 alone in its bucket, from 2 by frequency.

    Args:
        values: what ``_numbered`` gives.
        border: where the values of the second of two sets of texts begin.
    """
    bits = min(max(len(values).bit_length(), 8), _BUCKETS)
    alone = np.flatnonzero(values >= 2**_BITS)
    bucket = (values >> np.uint64(_BITS - bits)).astype(np.int32)
    bucket &= 2**bits - 1
    sides = [bucket] if border is None else [bucket[:border], bucket[border:]]
    counts = [np.minimum(np.bincount(side, minlength=2**bits), 65_535).astype(np.uint16) for side in sides]
    frequency = counts[0] if border is None else np.where((counts[0] > 0) & (counts[1] > 0), np.maximum(*counts) + 1, 0)
    table = np.ones(65_537, dtype=np.uint64)
    table[2:] = 2 + np.floor(12 * np.log2(np.arange(2, 65_537)))
    rank = table[frequency].astype(np.uint8)[bucket]
    rank[alone] = 0
    values &= np.uint64(2**_BITS - 1)
    values |= rank.astype(np.uint64) << np.uint64(_BITS)


def _sort_each(values: Values, offsets: Ints) -> None:
    """Sort the values of each set in place, all sets of one size at once."""
    sizes = np.diff(offsets)
    order = np.argsort(sizes, kind="stable")
    ends = np.flatnonzero(np.diff(sizes[order], append=-1)) + 1
    start = 0
    for end in ends:
        size = int(sizes[order[start]])
        if size > 1:
            places = offsets[order[start:end], None] + np.arange(size)
            values[places] = np.sort(values[places], axis=1)
        start = end

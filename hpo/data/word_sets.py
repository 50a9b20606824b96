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
_END = "\n"  # no letter of any word
_MARK = b" \n "
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
    import pyarrow.compute as pc

    if not len(texts):
        return Words(np.zeros(0, np.int32), np.zeros(1, np.int64))
    starts = range(0, len(texts), _AT_ONCE)
    arrow: Any = pa.chunked_array([_split(texts[start : start + _AT_ONCE]) for start in starts])
    parts = arrow.dictionary_encode().chunks
    spaced = pc.utf8_rtrim(parts[-1].dictionary.cast(pa.large_string()), characters=" ").dictionary_encode()
    number = spaced.indices.to_numpy(zero_copy_only=False)
    codes = np.concatenate([number[part.indices.to_numpy()] for part in parts])
    ends = np.flatnonzero(codes == spaced.dictionary.index(pa.scalar(_END, pa.large_string())).as_py())
    return Words(np.delete(codes, ends), np.append(0, ends - np.arange(len(ends))).astype(np.int64))


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


def _split(texts: Sequence[str]) -> Any:
    """The words of texts, each with the spaces after it, as one binary array; a mark of its own ends each text."""
    import pyarrow as pa

    raw = b" " + bare(texts).replace(_END.encode(), _MARK) + _MARK
    inside = np.frombuffer(raw, dtype=np.uint8) != 32
    begins = np.flatnonzero(inside[1:] > inside[:-1]) + 1
    offsets = pa.py_buffer(np.append(begins, len(raw)))
    return pa.Array.from_buffers(pa.large_binary(), len(begins), [None, offsets, pa.py_buffer(raw)])


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
    counts = [_counted(side, 2**bits) for side in sides]
    frequency = (
        counts[0]
        if border is None
        else np.where((counts[0] > 0) & (counts[1] > 0), np.maximum(*counts).astype(np.int32) + 1, 0)
    )
    table = np.ones(65_537, dtype=np.uint8)
    table[2:] = 2 + np.floor(12 * np.log2(np.arange(2, 65_537)))
    rank = table[frequency][bucket]
    rank[alone] = 0
    values &= np.uint64(2**_BITS - 1)
    values |= rank.astype(np.uint64) << np.uint64(_BITS)


def _counted(buckets: NDArray[np.int32], many: int) -> NDArray[np.uint16]:
    """How often each of ``many`` buckets occurs, at most 65,535."""
    counts = np.bincount(buckets, minlength=many)
    return np.minimum(counts, 65_535, out=counts).astype(np.uint16)


def _sort_each(values: Values, offsets: Ints) -> None:
    """Sort the values of each set in place, all sets of one size at once."""
    sizes = np.diff(offsets)
    order = np.argsort(sizes, kind="stable")
    ends = np.flatnonzero(np.diff(sizes[order], append=-1)) + 1
    for rows in np.split(order, ends[:-1]):
        size = int(sizes[rows[0]]) if len(rows) else 0
        if size > 1:
            places = offsets[rows, None] + np.arange(size)
            values[places] = np.sort(values[places], axis=1)

"""Training rows so that every class has as many: more of the rare ones, fewer of the frequent ones, or a fraction."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.config.preparation import Resample
from hpo.data.copies import copies, joined
from hpo.data.rows import Rows

Ints = NDArray[np.int64]


def resample(rows: Rows, method: Resample, seed: int) -> Rows:
    """Rows with as many of each class.

    ``oversample``: copies of rows of the smaller classes, each row as often as any other of its class, give or take
    one. ``undersample``: of larger classes as many rows as the smallest has, drawn without replacement.

    Args:
        rows: labelled with class names.
        method: see above.
        seed: decides which rows.
    """
    if method == "none":
        return rows
    codes = classes_of(rows)
    counts = np.bincount(codes)
    draw = np.random.default_rng(seed)
    if method == "undersample":
        kept = [draw.choice(np.flatnonzero(codes == c), counts.min(), replace=False) for c in range(len(counts))]
        return rows.take(np.sort(np.concatenate(kept)))
    wanted = [_again(np.flatnonzero(codes == c), int(counts.max() - counts[c]), draw) for c in range(len(counts))]
    return joined(rows, copies(rows, np.concatenate(wanted)))


def first_part(rows: Rows, fraction: float, seed: int) -> Ints:
    """Positions of a fraction of the rows, in their order: the first part of one order, so smaller ones are nested.

    The order is drawn by the seed and the rows' ids alone, and mixes the classes evenly: every beginning of it has
    their shares, and the first row of each class comes before all others, so that every class is learnt.

    Args:
        rows: n rows.
        fraction: of them, in (0, 1]; at least one row of each class.
        seed: of the order.

    Returns:
        max(classes, round(fraction x n)) positions, ascending.
    """
    codes = classes_of(rows)
    lot = _lots(rows.ids.tolist(), seed)
    order = np.lexsort((lot, codes))
    counts = np.bincount(codes)
    rank = np.empty(len(codes), dtype=np.int64)
    rank[order] = np.arange(len(codes)) - np.repeat(np.cumsum(counts) - counts, counts)
    first = np.lexsort((lot, rank / counts[codes]))
    return np.sort(first[: max(len(counts), round(fraction * len(codes)))]).astype(np.int64)


def classes_of(rows: Rows) -> Ints:
    """Class number of each row, shape (n,); all 0 where rows have no class names."""
    if "label" not in rows.frame or rows.frame["label"].dtype.kind == "f":
        return np.zeros(len(rows), dtype=np.int64)
    return np.unique(rows.frame["label"].astype(str), return_inverse=True)[1].astype(np.int64)


def _again(members: Ints, count: int, draw: np.random.Generator) -> Ints:
    """``count`` of the members: all of them as often as it goes, the rest by lot."""
    whole, rest = divmod(count, len(members))
    return np.sort(np.concatenate([*[members] * whole, draw.choice(members, rest, replace=False)])).astype(np.int64)


def _lots(ids: Sequence[object], seed: int) -> NDArray[np.uint64]:
    """A number for each row that depends on its id and the seed, on no other row."""
    digests = (hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=8).digest() for name in ids)
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)

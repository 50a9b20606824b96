"""The normal form of texts by which copies are recognised: NFKC, small letters, words and single spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray


def normal_form(texts: Sequence[str]) -> list[str]:
    """Texts without case, punctuation, symbols and extra spaces, compatibility characters (NFKC) replaced."""
    return [str(text) for text in _arrow(texts).to_pylist()]


def first_copies(texts: Sequence[str]) -> NDArray[np.int64]:
    """For each text the position of the first that has its normal form, shape (n,)."""
    codes = _arrow(texts).dictionary_encode().indices.to_numpy(zero_copy_only=False).astype(np.int64)
    _, first = np.unique(codes, return_index=True)  # codes are 0..k-1 in order of appearance
    return np.asarray(first[codes], dtype=np.int64)


def _arrow(texts: Sequence[str]) -> Any:
    import pyarrow as pa
    import pyarrow.compute as pc

    arrow: Any = pa.array(list(texts), type=pa.large_string())
    arrow = pc.utf8_lower(pc.utf8_normalize(arrow, form="NFKC"))
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(arrow, pattern=r"[^\pL\pN]+", replacement=" "))

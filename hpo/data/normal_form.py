"""The normal form of texts by which copies are recognised: NFKC, small letters, words and single spaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

_APART = r"[^\pL\pM\pN]+"  # marks are parts of words: without them most words of Hindi or Thai would be cut to pieces
_BETWEEN = "\x1e"  # ASCII's own record separator
_ASCII = bytes(
    10 if code == ord(_BETWEEN) else ord(chr(code).lower()) if chr(code).isalnum() else 32 for code in range(128)
) + bytes(range(128, 256))


def normal_form(texts: Sequence[str]) -> list[str]:
    """Texts without case, punctuation, symbols and extra spaces, compatibility characters (NFKC) replaced."""
    return [b" ".join(text.split()).decode() for text in bare(texts).split(b"\n")] if len(texts) else []


def first_copies(texts: Sequence[str]) -> NDArray[np.int64]:
    """For each text the position of the first that has its normal form, shape (n,)."""
    return first_equal(normal_form(texts))


def first_equal(keys: Sequence[Any]) -> NDArray[np.int64]:
    """For each key the position of the first that is equal to it, shape (n,)."""
    first: dict[Any, int] = {}
    return np.fromiter((first.setdefault(key, row) for row, key in enumerate(keys)), np.int64, len(keys))


def bare(texts: Sequence[str]) -> bytes:
    """Normal forms in UTF-8, a line each, with more spaces than one between words and at the ends; quick for ASCII.

    Half a surrogate pair, which no encoding knows, is read as a space.
    """
    others = [row for row, text in enumerate(texts) if not text.isascii()]
    if others:
        texts = list(texts)
        for row, text in zip(others, _arrow([texts[row] for row in others]), strict=True):
            texts[row] = text
    whole = _BETWEEN.join(texts)
    if whole.count(_BETWEEN) >= max(len(texts), 1):
        whole = _BETWEEN.join([text.replace(_BETWEEN, " ") for text in texts])
    return whole.encode().translate(_ASCII)


def _arrow(texts: Sequence[str]) -> list[str]:
    import pyarrow as pa
    import pyarrow.compute as pc

    arrow: Any = pa.array([text.encode("utf-8", "replace").decode() for text in texts], type=pa.large_string())
    arrow = pc.utf8_lower(pc.utf8_normalize(arrow, form="NFKC"))
    return [str(text) for text in pc.replace_substring_regex(arrow, pattern=_APART, replacement=" ").to_pylist()]

"""Basic statistics of rows: how long they are, how often each class and each word occurs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.labels import class_counts
from hpo.data.rows import Rows

PERCENTILES = (1, 5, 25, 50, 75, 95, 99)
BINS = 40
TOP = 20
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def describe(rows: Rows, texts: Sequence[str], tokens: NDArray[np.int64] | None = None) -> dict[str, Any]:
    """Lengths, classes and the most frequent words of n rows.

    Args:
        rows: n rows.
        texts: their contents.
        tokens: tokens of each under the model's tokenizer, shape (n,).
    """
    words = np.array([len(text.split()) for text in texts], dtype=np.int64)
    characters = np.array([len(text) for text in texts], dtype=np.int64)
    return {
        "words": spread(words),
        "characters": spread(characters),
        "tokens": None if tokens is None else spread(tokens),
        "classes": class_counts(rows) or None,
        "vocabulary": {"top": top_words(texts)},
    }


def spread(values: NDArray[np.int64]) -> dict[str, Any]:
    """Mean, extremes, percentiles and a histogram of lengths, shape (n,), n >= 1.

    The last bin of the histogram is open: it ends at the maximum and holds everything above the 99th percentile, so
    that one long row does not press all others into one bin.
    """
    shown = {f"p{p}": float(np.percentile(values, p)) for p in PERCENTILES}
    end = max(float(np.percentile(values, 99)), float(values.min()) + 1)
    edges = np.unique(np.round(np.linspace(float(values.min()), end, BINS + 1)))
    edges = np.append(edges, float(values.max())) if values.max() > edges[-1] else edges
    counts, _ = np.histogram(values, bins=edges)
    return {
        "mean": float(values.mean()),
        "min": float(values.min()),
        **shown,
        "max": float(values.max()),
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }


def top_words(texts: Sequence[str]) -> list[list[Any]]:
    """The most frequent words in small letters and how often they occur, equal ones by the alphabet."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_WORD.findall(text.lower()))
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    return [[word, count] for word, count in ranked[:TOP]]

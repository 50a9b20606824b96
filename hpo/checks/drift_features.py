"""What rows are compared by when two sets of them are held side by side: one number a row and feature."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.check_special_characters import unusual
from hpo.statistics.resampling import permutation_p

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SCRIPTS = (
    "LATIN",
    "CYRILLIC",
    "GREEK",
    "ARABIC",
    "HEBREW",
    "DEVANAGARI",
    "HIRAGANA",
    "KATAKANA",
    "CJK",
    "HANGUL",
    "THAI",
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def features(texts: Sequence[str]) -> dict[str, Floats]:
    """Features that every text has by itself, shape (n,) each; NaN where a text has no letters to count."""
    special, characters = unusual(texts)
    whole = np.maximum(characters, 1)
    words = np.array([len(text.split()) for text in texts], dtype=np.float64)
    return {
        "words": words,
        "word length": np.array([len(text) - text.count(" ") for text in texts]) / np.maximum(words, 1),
        "unusual characters": special / whole,
        "digits": _share(texts, str.isdigit) / whole,
        "capital letters": _share(texts, str.isupper) / whole,
        "punctuation": _share(texts, _is_punctuation) / whole,
        "letters beyond ASCII": _share(texts, _is_foreign) / whole,
        "line breaks": np.array([text.count("\n") for text in texts]) / whole,
        "letters of other scripts": _other_script(texts),
    }


def unseen_words(reference: Sequence[str], new: Sequence[str], cluster: Ints) -> tuple[Floats, Floats]:
    """Share of each text's words that no reference text of another cluster has, shapes (n,) and (m,).

    A reference row is held against the reference without its own cluster, just as a new row is: else every new row
    would have more unseen words than the rows that the vocabulary was made of.

    Args:
        reference: n texts.
        new: m texts.
        cluster: of each text, the reference first, shape (n + m,).
    """
    words = [sorted(set(_WORD.findall(text.lower()))) for text in (*reference, *new)]
    owners: dict[str, set[int]] = {}
    for row in range(len(reference)):
        for word in words[row]:
            known = owners.setdefault(word, set())
            if len(known) < 2:  # whether one other cluster has it is all that is asked
                known.add(int(cluster[row]))
    found = np.zeros(len(words))
    for row, own in enumerate(words):
        unseen = sum(not (owners.get(word, set()) - {int(cluster[row])}) for word in own)
        found[row] = unseen / len(own) if own else 0.0
    return found[: len(reference)], found[len(reference) :]


def ranks_test(reference: Floats, new: Floats, clusters: tuple[Ints, Ints]) -> tuple[float, float]:
    """Statistic and p of Kolmogorov and Smirnov's test on the means of clusters, which are what was drawn."""
    from scipy.stats import ks_2samp

    a, b = _means(reference, clusters[0]), _means(new, clusters[1])
    if len(a) < 2 or len(b) < 2:
        return np.nan, np.nan
    found = ks_2samp(a, b)
    return float(found.statistic), float(found.pvalue)


def _means(values: Floats, cluster: Ints) -> Floats:
    code = np.unique(cluster, return_inverse=True)[1]
    return np.asarray(np.bincount(code, weights=values) / np.bincount(code), dtype=np.float64)


def classes_test(
    labels: tuple[Sequence[str], Sequence[str]], clusters: tuple[Ints, Ints], resamples: int, seed: int
) -> tuple[float, float]:
    """Chi-squared of two sets' class counts, and its p when whole clusters are dealt to the two sides at random.

    A cluster counts once, by its shares of the classes: a few large ones would drown what all others say. The usual
    distribution of chi-squared does not hold for shares, so the null is drawn.
    """
    names = sorted({*labels[0], *labels[1]})
    if len(names) < 2:
        return np.nan, np.nan
    index = {name: code for code, name in enumerate(names)}
    tables = [
        _table([index[name] for name in side], cluster, len(names))
        for side, cluster in zip(labels, clusters, strict=True)
    ]
    counts, size = np.concatenate(tables), len(tables[0])
    side = np.arange(len(counts)) < size
    observed = _chi_squared(counts[side].sum(axis=0)[None], counts.sum(axis=0))[0]
    rng = np.random.default_rng(seed)
    first = np.stack([counts[rng.permutation(len(counts))[:size]].sum(axis=0) for _ in range(resamples)])
    return float(observed), permutation_p(float(observed), _chi_squared(first, counts.sum(axis=0)))


def _table(codes: Sequence[int], cluster: Ints, k: int) -> Floats:
    """Share of each class in each cluster, shape (clusters, k): a cluster counts once, as in the other tests."""
    own = np.unique(cluster, return_inverse=True)[1]
    flat = np.bincount(own * k + np.asarray(codes, dtype=np.int64), minlength=(int(own.max()) + 1) * k)
    counts = flat.reshape(-1, k)
    return np.asarray(counts / counts.sum(axis=1, keepdims=True), dtype=np.float64)


def _chi_squared(first: Floats, total: Floats) -> Floats:
    """Of counts of one side, shape (B, k), when both sides have ``total``, shape (k,); shape (B,)."""
    share = first.sum(axis=1, keepdims=True) / total.sum()
    expected = share * total
    other = (1 - share) * total
    deviation = (first - expected) ** 2
    return np.asarray((deviation / expected + deviation / other).sum(axis=1), dtype=np.float64)


def _share(texts: Sequence[str], test: Callable[[str], bool]) -> Floats:
    """How many characters of each text pass a test."""
    kept: dict[str, bool] = {}

    def passes(letter: str) -> bool:
        if letter not in kept:
            kept[letter] = test(letter)
        return kept[letter]

    return np.array([sum(map(passes, text)) for text in texts], dtype=np.float64)


def _is_punctuation(letter: str) -> bool:
    return unicodedata.category(letter)[0] == "P"


def _is_foreign(letter: str) -> bool:
    return not letter.isascii() and letter.isalpha()


@lru_cache(maxsize=100_000)
def _script(letter: str) -> str:
    name = unicodedata.name(letter, "")
    return next((script for script in SCRIPTS if name.startswith(script)), "OTHER")


def _other_script(texts: Sequence[str]) -> Floats:
    """Share of each text's letters that are of another script than Latin; 0 without letters."""
    found = np.zeros(len(texts))
    for row, text in enumerate(texts):
        if text.isascii():
            continue
        letters = [letter for letter in text if letter.isalpha()]
        found[row] = sum(_script(letter) != "LATIN" for letter in letters) / max(len(letters), 1)
    return found

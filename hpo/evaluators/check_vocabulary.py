"""The vocabulary of rows: its size, its variety whatever the number of rows, its Zipf exponent, words seen once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import Direction
from hpo.data.rows import Rows
from hpo.data.word_sets import word_codes
from hpo.evaluators.content import content
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.objective import Outputs

SAMPLE = 42  # words of a sample, as McCarthy and Jarvis have it

Floats = NDArray[np.float64]


def hdd(counts: Floats, sample: int = SAMPLE) -> float:
    """HD-D: the share of different words expected in a random sample (McCarthy and Jarvis 2010, section 2.5).

    A word that occurs c times among N is missing from a sample of s words with the hypergeometric probability
    C(N - c, s) / C(N, s). The expectation does not depend on N but for the words that a small corpus lacks.

    Args:
        counts: occurrences of each word, shape (v,), more than 0; weighted ones need not be whole.
        sample: s, words of a sample; NaN where there are fewer words.
    """
    from scipy.special import gammaln

    total = float(counts.sum())
    if total < sample:
        return np.nan
    left = total - counts
    able = left >= sample
    rest = left[able]
    missing = gammaln(rest + 1) - gammaln(rest - sample + 1) - gammaln(total + 1) + gammaln(total - sample + 1)
    return float(len(counts) - np.exp(missing).sum()) / sample


def zipf_exponent(counts: Floats) -> float:
    """The exponent s by which frequency falls with rank, p(r) ~ r^-s, r = 1..v: the maximum of its likelihood.

    Regression on logarithms, which is more often seen, is biased by the many words that occur once (Piantadosi 2014).
    NaN with fewer than two words.
    """
    from scipy.optimize import minimize_scalar

    if len(counts) < 2:
        return np.nan
    ranks = np.log(np.arange(1, len(counts) + 1))
    mean = float(np.dot(np.sort(counts)[::-1], ranks) / counts.sum())

    def surprise(exponent: float) -> float:
        return exponent * mean + float(np.log(np.exp(-exponent * ranks).sum()))

    return float(minimize_scalar(surprise, bounds=(0.0, 10.0), method="bounded").x)


def _size(counts: Floats) -> float:
    return float(len(counts))


def _once(counts: Floats) -> float:
    return float((counts == 1).sum() / counts.sum()) if len(counts) else np.nan


def _metric(name: str, direction: Direction, value: Callable[[Floats], float]) -> Metric:
    def reduce(stats: Stats, weights: Weights) -> float:
        codes = np.frombuffer(b"".join(stats["codes"]), dtype=np.int32)
        counts = np.bincount(codes, np.repeat(weights, stats["words"].astype(np.int64))).astype(np.float64)
        return value(counts[counts > 0])

    return Metric(name, direction, reduce)


_METRICS: tuple[Metric, ...] = (
    _metric("vocabulary_size", "maximize", _size),
    _metric("vocabulary_richness", "maximize", hdd),
    _metric("zipf_exponent", "minimize", zipf_exponent),
    _metric("rare_word_ratio", "minimize", _once),
)


@dataclass(frozen=True)
class Vocabulary:
    """Words (letters and numbers, in small letters) of each row.

    Statistics: ``words``, ``types`` (different words), ``codes`` (words as 32-bit numbers, in bytes). Metrics:
    ``vocabulary_size``; ``vocabulary_richness`` (HD-D, see ``hdd``); ``zipf_exponent``; ``rare_word_ratio``, the share
    of running words that occur once in all rows, which is Good and Turing's estimate of the share of words that new
    text will bring (Good 1953, eq 9).
    """

    name = "vocabulary"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Words of n rows."""
        found = word_codes(content(data))
        codes, offsets = found.codes, found.offsets
        n, words = len(data), np.diff(offsets)
        own = np.sort(np.repeat(np.arange(n, dtype=np.int64) << 32, words) + codes)
        new = np.append(True, own[1:] != own[:-1])[: len(own)]
        types = np.bincount(own[new] >> 32, minlength=n)
        raw = codes.tobytes()
        pieces = np.empty(n, dtype=object)
        pieces[:] = [raw[4 * start : 4 * stop] for start, stop in pairwise(offsets.tolist())]
        return ExampleScores(data.ids, {"words": words, "types": types, "codes": pieces}, groups=data.groups)

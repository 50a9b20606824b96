"""Rows unlike all others: in length, in the length of their words, in unusual characters, in how much they repeat."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.check_special_characters import unusual
from hpo.evaluators.content import content
from hpo.evaluators.findings import nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs
from hpo.statistics.robust import modified_z

Floats = NDArray[np.float64]

LEAST_SPREAD = {"length": 0.25, "word length": 0.08, "unusual characters": 0.03, "repetition": 0.06}
_READ = 20_000  # characters of a row that are compressed: a longer one repeats itself by then if ever


_METRICS: tuple[Metric, ...] = (share_of("outlier_ratio", "outlier"),)


@dataclass(frozen=True)
class Outliers:
    """Rows far from the median row in one of four ways.

    Ways: logarithm of the number of words; logarithm of the mean word length; share of unusual characters
    (see ``SpecialCharacters``); how small the row is after compression by zlib, against rows of its size. A row's score
    is the largest modified z-score in size (Iglewicz and Hoaglin 1993, section 3.3: distance from the median in median
    deviations); a spread below a least one counts as that, so that rows that are all alike have no outliers.
    Evidence: ``score`` and ``reason``. Empty rows are no outliers (``Length`` finds them).

    Attributes:
        cut: score from which on a row is an outlier.
    """

    cut: float = 8.0

    name = "outliers"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Scores of n rows."""
        texts = content(data)
        ways = measures(texts)
        names = list(ways)
        scores = np.stack([scored(values, LEAST_SPREAD[way]) for way, values in ways.items()])
        size = np.abs(scores)
        found = np.asarray((size > self.cut).any(axis=0), dtype=bool)
        score, reason = nothing(len(texts)), nothing(len(texts))
        for row in np.flatnonzero(found):
            far = [place for place in np.argsort(-size[:, row]) if size[place, row] > self.cut]
            sides = ["above" if scores[place, row] > 0 else "below" for place in far]
            told = ", ".join(f"{names[place]} {side}" for place, side in zip(far, sides, strict=True))
            score[row], reason[row] = round(float(size[:, row].max()), 2), f"{told} that of other rows"
        stats = {"outlier": found.astype(np.float64), "score": size.max(axis=0)}
        return ExampleScores(data.ids, stats, {"outlier": found}, {"score": score, "reason": reason}, data.groups)


def measures(texts: Sequence[str]) -> dict[str, Floats]:
    """What rows are compared by, shape (n,) each; NaN for rows without words."""
    words = np.array([len(text.split()) for text in texts], dtype=np.float64)
    special, characters = unusual(texts)
    empty = words == 0
    words[empty] = np.nan
    return {
        "length": np.log(words),
        "word length": np.log(np.maximum(characters - words + 1, 1) / words),
        "unusual characters": np.where(empty, np.nan, special / np.maximum(characters, 1)),
        "repetition": np.where(empty, np.nan, _repetition(texts)),
    }


def scored(values: Floats, least: float) -> Floats:
    """Modified z-scores, shape (n,), with at least ``least`` as spread; 0 where a value is missing."""
    there = ~np.isnan(values)
    scores = np.zeros(len(values))
    if there.any():
        scores[there] = modified_z(values[there], least)
    return scores


def _repetition(texts: Sequence[str]) -> Floats:
    """How much smaller rows become by compression than rows of their size do, shape (n,).

    The expected logarithm of the compressed size is a straight line in the logarithm of the size, fitted by least
    squares through the medians of size classes.
    """
    raw = [text[:_READ].encode("utf-8", "replace") for text in texts]
    size = np.log([len(each) + 1 for each in raw])
    packed = np.log([len(zlib.compress(each, 1)) for each in raw])
    classes = np.round(size * 4).astype(np.int64)
    kinds = np.unique(classes)
    middles = np.array([[np.median(size[classes == k]), np.median(packed[classes == k])] for k in kinds])
    weights = np.sqrt([float((classes == k).sum()) for k in kinds])
    if len(kinds) < 2:
        return np.asarray(np.median(packed) - packed, dtype=np.float64)
    line = np.polyfit(middles[:, 0], middles[:, 1], 1, w=weights)
    return np.asarray(np.polyval(line, size) - packed, dtype=np.float64)

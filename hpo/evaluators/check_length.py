"""How long rows are, and which are empty, very short or very long."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpo.data.rows import Rows
from hpo.evaluators.content import content
from hpo.evaluators.findings import nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs

FEW = 3  # words of a row that says something
USUAL = 10  # words of the median row from which on less than FEW is strange
FAR = 30.0  # times the median row


def _mean(name: str, stat: str) -> Metric:
    return Metric(name, "maximize", mean_of(stat), column_of(stat))


_METRICS: tuple[Metric, ...] = (
    _mean("mean_words", "words"),
    _mean("mean_characters", "characters"),
    share_of("empty_ratio", "empty"),
    share_of("short_ratio", "short"),
    share_of("long_ratio", "long"),
)


@dataclass(frozen=True)
class Length:
    """Words (between spaces) and characters of each row.

    Flags: ``empty`` (no words), ``short`` (fewer words than ``min_words``), ``long`` (more than ``max_words``).

    Attributes:
        min_words: None: 3 where the median row has at least 10 words, else none is short.
        max_words: None: 30 times the median row, and at least 1,000.
    """

    min_words: float | None = None
    max_words: float | None = None

    name = "length"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Lengths of n rows."""
        texts = content(data)
        words = np.fromiter((len(text.split()) for text in texts), np.int64, len(texts))
        characters = np.fromiter(map(len, texts), np.int64, len(texts))
        median = float(np.median(words[words > 0])) if (words > 0).any() else 0.0
        least = self.min_words if self.min_words is not None else FEW if median >= USUAL else 0
        most = self.max_words if self.max_words is not None else max(FAR * median, 1000.0)
        empty = words == 0
        flags = {"empty": empty, "short": (words < least) & ~empty, "long": words > most}
        reason = nothing(len(texts))
        for row in np.flatnonzero(np.logical_or.reduce(list(flags.values()))):
            reason[row] = "no words" if empty[row] else f"{words[row]} words; the median row has {median:g}"
        stats = {"words": words, "characters": characters, **{k: v.astype(np.float64) for k, v in flags.items()}}
        return ExampleScores(data.ids, stats, flags, {"reason": reason}, data.groups)

"""ROUGE-1, ROUGE-2 and ROUGE-L of generated text: word overlap with the reference, as F-measure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from hpo.data.rows import Rows
from hpo.evaluators.bleu import ngrams
from hpo.evaluators.generated import pair_statistics
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs

NAMES = ("rouge_1", "rouge_2", "rouge_l")
_NO_WORD = re.compile(r"[^a-z0-9]+")


def rouge_words(text: str) -> list[str]:
    """Runs of the letters a-z and of digits, in lower case, not stemmed (as ROUGE-1.5.5 without -m).

    Other alphabets have no words here: take chrF for them.
    """
    return _NO_WORD.sub(" ", text.lower()).split()


def rouge(answer: str, reference: str) -> list[float]:
    """ROUGE-1, ROUGE-2 and ROUGE-L, in [0, 1] each (Lin 2004, sections 2 and 3.1); 0 without any n-gram."""
    said, expected = rouge_words(answer), rouge_words(reference)
    found = []
    for order in (1, 2):
        ours, theirs = ngrams(said, order), ngrams(expected, order)
        found.append(_f_measure((ours & theirs).total(), ours.total(), theirs.total()))
    return [*found, _f_measure(longest_common(said, expected), len(said), len(expected))]


def longest_common(a: Sequence[str], b: Sequence[str]) -> int:
    """Length of the longest common subsequence, by one whole number of len(a) bits (Hyyro 2004, figure 3).

    A bit is 0 where the usual table grows by one from the row before; a step for each word of ``b``.
    """
    places: dict[str, int] = {}
    for position, word in enumerate(a):
        places[word] = places.get(word, 0) | 1 << position
    full = (1 << len(a)) - 1
    flat = full
    for word in b:
        matched = flat & places.get(word, 0)
        flat = ((flat + matched) | (flat - matched)) & full
    return len(a) - flat.bit_count()


def _f_measure(shared: int, said: int, expected: int) -> float:
    if shared == 0:
        return 0.0
    precision, recall = shared / said, shared / expected
    return 2 * precision * recall / (precision + recall)


class Rouge:
    """Statistics ``rouge_1``, ``rouge_2`` and ``rouge_l``, F-measures in [0, 1]; the metrics are their means."""

    name = "rouge"
    needs = frozenset({"reference", "prediction"})
    metrics: tuple[Metric, ...] = tuple(Metric(name, "maximize", mean_of(name), rows=column_of(name)) for name in NAMES)

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """The three of every row; no answer is an empty one, a row without reference is unscored."""
        return ExampleScores(data.ids, pair_statistics(data, outputs, NAMES, rouge), groups=data.groups)

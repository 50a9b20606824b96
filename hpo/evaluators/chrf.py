"""Corpus chrF and chrF++ of generated text, equal to sacrebleu's for any weights of the rows."""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Sequence

from hpo.data.rows import Rows
from hpo.evaluators.generated import pair_statistics
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.sums import metric_of_sums
from hpo.objective import Outputs

CHARACTERS = tuple(f"character_{n}" for n in range(1, 7))
WORDS = tuple(f"word_{n}" for n in range(1, 3))
PARTS = ("answer", "reference", "matches")
BETA = 2  # recall counts BETA times as much as precision
_MARKS = frozenset(string.punctuation)


def chrf(counts: Sequence[tuple[float, float, float]], beta: float = BETA) -> float:
    """Score of the sums over a corpus, in [0, 100] (Popovic 2015, eq. 1; beta = 2 as Popovic 2016 advises).

    Args:
        counts: for every order of n-grams, those of the answers, those of the references, and those they share.
        beta: weight of recall.

    Precision and recall are means over the orders that both sides have n-grams of, as sacrebleu does by default.
    """
    both = [(matched / said, matched / expected) for said, expected, matched in counts if said > 0 and expected > 0]
    if not both:
        return 0.0
    precision = sum(each for each, _ in both) / len(both)
    recall = sum(each for _, each in both) / len(both)
    if precision + recall == 0:
        return 0.0
    return 100.0 * ((1 + beta**2) * precision * recall / (beta**2 * precision + recall))


def words(text: str) -> list[str]:
    """Words with the mark at their end, or else the one at their beginning, as a word of its own (Popovic 2017)."""
    parts: list[str] = []
    for word in text.split():
        if len(word) > 1 and word[-1] in _MARKS:
            parts += [word[:-1], word[-1]]
        elif len(word) > 1 and word[0] in _MARKS:
            parts += [word[0], word[1:]]
        else:
            parts.append(word)
    return parts


def segment_statistics(answer: str, reference: str) -> list[float]:
    """What chrF++ needs of one row: three counts for 1 to 6 characters (spaces left out), then for 1 and 2 words."""
    found: list[float] = []
    letters = ["".join(text.split()) for text in (answer, reference)]
    for order in range(1, len(CHARACTERS) + 1):
        said, expected = (Counter(t[at : at + order] for at in range(len(t) - order + 1)) for t in letters)
        found += _counts(said, expected)
    listed = [words(text) for text in (answer, reference)]
    for order in range(1, len(WORDS) + 1):
        said, expected = (Counter(" ".join(w[at : at + order]) for at in range(len(w) - order + 1)) for w in listed)
        found += _counts(said, expected)
    return found


def _counts(said: Counter[str], expected: Counter[str]) -> list[float]:
    """An order that the reference is too short for is left out on both sides, as sacrebleu does."""
    return [float(said.total() if expected else 0), float(expected.total()), float((said & expected).total())]


def _of_sums(sums: list[float]) -> float:
    return chrf(list(zip(sums[::3], sums[1::3], sums[2::3], strict=True)))


def _names(orders: Sequence[str]) -> list[str]:
    return [f"{order}_{part}" for order in orders for part in PARTS]


class Chrf:
    """Statistics ``<order>_answer``, ``<order>_reference``, ``<order>_matches`` for every order of n-grams.

    Orders are ``character_1`` .. ``character_6`` (chrF) and with them ``word_1`` and ``word_2`` (chrF++, Popovic 2017).
    The metrics are of the corpus: sums over rows come before the quotients.
    """

    name = "chrf"
    needs = frozenset({"reference", "prediction"})
    metrics: tuple[Metric, ...] = (
        metric_of_sums("chrf", _names(CHARACTERS), _of_sums),
        metric_of_sums("chrf_plus_plus", _names(CHARACTERS + WORDS), _of_sums),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Counts of every row; no answer is an empty one, a row without reference is unscored."""
        stats = pair_statistics(data, outputs, _names(CHARACTERS + WORDS), segment_statistics)
        return ExampleScores(data.ids, stats, groups=data.groups)

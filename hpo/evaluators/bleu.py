"""Corpus BLEU of generated text, equal to sacrebleu's for any weights of the rows."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence

from hpo.data.rows import Rows
from hpo.evaluators.generated import pair_statistics
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.sums import metric_of_sums
from hpo.objective import Outputs

ORDER = 4
MATCHES = tuple(f"matches_{n}" for n in range(1, ORDER + 1))
TOTALS = tuple(f"totals_{n}" for n in range(1, ORDER + 1))
LENGTHS = ("answer_words", "reference_words")


def bleu(matches: Sequence[float], totals: Sequence[float], answer: float, reference: float) -> float:
    """BLEU from the sums over a corpus, in [0, 100] (Papineni et al. 2002, section 2.3).

    Args:
        matches: n-grams of the answers that stand in their references, clipped, for n = 1 to 4.
        totals: n-grams of the answers.
        answer: words of the answers.
        reference: words of the references.

    An order without any match is smoothed as sacrebleu does by default: the j-th such order counts as 2^-j matches
    (Chen & Cherry 2014, method 3). Without a single match, or without any 4-gram, BLEU is 0.
    """
    if not any(matches) or not all(totals):
        return 0.0
    logs, halved = 0.0, 1.0
    for matched, total in zip(matches, totals, strict=True):
        if matched == 0:
            halved *= 2
        precision = 100.0 * matched / total if matched > 0 else 100.0 / (halved * total)
        logs += math.log(precision)
    brevity = 1.0 if answer >= reference else math.exp(1 - reference / answer)
    return brevity * math.exp(logs / len(matches))


def ngrams(words: Sequence[str], order: int) -> Counter[tuple[str, ...]]:
    """How often every run of ``order`` words occurs."""
    return Counter(zip(*(words[start:] for start in range(order)), strict=False))


def segment_statistics(tokenize: Callable[[str], str], answer: str, reference: str) -> list[float]:
    """Matches and totals for n = 1 to 4, words of the answer and of the reference: what BLEU needs of one row."""
    said, expected = (tokenize(text.rstrip()).split() for text in (answer, reference))
    matches, totals = [], []
    for order in range(1, ORDER + 1):
        ours = ngrams(said, order)
        matches.append(float((ours & ngrams(expected, order)).total()))
        totals.append(float(ours.total()))
    return [*matches, *totals, float(len(said)), float(len(expected))]


def _of_sums(sums: list[float]) -> float:
    return bleu(sums[:ORDER], sums[ORDER : 2 * ORDER], *sums[2 * ORDER :])


class Bleu:
    """Statistics ``matches_1`` .. ``matches_4``, ``totals_1`` .. ``totals_4``, ``answer_words``, ``reference_words``.

    Words are those of the mteval-v13a tokenizer, sacrebleu's default (Post 2018), case kept; one reference a row. The
    metric is of the corpus: sums over rows come before the quotient, so it is no mean of row values.
    """

    name = "bleu"
    needs = frozenset({"reference", "prediction"})
    metrics: tuple[Metric, ...] = (metric_of_sums("bleu", (*MATCHES, *TOTALS, *LENGTHS), _of_sums),)

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Counts of every row; no answer is an empty one, a row without reference is unscored."""
        from sacrebleu.tokenizers.tokenizer_13a import Tokenizer13a

        tokenize: Callable[[str], str] = Tokenizer13a()  # type: ignore[no-untyped-call]
        names = (*MATCHES, *TOTALS, *LENGTHS)
        stats = pair_statistics(data, outputs, names, lambda a, r: segment_statistics(tokenize, a, r))
        return ExampleScores(data.ids, stats, groups=data.groups)

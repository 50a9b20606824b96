"""Generated answers against a reference: exact match and token F1."""

from __future__ import annotations

import re
import string
from collections import Counter

import numpy as np

from hpo.data.rows import Rows
from hpo.evaluators.generated import references
from hpo.evaluators.outputs import column, missing
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


def squad_tokens(text: str) -> list[str]:
    """Words in lower case without punctuation and English articles (Rajpurkar et al. 2016, the official script)."""
    return _ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def token_f1(prediction: str, reference: str) -> float:
    """Harmonic mean of word precision and recall, in [0, 1]; two answers without any word agree (SQuAD 2.0)."""
    said, expected = squad_tokens(prediction), squad_tokens(reference)
    if not said or not expected:
        return float(said == expected)
    shared = (Counter(said) & Counter(expected)).total()
    return 2 * shared / (len(said) + len(expected))


def exact_match(prediction: str, reference: str) -> float:
    """1 where the two are equal but for white space at the ends and the length of white space within."""
    return float(prediction.split() == reference.split())


class ExactMatch:
    """Statistics ``exact_match`` and ``token_f1``; no answer is a wrong one, a row without reference is unscored."""

    name = "exact_match"
    needs = frozenset({"reference", "prediction"})
    metrics: tuple[Metric, ...] = (
        Metric("exact_match", "maximize", mean_of("exact_match"), rows=column_of("exact_match")),
        Metric("token_f1", "maximize", mean_of("token_f1"), rows=column_of("token_f1")),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Both measures of every row."""
        answers, expected = column(outputs, "prediction"), references(data)
        answered, known = ~missing(answers), ~missing(expected)
        stats = {}
        for measure in (exact_match, token_f1):
            pairs = zip(answers[answered & known], expected[answered & known], strict=True)
            values = np.where(known, 0.0, np.nan)
            values[answered & known] = [measure(str(answer), str(reference)) for answer, reference in pairs]
            stats[measure.__name__] = values
        return ExampleScores(data.ids, stats, groups=data.groups)

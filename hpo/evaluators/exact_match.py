"""Generated answers against a reference: exact match and token F1."""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import Any

import numpy as np

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import mean_of
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


def _missing(value: Any) -> bool:
    return value is None or value != value


class ExactMatch:
    """Statistics ``exact_match`` and ``token_f1``; no answer is a wrong one, a row without reference is unscored."""

    name = "exact_match"
    needs = frozenset({"reference", "prediction"})
    metrics: tuple[Metric, ...] = (
        Metric("exact_match", "maximize", mean_of("exact_match")),
        Metric("token_f1", "maximize", mean_of("token_f1")),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Both measures of every row."""
        pairs = list(zip(column(outputs, "prediction"), data.frame["reference"], strict=True))
        stats = {
            measure.__name__: np.array([_compare(measure, *pair) for pair in pairs], dtype=np.float64)
            for measure in (exact_match, token_f1)
        }
        return ExampleScores(data.ids, stats, groups=data.groups)


def _compare(measure: Any, prediction: Any, reference: Any) -> float:
    if _missing(reference):
        return np.nan
    return 0.0 if _missing(prediction) else float(measure(str(prediction), str(reference)))

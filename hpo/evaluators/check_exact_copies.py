"""Rows that repeat an earlier row: to the letter, or but for case, punctuation and spaces."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hpo.data.normal_form import first_equal, normal_form
from hpo.data.rows import Rows
from hpo.evaluators.content import told
from hpo.evaluators.findings import counted, nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

_METRICS: tuple[Metric, ...] = (share_of("duplicate_ratio", "duplicate"),)


@dataclass(frozen=True)
class ExactCopies:
    """Which rows are copies of an earlier one; the first of its kind is no copy, nor are rows without text.

    Flags ``exact_duplicate`` and ``normalised_duplicate`` (a row has one of them at most); evidence ``partner`` (the
    first of its kind) and ``similarity`` (1.0). How many rows are copies does not depend on their order.
    """

    name = "exact_copies"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Copies among n rows."""
        texts, ids, n = told(data), data.ids, len(data)
        normal = normal_form(texts)
        own, same, alike = np.arange(n), first_equal(texts), first_equal(normal)
        there = np.array([bool(text.strip()) for text in texts], dtype=bool)
        words = np.array([bool(text) for text in normal], dtype=bool)
        exact = (same != own) & there
        normalised = (alike != own) & words & ~exact
        partner, similarity = nothing(n), nothing(n)
        for row in np.flatnonzero(exact | normalised):
            partner[row], similarity[row] = ids[same[row] if exact[row] else alike[row]], 1.0
        flags = {"exact_duplicate": exact, "normalised_duplicate": normalised}
        evidence = {"partner": partner, "similarity": similarity}
        return ExampleScores(ids, {"duplicate": counted(exact, normalised)}, flags, evidence, data.groups)

"""Rows that nearly repeat another: sets of word 3-grams with a Jaccard similarity of at least .8."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hpo.data.near_duplicates import NearCopies as Pairs
from hpo.data.near_duplicates import components, near_copies
from hpo.data.normal_form import first_copies
from hpo.data.rows import Rows
from hpo.evaluators.content import told
from hpo.evaluators.findings import counted, nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

_METRICS: tuple[Metric, ...] = (share_of("near_duplicate_ratio", "near_duplicate"),)


@dataclass(frozen=True)
class NearCopies:
    """Which rows are near copies of another, in clusters: those that a chain of near copies joins.

    The first row of a cluster is not flagged, nor are copies that are equal but for case, punctuation and spaces
    (``ExactCopies`` finds those). Evidence: ``partner`` (the most similar row, an earlier one where there is one),
    ``similarity`` to it, ``cluster`` (the id of its first row; told for all rows of a cluster).

    Attributes:
        threshold: least Jaccard similarity of two sets of word 3-grams, in (0, 1].
    """

    threshold: float = 0.8

    name = "near_copies"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Near copies among n rows."""
        texts, ids, n = told(data), data.ids, len(data)
        found = near_copies(texts, self.threshold)
        cluster = components(n, found.pairs)
        same = first_copies(texts)
        near = (cluster != np.arange(n)) & (same == np.arange(n))
        other, alike = _partners(n, found)
        partner, similarity, of = nothing(n), nothing(n), nothing(n)
        for row in np.flatnonzero(np.bincount(cluster, minlength=n)[cluster] > 1):
            of[row] = ids[cluster[row]]
            if near[row]:
                partner[row], similarity[row] = ids[other[row]], float(alike[row])
        return ExampleScores(
            ids,
            {"near_duplicate": counted(near)},
            {"near_duplicate": near},
            {"partner": partner, "similarity": similarity, "cluster": of},
            data.groups,
        )


def _partners(n: int, found: Pairs) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """For each row the most similar other, an earlier one where there is one, and how similar; shape (n,) each."""
    partner, similarity = np.full(n, -1, dtype=np.int64), np.zeros(n)
    if not len(found.pairs):
        return partner, similarity
    first, second = found.pairs.min(axis=1), found.pairs.max(axis=1)
    row, other = np.concatenate([first, second]), np.concatenate([second, first])
    alike = np.concatenate([found.similarity, found.similarity])
    order = np.lexsort((-other, alike, other < row))  # the last one written stays
    partner[row[order]], similarity[row[order]] = other[order], alike[order]
    return partner, similarity

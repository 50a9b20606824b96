"""Leakage: rows of one split that stand in another, whole, nearly, or one inside the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.near_leaks import best_partners, between
from hpo.data.normal_form import normal_form
from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.evaluators.content import asked
from hpo.evaluators.findings import counted, nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

HOW = ("exact", "normalised", "near", "contained")


@dataclass(frozen=True)
class Known:
    """The rows that leak: their ids, texts and normal forms."""

    ids: Any
    texts: list[str]
    exact: dict[str, int]
    normal: dict[str, int]


_METRICS: tuple[Metric, ...] = (share_of("leakage_ratio", "leaked"),)


@dataclass(frozen=True)
class Leakage:
    """Which rows ask what a row of the reference (the training rows, say) asks too.

    A row has one flag, of the closest kind that is found: ``leaked_exact``, ``leaked_normalised`` (equal but for case,
    punctuation and spaces), ``leaked_near`` (sets of word 3-grams with a Jaccard similarity of ``threshold``),
    ``leaked_contained`` (runs of ``containment_words`` words: of the one with fewer of them, ``threshold`` stand in
    the other). Evidence: ``partner`` (an id of the reference), ``similarity`` (Jaccard, or the share contained),
    ``how``.

    Attributes:
        threshold: least similarity, in (0, 1].
        containment_words: length of the runs; texts of fewer words are not looked for inside others.
    """

    threshold: float = 0.8
    containment_words: int = 13

    name = "leakage"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> Known:
        """The reference, ready to be looked up.

        Raises:
            DataError: there is no reference.
        """
        if reference is None:
            raise DataError("leakage is looked for between two sets of rows", hint="name the other: --against FILE")
        texts = asked(reference)
        return Known(reference.ids, texts, _first(texts), _first(normal_form(texts)))

    def score(self, data: Rows, outputs: Outputs | None = None, state: Known | None = None) -> ExampleScores:
        """Leaks among n rows.

        Raises:
            DataError: nothing was prepared.
        """
        known = state if state is not None else self.prepare(None)
        texts, n = asked(data), len(data)
        kind, partner = _whole(texts, known)
        similarity = (kind >= 0).astype(np.float64)
        # Each text once, and no row that is found already: many copies would make a pair of every two.
        rows, places = np.flatnonzero(kind < 0), np.array(sorted(known.normal.values()), dtype=np.int64)
        left, right = [texts[row] for row in rows], [known.texts[place] for place in places]
        for code, found in enumerate(between(left, right, self.threshold, self.containment_words), 2):
            others, alike = best_partners(len(rows), found)
            new = (kind[rows] < 0) & (others >= 0)
            at = rows[new]
            kind[at], partner[at], similarity[at] = code, places[others[new]], alike[new]
        evidence: dict[str, list[Any]] = {name: nothing(n) for name in ("partner", "similarity", "how")}
        for row in np.flatnonzero(kind >= 0):
            evidence["partner"][row] = known.ids[partner[row]]
            evidence["similarity"][row], evidence["how"][row] = float(similarity[row]), HOW[kind[row]]
        flags = {f"leaked_{how}": kind == code for code, how in enumerate(HOW)}
        return ExampleScores(data.ids, {"leaked": counted(kind >= 0)}, flags, evidence, data.groups)


def _whole(texts: list[str], known: Known) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that stand in the reference as a whole: 0 to the letter, 1 in normal form, else -1; and where; (n,) each."""
    kind, partner = np.full(len(texts), -1, dtype=np.int64), np.full(len(texts), -1, dtype=np.int64)
    for row, (text, normal) in enumerate(zip(texts, normal_form(texts), strict=True)):
        for code, place in enumerate((known.exact.get(text), known.normal.get(normal) if normal else None)):
            if place is not None and text.strip():
                kind[row], partner[row] = code, place
                break
    return kind, partner


def _first(texts: list[str]) -> dict[str, int]:
    first: dict[str, int] = {}
    for row, text in enumerate(texts):
        first.setdefault(text, row)
    return first

"""Labels: how even the classes are, copies that carry different labels, labels that are other spellings of others."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpo.data.normal_form import first_copies
from hpo.data.rows import Rows
from hpo.evaluators.content import asked
from hpo.evaluators.findings import marked, nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.objective import Outputs

_SEPARATORS = re.compile(r"""[\s_\-./,:;'"()]+""")  # not + and #, which tell c from c++ and c#
_LEAST = 4  # letters from which on one letter more, less or other can be a slip


def _imbalance(stats: Stats, weights: Weights) -> float:
    """Rows of the largest class for each of the smallest; NaN without rows."""
    _, codes = np.unique(np.array([str(label) for label in stats["label"]], dtype=object), return_inverse=True)
    counts = np.bincount(codes, weights)
    counts = counts[counts > 0]
    return float(counts.max() / counts.min()) if len(counts) else np.nan


_METRICS: tuple[Metric, ...] = (
    Metric("class_imbalance", "minimize", _imbalance),
    share_of("contradictory_label_ratio", "contradictory"),
    share_of("label_variant_ratio", "variant"),
)


@dataclass(frozen=True)
class Labels:
    """Faults of class labels.

    Flags: ``contradictory_label`` (a row with the same text but for case, punctuation and spaces has another label; all
    of them are flagged, since nobody knows which is right); ``label_variant`` (the label is another spelling of a more
    frequent one, see ``variants``). Evidence: ``partner``, ``labels``, ``canonical``.

    Attributes:
        rare: a label one letter apart from another is a slip where it has at most this share of the other's rows.
    """

    rare: float = 0.05

    name = "labels"
    needs = frozenset({"text", "label"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Faults of the labels of n rows."""
        ids, n = data.ids, len(data)
        labels = np.empty(n, dtype=object)
        labels[:] = [None if label is None or label != label else str(label) for label in data.frame["label"]]
        canonical = variants(Counter(label for label in labels if label is not None), self.rare)
        variant = np.array([label in canonical for label in labels], dtype=bool)
        others = contradictions(asked(data), [canonical.get(label, label) for label in labels])
        contradictory = marked(n, others)
        partner, told = nothing(n), nothing(n)
        for row, other in others.items():
            partner[row], told[row] = ids[other], [labels[row], labels[other]]
        return ExampleScores(
            ids,
            {"label": labels, "contradictory": contradictory.astype(float), "variant": variant.astype(float)},
            {"contradictory_label": contradictory, "label_variant": variant},
            {"partner": partner, "labels": told, "canonical": [canonical.get(label) for label in labels]},
            data.groups,
        )


def contradictions(texts: Sequence[str], labels: Sequence[Any]) -> dict[int, int]:
    """Rows whose text has another label elsewhere, with the first such place; rows without label or text aside."""
    first = first_copies(texts)
    there: dict[int, dict[Any, int]] = {}
    for row, (key, label) in enumerate(zip(first.tolist(), labels, strict=True)):
        if label is not None and texts[row].strip():
            there.setdefault(key, {}).setdefault(label, row)
    found = {}
    for row, (key, label) in enumerate(zip(first.tolist(), labels, strict=True)):
        if label is not None and len(there.get(key, {})) > 1:
            found[row] = next(place for other, place in there[key].items() if other != label)
    return found


def variants(counts: Mapping[str, int], rare: float) -> dict[str, str]:
    """Labels that seem to be other spellings, and the label they stand for, the most frequent of its spellings.

    Two labels are spellings of one where they are equal but for case, spaces, ``_-./,:;'"()`` and compatibility
    characters; or where they differ by one letter (one more, less or other), have four letters or more, and the rarer
    has at most ``rare`` of the other's rows. Labels without letters (numbers, signs) are never merged.

    Args:
        counts: rows of each label.
        rare: share.
    """
    spellings: dict[str, list[str]] = {}
    for label in sorted(counts, key=lambda each: (-counts[each], each)):
        spellings.setdefault(_key(label), []).append(label)
    found = {label: same[0] for same in spellings.values() for label in same[1:]}
    sums = {key: sum(counts[label] for label in same) for key, same in spellings.items()}
    ranked = sorted(sums, key=lambda key: -sums[key])
    for place, key in enumerate(ranked):
        near = next((o for o in ranked[:place] if sums[key] <= rare * sums[o] and _one_letter(key, o)), None)
        if near is not None:
            found |= dict.fromkeys(spellings[key], spellings[near][0])
    return {label: found.get(target, target) for label, target in found.items()}


def _key(label: str) -> str:
    plain = unicodedata.normalize("NFKC", label).casefold().strip()
    return _SEPARATORS.sub("", plain) if any(letter.isalpha() for letter in plain) else plain


def _one_letter(a: str, b: str) -> bool:
    """Whether two words differ by one letter, and the shorter has enough of them."""
    if min(len(a), len(b)) < _LEAST or abs(len(a) - len(b)) > 1:
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    if len(a) == len(b):
        return a[start + 1 :] == b[start + 1 :] and a[start : start + 1].isalpha() and b[start : start + 1].isalpha()
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return longer[start + 1 :] == shorter[start:] and longer[start].isalpha()

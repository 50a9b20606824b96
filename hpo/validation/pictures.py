"""What the report draws of answers with classes: confidence, ROC curves, confusion matrices, reliability."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.classification import Classification, confusion_matrix
from hpo.evaluators.confidence import Confidence, confidence_histogram, coverage_curve
from hpo.evaluators.probabilities import Probabilities, reliability
from hpo.evaluators.protocol import ExampleScores
from hpo.evaluators.roc import roc_curves
from hpo.statistics.values import finite
from hpo.validation.scoring import Scored

MOST_CURVES = 12  # classes with a ROC curve of their own, the most frequent ones
Pictures = dict[str, list[dict[str, Any]]]


def pictures(scored: Sequence[Scored]) -> Pictures:
    """The lists ``confidence``, ``roc``, ``confusion`` and ``reliability``; of several seeds the first is drawn."""
    found: Pictures = {"confidence": [], "roc": [], "confusion": [], "reliability": []}
    for one in scored:
        if not one.data.labels:
            continue
        named = {"model": one.model, "dataset": one.data.name}
        for kind, draw in (("confusion", _confusion), ("confidence", _confidence), ("reliability", _reliability)):
            found[kind] += [{**named, **each} for each in draw(one)]
        found["roc"] += [{**named, **each} for each in _roc(one)]
    return found


def _stats(scored: Scored, evaluator: str) -> dict[str, NDArray[np.float64]] | None:
    """Statistics of the scored rows; None where there are none."""
    every: tuple[ExampleScores, ...] = scored.scores.get(evaluator, ())
    kept = ~every[0].unscored if every else np.zeros(0, dtype=bool)
    if not kept.any():
        return None
    return {name: np.asarray(values, dtype=np.float64)[kept] for name, values in every[0].stats.items()}


def _ones(stats: dict[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.ones(len(next(iter(stats.values()))))


def _confusion(scored: Scored) -> list[dict[str, Any]]:
    stats = _stats(scored, Classification.name)
    if stats is None:
        return []
    matrix = confusion_matrix(stats, len(scored.data.labels))
    labels = [*scored.data.labels, *(["(no class)"] if matrix[:, -1].any() else [])]
    return [{"labels": labels, "counts": matrix[:, : len(labels)].tolist()}]


def _confidence(scored: Scored) -> list[dict[str, Any]]:
    """Confidence (the likeliest class's probability) of right and wrong answers, and accuracy against coverage."""
    stats = _stats(scored, Confidence.name)
    if stats is None:
        return []
    sure, right = stats["confidence"], stats["right"] == 1
    counts = confidence_histogram(stats, _ones(stats))
    return [
        {
            "histogram": {name: values.tolist() for name, values in counts.items()},
            "mean_right": finite(float(sure[right].mean())) if right.any() else None,
            "mean_wrong": finite(float(sure[~right].mean())) if (~right).any() else None,
            "coverage": coverage_curve(stats, _ones(stats)).tolist(),
        }
    ]


def _reliability(scored: Scored) -> list[dict[str, Any]]:
    stats = _stats(scored, Probabilities.name)
    if stats is None:
        return []
    bins = reliability(stats, _ones(stats))
    weight, sure, right = bins[bins[:, 0] > 0].T
    ece = float(np.average(np.abs(sure - right), weights=weight))
    return [{"bins": [[finite(value) for value in line] for line in bins.tolist()], "ece": ece}]


def _roc(scored: Scored) -> list[dict[str, Any]]:
    """Of the second of two classes, else of each class against the rest."""
    stats = _stats(scored, Probabilities.name)
    if stats is None:
        return []
    names = scored.data.labels
    frequent = np.argsort(-np.bincount(stats["label"].astype(np.int64), minlength=len(names)), kind="stable")
    drawn = set(frequent[:MOST_CURVES].tolist())
    return [
        {"label": names[each.code], "fpr": each.fpr.tolist(), "tpr": each.tpr.tolist(), "auc": each.auc}
        for each in roc_curves(stats, _ones(stats))
        if (each.code in drawn or len(names) == 2) and np.isfinite(each.auc)
    ]

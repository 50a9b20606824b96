"""What the report draws of answers with classes: confidence, ROC curves, confusion matrices, reliability."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.classification import Classification, confusion_matrix
from hpo.evaluators.probabilities import Probabilities, probability_columns, reliability
from hpo.evaluators.protocol import Stats
from hpo.statistics.values import finite
from hpo.validation.scoring import Scored

BINS = 20  # of the histogram of confidence
POINTS = 200  # of a curve
MOST_CURVES = 12  # classes with a ROC curve of their own, the most frequent ones


def pictures(scored: Sequence[Scored]) -> dict[str, list[dict[str, Any]]]:
    """The lists ``confidence``, ``roc``, ``confusion`` and ``reliability``; of several seeds the first is drawn."""
    found: dict[str, list[dict[str, Any]]] = {"confidence": [], "roc": [], "confusion": [], "reliability": []}
    for one in scored:
        named = {"model": one.model, "dataset": one.data.name}
        counted = one.scores.get(Classification.name)
        if counted and one.data.labels:
            matrix = confusion_matrix(counted[0].stats, len(one.data.labels))
            labels = [*one.data.labels, *(["(no class)"] if matrix[:, -1].any() else [])]
            found["confusion"].append({**named, "labels": labels, "counts": matrix[:, : len(labels)].tolist()})
        likely = one.scores.get(Probabilities.name)
        if likely and one.data.labels:
            stats = _scored(likely[0].stats)
            if len(stats["label"]):
                found["confidence"].append({**named, **confidence(stats)})
                found["reliability"].append({**named, **_reliability(stats)})
                found["roc"] += [{**named, **curve} for curve in roc(stats, one.data.labels)]
    return found


def _scored(stats: Stats) -> dict[str, NDArray[np.float64]]:
    kept = np.all([~np.isnan(values) for values in stats.values()], axis=0)
    return {name: np.asarray(values, dtype=np.float64)[kept] for name, values in stats.items()}


def confidence(stats: Stats) -> dict[str, Any]:
    """Confidence (the likeliest class's probability) of right and wrong answers, and accuracy against coverage."""
    probability = probability_columns(stats)
    sure = probability.max(axis=1)
    right = probability.argmax(axis=1) == stats["label"]
    edges = np.linspace(0.0, 1.0, BINS + 1)
    histogram = {
        "edges": edges.tolist(),
        "right": np.histogram(sure[right], edges)[0].tolist(),
        "wrong": np.histogram(sure[~right], edges)[0].tolist(),
    }
    return {
        "histogram": histogram,
        "mean_right": finite(float(sure[right].mean())) if right.any() else None,
        "mean_wrong": finite(float(sure[~right].mean())) if (~right).any() else None,
        "coverage": coverage(sure, right),
    }


def coverage(sure: NDArray[np.float64], right: NDArray[np.bool_]) -> list[list[float]]:
    """Accuracy on the surest share of the rows, ``[share, accuracy]`` at most POINTS times.

    Rows that are equally sure come in or stay out together, so that their order plays no part.
    """
    order = np.argsort(-sure, kind="stable")
    sorted_sure, hits = sure[order], np.cumsum(right[order])
    ends = np.flatnonzero(np.append(np.diff(sorted_sure) != 0, True))
    if len(ends) > POINTS:
        ends = ends[np.unique(np.linspace(0, len(ends) - 1, POINTS).round().astype(np.int64))]
    taken = ends + 1
    return [[float(k) / len(sure), float(hits[end]) / k] for k, end in zip(taken.tolist(), ends.tolist(), strict=True)]


def _reliability(stats: Stats) -> dict[str, Any]:
    bins = reliability(stats, np.ones(len(stats["label"])))
    weight, sure, right = bins.T
    filled = weight > 0
    ece = float(np.average(np.abs(sure - right)[filled], weights=weight[filled]))
    return {"bins": [[finite(value) for value in line] for line in bins.tolist()], "ece": ece}


def roc(stats: Stats, labels: Sequence[str]) -> Iterator[dict[str, Any]]:
    """ROC curves: of the second of two classes, else of each class against the rest."""
    probability = probability_columns(stats)
    frequent = np.argsort(-np.bincount(stats["label"].astype(np.int64), minlength=len(labels)), kind="stable")
    for code in [1] if len(labels) == 2 else sorted(frequent[:MOST_CURVES].tolist()):
        truth = stats["label"] == code
        if truth.all() or not truth.any():
            continue
        fpr, tpr = curve(truth, probability[:, code])
        area = float(np.trapezoid(tpr, fpr))
        keep = np.unique(np.linspace(0, len(fpr) - 1, min(len(fpr), POINTS)).round().astype(np.int64))
        yield {"label": labels[code], "fpr": fpr[keep].tolist(), "tpr": tpr[keep].tolist(), "auc": area}


def curve(truth: NDArray[np.bool_], score: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """False and true positive rates as the threshold falls, from (0, 0) to (1, 1).

    Ties move together (Fawcett 2006, algorithm 1). Both have the shape (thresholds + 1,).
    """
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(score[order]) != 0, True))
    hits = np.cumsum(truth[order])[ends]
    misses = ends + 1 - hits
    zero = np.zeros(1)
    return np.concatenate([zero, misses / misses[-1]]), np.concatenate([zero, hits / hits[-1]])

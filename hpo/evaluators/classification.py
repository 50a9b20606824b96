"""Classification from predicted classes: accuracy, precision, recall, F1, MCC and the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.evaluators.outputs import column, missing
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.objective import Outputs

UNMATCHED = -1  # code of a prediction that is missing or in no class of the list: always wrong

BINARY = {"precision": "precision_macro", "recall": "recall_macro", "f1": "macro_f1"}  # what to take with more classes


def confusion_matrix(stats: Stats, k: int, weights: Weights | None = None) -> NDArray[np.float64]:
    """Weights by true class (row) and predicted class (column), shape (k, k + 1).

    The last column holds predictions that match none of the ``k`` classes.
    """
    label, prediction = stats["label"].astype(np.int64), stats["prediction"].astype(np.int64)
    predicted = np.where(prediction == UNMATCHED, k, prediction)
    return (
        np.bincount(label * (k + 1) + predicted, weights=weights, minlength=k * (k + 1))
        .reshape(k, k + 1)
        .astype(np.float64)
    )


def codes(values: Sequence[Any] | NDArray[Any], labels: Sequence[str]) -> NDArray[np.float64]:
    """Position of each value in ``labels``, shape (n,): NaN where missing, ``UNMATCHED`` where in none of them."""
    index = {label: float(code) for code, label in enumerate(labels)}
    found = np.array([index.get(str(value), UNMATCHED) for value in values], dtype=np.float64)
    return np.where(missing(values), np.nan, found)


def label_codes(data: Rows, labels: Sequence[str]) -> NDArray[np.float64]:
    """Codes of the true classes, NaN where a row has none.

    Raises:
        DataError: a row's label is not in ``labels``.
    """
    truth = data.frame["label"].to_numpy(dtype=object)
    found = codes(truth, labels)
    if (found == UNMATCHED).any():
        unknown = sorted({str(value) for value in truth[found == UNMATCHED]})
        raise DataError(
            f"rows carry labels that the model was not told of: {', '.join(unknown[:5])}",
            hint=f"the labels are: {', '.join(labels)}",
        )
    return found


def label_list(data: Rows, outputs: Outputs | None) -> tuple[str, ...]:
    """The fixed list of classes: that of the outputs, else the classes of the rows, sorted."""
    if outputs is not None and outputs.labels:
        return outputs.labels
    truth = data.frame["label"]
    return tuple(sorted({str(value) for value in truth[~missing(truth)]}))


class _Counts:
    """Sums of weights by class: matches, true, predicted; each of shape (k,). All F-measures derive from them."""

    def __init__(self, stats: Stats, weights: Weights) -> None:
        drawn = {name: values[weights > 0] for name, values in stats.items()}
        seen = max(drawn["label"].max(initial=0), drawn["prediction"].max(initial=0))
        matrix = confusion_matrix(drawn, int(seen) + 1, weights[weights > 0])
        self.matches = np.diagonal(matrix).copy()
        self.true = matrix.sum(axis=1)
        self.predicted = matrix[:, :-1].sum(axis=0)
        self.total = float(matrix.sum())

    def of(self, measure: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Numerator and denominator of a measure by class."""
        if measure == "precision":
            return self.matches, self.predicted
        if measure == "recall":
            return self.matches, self.true
        return 2 * self.matches, self.true + self.predicted


def _ratio(numerator: NDArray[np.float64], denominator: NDArray[np.float64]) -> NDArray[np.float64]:
    """Quotient, 0 where the denominator is 0: a class never predicted has precision 0."""
    return np.divide(numerator, denominator, out=np.zeros_like(numerator), where=denominator > 0)


def _accuracy(stats: Stats, weights: Weights) -> float:
    total = weights.sum()
    return float(weights[stats["label"] == stats["prediction"]].sum() / total) if total > 0 else np.nan


def _macro(measure: str) -> Callable[[Stats, Weights], float]:
    """Mean over the classes present among the labels."""

    def reduce(stats: Stats, weights: Weights) -> float:
        counts = _Counts(stats, weights)
        present = counts.true > 0
        return float(_ratio(*counts.of(measure))[present].mean()) if present.any() else np.nan

    return reduce


def _weighted(measure: str) -> Callable[[Stats, Weights], float]:
    """Mean over the classes by their share of the labels."""

    def reduce(stats: Stats, weights: Weights) -> float:
        counts = _Counts(stats, weights)
        return float(_ratio(*counts.of(measure)) @ counts.true / counts.total) if counts.total > 0 else np.nan

    return reduce


def _micro(measure: str) -> Callable[[Stats, Weights], float]:
    """Of all classes together; an unmatched prediction is a miss, but no false positive of any class."""

    def reduce(stats: Stats, weights: Weights) -> float:
        counts = _Counts(stats, weights)
        numerator, denominator = counts.of(measure)
        if counts.total == 0:
            return np.nan
        return float(numerator.sum() / denominator.sum()) if denominator.sum() > 0 else 0.0

    return reduce


def _binary(measure: str) -> Callable[[Stats, Weights], float]:
    """Of the second of two classes; NaN where there are more, or where nothing is to be found."""

    def reduce(stats: Stats, weights: Weights) -> float:
        counts = _Counts(stats, weights)
        if len(counts.true) != 2 or counts.true[1] == 0:
            return np.nan
        return float(_ratio(*counts.of(measure))[1])

    return reduce


def _mcc(stats: Stats, weights: Weights) -> float:
    """Matthews correlation for k classes (Gorodkin 2004, eq. 8); 0 where labels or predictions are all of one class."""
    counts = _Counts(stats, weights)
    if counts.total == 0:
        return np.nan
    unmatched = counts.total - counts.predicted.sum()
    covariance = counts.matches.sum() * counts.total - counts.predicted @ counts.true
    of_predictions = counts.total**2 - counts.predicted @ counts.predicted - unmatched**2
    of_labels = counts.total**2 - counts.true @ counts.true
    scale = np.sqrt(max(of_predictions, 0.0) * max(of_labels, 0.0))
    return float(covariance / scale) if scale > 0 else 0.0


class Classification:
    """Statistics ``label`` and ``prediction``: codes in the label list, as numbers; flag ``unmatched``."""

    name = "classification"
    needs = frozenset({"label", "prediction"})
    metrics: tuple[Metric, ...] = (
        Metric("accuracy", "maximize", _accuracy),
        *(Metric(f"{measure}_macro", "maximize", _macro(measure)) for measure in ("precision", "recall")),
        *(Metric(f"{measure}_micro", "maximize", _micro(measure)) for measure in ("precision", "recall")),
        *(Metric(f"{measure}_weighted", "maximize", _weighted(measure)) for measure in ("precision", "recall")),
        Metric("macro_f1", "maximize", _macro("f1")),
        Metric("micro_f1", "maximize", _micro("f1")),
        Metric("weighted_f1", "maximize", _weighted("f1")),
        Metric("mcc", "maximize", _mcc),
        *(Metric(measure, "maximize", _binary(measure)) for measure in BINARY),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Codes of every row; a missing or unknown prediction is wrong, not unscored.

        Raises:
            DataError: a row's label is not in the label list.
        """
        labels = label_list(data, outputs)
        prediction = np.nan_to_num(codes(column(outputs, "prediction"), labels), nan=UNMATCHED)
        stats = {"label": label_codes(data, labels), "prediction": prediction}
        return ExampleScores(data.ids, stats, flags={"unmatched": prediction == UNMATCHED}, groups=data.groups)

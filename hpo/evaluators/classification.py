"""Classification from predicted classes: accuracy, precision, recall, F1, MCC and the confusion matrix."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.evaluators.counts import Counts, binary, macro, mcc, micro, weighted
from hpo.evaluators.outputs import column, missing
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
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


def _of_counts(counts: Counts) -> Callable[[Stats, Weights], float]:
    """The metric of rows that a metric of confusion matrices makes; k is the number of classes seen."""

    def reduce(stats: Stats, weights: Weights) -> float:
        drawn = {name: stats[name][weights > 0] for name in ("label", "prediction")}
        seen = int(max(drawn["label"].max(initial=0), drawn["prediction"].max(initial=0))) + 1
        return float(counts(confusion_matrix(drawn, seen, weights[weights > 0])[None])[0])

    return reduce


def _metric(name: str, counts: Counts) -> Metric:
    return Metric(name, "maximize", _of_counts(counts), counts=counts)


def _correct(stats: Stats) -> NDArray[np.float64]:
    return np.asarray(stats["label"] == stats["prediction"], dtype=np.float64)


class Classification:
    """Statistics ``label`` and ``prediction``: codes in the label list, as numbers; flag ``unmatched``."""

    name = "classification"
    needs = frozenset({"label", "prediction"})
    metrics: tuple[Metric, ...] = (
        Metric("accuracy", "maximize", lambda stats, weights: mean(_correct(stats), weights), rows=_correct),
        *(_metric(f"{measure}_macro", macro(measure)) for measure in ("precision", "recall")),
        *(_metric(f"{measure}_micro", micro(measure)) for measure in ("precision", "recall")),
        *(_metric(f"{measure}_weighted", weighted(measure)) for measure in ("precision", "recall")),
        *(_metric(f"{kind}_f1", of("f1")) for kind, of in (("macro", macro), ("micro", micro), ("weighted", weighted))),
        _metric("mcc", mcc),
        *(_metric(measure, binary(measure)) for measure in BINARY),
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

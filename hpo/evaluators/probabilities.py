"""Classification from class probabilities: ranking (ROC AUC), proper scores (log loss, Brier) and calibration (ECE)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.errors import ObjectiveError
from hpo.evaluators.classification import label_codes, label_list
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
from hpo.objective import Outputs
from hpo.statistics import auc

BINS = 15  # of equal width, as Guo et al. (2017) report it
PREFIX = "probability_"


def probability_columns(stats: Stats) -> NDArray[np.float64]:
    """Probabilities of the classes, shape (n, k), columns in the order of the label list."""
    k = sum(name.startswith(PREFIX) for name in stats)
    return np.asarray(np.stack([stats[f"{PREFIX}{code}"] for code in range(k)], axis=1), dtype=np.float64)


def _one_hot(stats: Stats, k: int) -> NDArray[np.float64]:
    return np.asarray(stats["label"][:, None] == np.arange(k), dtype=np.float64)


def area(positive: NDArray[np.float64], score: NDArray[np.float64], weights: Weights) -> float:
    """Area under the ROC curve: how often a positive outranks a negative, ties half (Hanley & McNeil 1982)."""
    _, rank = np.unique(score, return_inverse=True)
    positives = np.bincount(rank, weights=weights * positive)
    negatives = np.bincount(rank, weights=weights * (1 - positive))
    pairs = positives.sum() * negatives.sum()
    below = np.cumsum(negatives) - negatives
    return float(positives @ (below + negatives / 2) / pairs) if pairs > 0 else np.nan


def _roc_auc(stats: Stats, weights: Weights) -> float:
    """Of the second of two classes; of more, the mean over each against the rest; NaN where a class is absent."""
    probability = probability_columns(stats)
    k = probability.shape[1]
    truth = _one_hot(stats, k)
    classes = [1] if k == 2 else range(k)
    return float(np.mean([area(truth[:, code], probability[:, code], weights) for code in classes]))


def log_loss_rows(stats: Stats) -> NDArray[np.float64]:
    """Negative log-probability of the true class in nats, shape (n,); at most -log(machine epsilon), about 36."""
    probability = probability_columns(stats)
    of_label = np.take_along_axis(probability, stats["label"].astype(np.int64)[:, None], axis=1)[:, 0]
    return np.asarray(-np.log(np.clip(of_label, np.finfo(np.float64).eps, 1.0)), dtype=np.float64)


def brier_rows(stats: Stats) -> NDArray[np.float64]:
    """Squared distance to the truth (Brier 1950, eq. 2), shape (n,); halved for two classes, as is usual."""
    probability = probability_columns(stats)
    k = probability.shape[1]
    distance = ((probability - _one_hot(stats, k)) ** 2).sum(axis=1)
    return np.asarray(distance / 2 if k == 2 else distance, dtype=np.float64)


def _binned(stats: Stats, bins: int) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.int64]]:
    """Confidence of each row, whether its likeliest class is right, and its confidence bin; shape (n,) each."""
    probability = probability_columns(stats)
    confidence = probability.max(axis=1)
    correct = probability.argmax(axis=1) == stats["label"]
    return confidence, correct, np.clip(np.ceil(confidence * bins).astype(np.int64) - 1, 0, bins - 1)


def reliability(stats: Stats, weights: Weights, bins: int = BINS) -> NDArray[np.float64]:
    """Weight, mean confidence and accuracy of each confidence bin, shape (bins, 3); NaN in empty bins.

    Bin m holds confidences in ((m-1)/bins, m/bins] (Guo et al. 2017, section 2); the predicted class is the likeliest.
    """
    confidence, correct, where = _binned(stats, bins)
    weight = np.bincount(where, weights=weights, minlength=bins)
    sums = [np.bincount(where, weights=weights * values, minlength=bins) for values in (confidence, correct)]
    means = [np.divide(total, weight, out=np.full(bins, np.nan), where=weight > 0) for total in sums]
    return np.stack([weight, *means], axis=1)


def _ece(stats: Stats, weights: Weights) -> float:
    """Expected calibration error: mean gap of confidence and accuracy over the bins (Guo et al. 2017, eq. 3)."""
    weight, confidence, accuracy = reliability(stats, weights).T
    return mean(np.abs(confidence - accuracy), weight)


def _linear_roc_auc(stats: Stats) -> NDArray[np.float64]:
    """Linearised values, shape (n,), of the area, or of the mean of the areas; NaN where a class is absent."""
    probability = probability_columns(stats)
    classes = [1] if probability.shape[1] == 2 else range(probability.shape[1])
    found = [auc.linearised(stats["label"] == code, probability[:, code]) for code in classes]
    return np.asarray(np.mean(found, axis=0), dtype=np.float64)


def _gaps(stats: Stats) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Confidence less correctness of each row, and its confidence bin, shape (n,) each."""
    confidence, correct, where = _binned(stats, BINS)
    return confidence - correct, where


def _linear_ece(stats: Stats) -> NDArray[np.float64]:
    """Linearised values, shape (n,): the gap of a row with the sign of its bin's gap, whose mean is the error."""
    gap, where = _gaps(stats)
    return np.asarray(np.sign(np.bincount(where, weights=gap, minlength=BINS))[where] * gap, dtype=np.float64)


def _lifted_ece(stats: Stats, cluster: NDArray[np.int64]) -> float:
    """How far chance alone may raise the error: sqrt(2 / pi) standard errors of every bin within two of them of 0.

    That is the mean size of a bin's gap where the model is calibrated, and so the bias of the plain estimate.
    """
    gap, where = _gaps(stats)
    bins, of_cluster = np.divmod(np.arange(BINS * (int(cluster.max()) + 1)), int(cluster.max()) + 1)
    sums = np.bincount(where * (of_cluster[-1] + 1) + cluster, weights=gap, minlength=len(bins)).reshape(BINS, -1)
    seen = np.maximum((sums != 0).sum(axis=1), 1)
    total = sums.sum(axis=1)
    error = np.sqrt(np.maximum((sums**2).sum(axis=1) - total**2 / seen, 0.0))
    return float(np.sqrt(2 / np.pi) * error[np.abs(total) < 2 * error].sum() / len(gap))


class Probabilities:
    """Statistics ``label`` (code) and ``probability_0`` ... ``probability_<k-1>``, one a class of the label list."""

    name = "probabilities"
    needs = frozenset({"label", "probabilities"})
    metrics: tuple[Metric, ...] = (
        Metric("roc_auc", "maximize", _roc_auc, linear=_linear_roc_auc),
        Metric("log_loss", "minimize", lambda stats, weights: mean(log_loss_rows(stats), weights), rows=log_loss_rows),
        Metric("brier", "minimize", lambda stats, weights: mean(brier_rows(stats), weights), rows=brier_rows),
        Metric("ece", "minimize", _ece, linear=_linear_ece, lift=_lifted_ece),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Probabilities of every row; a row with a NaN among them is unscored.

        Raises:
            ObjectiveError: there is not one column for each class.
            DataError: a row's label is not in the label list.
        """
        probability = np.asarray(column(outputs, "probabilities"), dtype=np.float64)
        labels = label_list(data, outputs)
        if probability.shape != (len(data), len(labels)):
            raise ObjectiveError(
                f"probabilities have shape {probability.shape}, expected {(len(data), len(labels))}",
                hint=f"one row an example, one column a class, in this order: {', '.join(labels)}",
            )
        columns = {f"{PREFIX}{code}": probability[:, code] for code in range(len(labels))}
        return ExampleScores(data.ids, {"label": label_codes(data, labels), **columns}, groups=data.groups)

"""Multiple choice by likelihood: the choice with the highest log-likelihood, as it is or for its length.

Outputs carry ``choice_scores``, shape (n, m): the log-likelihood in nats of every choice's text after the question, NaN
behind the last choice of a row that has fewer; and, to normalise, ``choice_bytes`` of the same shape: the UTF-8 bytes
of each text. The rows' ``label`` is the right choice's number from 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.evaluators.regression import numbers
from hpo.objective import Outputs

_MEAN = mean_of("right")


def chosen(scores: NDArray[np.float64]) -> NDArray[np.int64]:
    """The best choice of every row, shape (n,): the first of those with the highest score; -1 where there is none."""
    nothing = np.isnan(scores).all(axis=1)
    best = np.where(np.isnan(scores), -np.inf, scores).argmax(axis=1)
    return np.where(nothing, -1, best).astype(np.int64)


def _right(data: Rows, scores: NDArray[np.float64]) -> ExampleScores:
    given = data.frame["label"] if "label" in data.frame else np.full(len(data), np.nan)
    label, best = numbers(given), chosen(scores)
    _check(label, scores, data)
    right = np.where(np.isnan(label) | (best < 0), np.nan, best == label)
    return ExampleScores(data.ids, {"right": right}, groups=data.groups)


def _check(label: NDArray[np.float64], scores: NDArray[np.float64], data: Rows) -> None:
    width = scores.shape[1]
    last = width - np.isnan(scores[:, ::-1]).argmin(axis=1)  # choices of a row: up to the last that has a score
    choices = np.where(np.isnan(scores).all(axis=1), width, last)
    wrong = ~np.isnan(label) & ((label < 0) | (label >= choices) | (label != np.round(label)))
    if wrong.any():
        first = int(wrong.argmax())
        raise DataError(
            f"{int(wrong.sum())} rows have a label that is the number of none of their choices, "
            f"the first of them {data.ids[first]!r}: {data.frame['label'].iloc[first]!r} of {choices[first]} choices",
            hint="the first choice is 0",
        )


class MultipleChoice:
    """Statistic ``right``, 0 or 1: whether the likeliest choice is the right one, which favours short choices.

    A row without label or without any score is unscored. lm-evaluation-harness calls this metric acc.
    """

    name = "multiple_choice"
    needs = frozenset({"label", "choices"})
    metrics: tuple[Metric, ...] = (Metric("multiple_choice_accuracy", "maximize", _MEAN, rows=column_of("right")),)

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Whether every row is right.

        Raises:
            DataError: a row's label is not the number of one of its choices.
        """
        return _right(data, np.asarray(column(outputs, "choice_scores"), dtype=np.float64))


class NormalizedMultipleChoice:
    """Statistic ``right`` of the choice whose log-likelihood a byte is highest, so that length does not count.

    lm-evaluation-harness calls this metric acc_bytes; its acc_norm divides by characters.
    """

    name = "multiple_choice_normalized"
    needs = frozenset({"label", "choices", "choice_bytes"})
    metrics: tuple[Metric, ...] = (
        Metric("multiple_choice_accuracy_normalized", "maximize", _MEAN, rows=column_of("right")),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Whether every row is right.

        Raises:
            DataError: a row's label is not the number of one of its choices.
        """
        scores, size = (np.asarray(column(outputs, f"choice_{part}"), dtype=np.float64) for part in ("scores", "bytes"))
        return _right(data, scores / size)

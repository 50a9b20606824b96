"""Scores that came with the outputs: a ranking score of two classes, or how good somebody found a row's answer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.errors import ObjectiveError
from hpo.evaluators.classification import label_codes, label_list
from hpo.evaluators.outputs import column
from hpo.evaluators.probabilities import area
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs
from hpo.statistics import auc


def _score_roc_auc(stats: Stats, weights: Weights) -> float:
    return area((stats["label"] == 1).astype(np.float64), stats["score"], weights)


def _linear(stats: Stats) -> NDArray[np.float64]:
    return auc.linearised(stats["label"] == 1, stats["score"].astype(np.float64))


class RankingScore:
    """Statistics ``label`` (code) and ``score``: any number that is larger for rows of the second of two classes.

    Its ROC AUC is that of a margin or a log-odds, where there are no probabilities.
    """

    name = "ranking_score"
    needs = frozenset({"label", "score"})
    metrics: tuple[Metric, ...] = (Metric("score_roc_auc", "maximize", _score_roc_auc, linear=_linear),)

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Label and score of every row.

        Raises:
            ObjectiveError: there are not two classes.
            DataError: a row's label is not in the label list.
        """
        labels = label_list(data, outputs)
        if len(labels) != 2:
            what = f"a score ranks the rows of two classes, the data have {len(labels)}"
            raise ObjectiveError(what, hint="give probabilities, one column a class")
        stats = {"label": label_codes(data, labels), "score": np.asarray(column(outputs, "score"), dtype=np.float64)}
        return ExampleScores(data.ids, stats, groups=data.groups)


class OwnScore:
    """Statistic ``score``: how good the row's answer is, as somebody else found (a judge, another metric)."""

    name = "own_score"
    needs = frozenset({"score"})
    metrics: tuple[Metric, ...] = (Metric("mean_score", "maximize", mean_of("score"), rows=column_of("score")),)

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """The score of every row; NaN, which is unscored, where there is none."""
        stats = {"score": np.asarray(column(outputs, "score"), dtype=np.float64)}
        return ExampleScores(data.ids, stats, groups=data.groups)

"""Scores that came with the outputs."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from hpo.errors import ObjectiveError
from hpo.evaluators.given_scores import OwnScore, RankingScore
from hpo.evaluators.score import Scorecard
from hpo.objective import Outputs


def test_a_margin_ranks_the_rows_of_the_second_class(build):
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    rows = build.rows(np.array(["no", "yes"], dtype=object)[truth])
    margin = rng.normal(truth, 1).round(1)
    outputs = Outputs(rows.ids, rows.frame["label"].to_numpy(dtype=object), labels=("no", "yes"), score=margin)
    found = Scorecard("classification", ("no", "yes"), ["score_roc_auc"]).score(rows, outputs)
    assert found.metrics["score_roc_auc"] == pytest.approx(roc_auc_score(truth, margin))


def test_a_margin_of_three_classes_is_refused(three_rows):
    with pytest.raises(ObjectiveError, match="two classes, the data have 3"):
        RankingScore().score(three_rows, Outputs(three_rows.ids, score=np.zeros(3)), None)


def test_a_score_of_the_rows_own_is_averaged(build):
    rows = build.rows([None] * 3)
    scores = OwnScore().score(rows, Outputs(rows.ids, score=np.array([0.5, 1, np.nan])), None)
    assert scores.unscored.tolist() == [False, False, True]
    assert OwnScore.metrics[0].reduce({"score": np.array([0.5, 1.0])}, np.array([1.0, 3.0])) == pytest.approx(0.875)

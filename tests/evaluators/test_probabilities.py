"""ROC AUC, log loss and Brier agree with scikit-learn; calibration agrees with numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hpo.errors import ObjectiveError
from hpo.evaluators.probabilities import Probabilities, reliability
from hpo.objective import Outputs

REDUCE = {metric.name: metric.reduce for metric in Probabilities.metrics}


def statistics(label, probability):
    columns = {f"probability_{code}": column for code, column in enumerate(np.asarray(probability, float).T)}
    return {"label": np.array(label, float), **columns}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 4))
def test_every_metric_equals_scikit_learns(seed, k):
    rng = np.random.default_rng(seed)
    label = np.append(np.arange(k), rng.integers(0, k, 20))
    probability = np.round(rng.dirichlet(np.ones(k), len(label)), 1) + 0.1  # rounded, so that there are ties
    probability /= probability.sum(axis=1, keepdims=True)
    weights = rng.random(len(label)) + 0.1
    stats = statistics(label, probability)
    one_hot = np.eye(k)[label]
    areas = [sk.roc_auc_score(one_hot[:, c], probability[:, c], sample_weight=weights) for c in range(k)]
    assert REDUCE["roc_auc"](stats, weights) == pytest.approx(areas[1] if k == 2 else np.mean(areas))
    assert REDUCE["log_loss"](stats, weights) == pytest.approx(sk.log_loss(label, probability, sample_weight=weights))
    brier = sk.brier_score_loss(label, probability[:, 1] if k == 2 else probability, sample_weight=weights)
    assert REDUCE["brier"](stats, weights) == pytest.approx(brier)


def test_roc_auc_is_undefined_where_a_class_is_absent():
    two = [[0.9, 0.1], [0.2, 0.8]]
    assert np.isnan(REDUCE["roc_auc"](statistics([0, 0], two), np.ones(2)))
    three = [[0.6, 0.3, 0.1], [0.3, 0.6, 0.1]]
    assert np.isnan(REDUCE["roc_auc"](statistics([0, 1], three), np.ones(2)))


def test_ece_by_hand():
    # 15 bins of width 1/15. Confidences .95 (twice; one right) lie in (14/15, 1], gap .45; .70 (right) lies in
    # (10/15, 11/15], gap .30; .60 (wrong) lies in (8/15, 9/15], gap .60. Mean over rows: (2 * .45 + .30 + .60) / 4.
    probability = [[0.95, 0.05], [0.05, 0.95], [0.7, 0.3], [0.6, 0.4]]
    stats = statistics([0, 0, 0, 1], probability)
    assert REDUCE["ece"](stats, np.ones(4)) == pytest.approx(0.45)


def test_bins_are_open_at_the_left_and_closed_at_the_right():
    stats = statistics([0, 0], [[0.6, 0.4], [0.61, 0.39]])
    weight = reliability(stats, np.ones(2), bins=5)[:, 0]
    assert weight.tolist() == [0, 0, 1, 1, 0]


def test_reliability_of_an_empty_bin_is_missing():
    table = reliability(statistics([0], [[0.9, 0.1]]), np.ones(1), bins=2)
    assert np.isnan(table[0, 1:]).all()
    assert table[1].tolist() == [1.0, 0.9, 1.0]


def test_a_model_whose_confidence_is_its_accuracy_is_calibrated():
    stats = statistics([0, 0, 0, 1], [[0.75, 0.25]] * 4)
    assert REDUCE["ece"](stats, np.ones(4)) == pytest.approx(0.0)


def test_certain_and_right_is_perfect_and_certain_and_wrong_stays_finite():
    right, wrong = statistics([0, 1], [[1, 0], [0, 1]]), statistics([0], [[0, 1]])
    assert REDUCE["log_loss"](right, np.ones(2)) == 0 == REDUCE["brier"](right, np.ones(2))
    assert REDUCE["log_loss"](wrong, np.ones(1)) == pytest.approx(36.04, abs=0.01)


def test_a_row_with_a_probability_missing_is_unscored(three_rows):
    probability = np.full((3, 3), 1 / 3)
    probability[1, 2] = np.nan
    outputs = Outputs(three_rows.ids, probabilities=probability, labels=("ant", "bee", "cat"))
    assert Probabilities().score(three_rows, outputs, None).unscored.tolist() == [False, True, False]


def test_probabilities_of_another_number_of_classes_are_refused(three_rows):
    outputs = Outputs(three_rows.ids, probabilities=np.full((3, 2), 0.5), labels=("ant", "bee", "cat"))
    with pytest.raises(ObjectiveError, match=r"\(3, 2\), expected \(3, 3\)"):
        Probabilities().score(three_rows, outputs, None)

"""Classification metrics agree with scikit-learn, and a prediction in no class is wrong."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hpo.errors import DataError, ObjectiveError
from hpo.evaluators.classification import UNMATCHED, Classification, confusion_matrix
from hpo.objective import Outputs


def values(label, prediction, weights=None):
    stats = {"label": np.array(label, float), "prediction": np.array(prediction, float)}
    ones = np.ones(len(label)) if weights is None else np.asarray(weights, float)
    return {metric.name: metric.reduce(stats, ones) for metric in Classification.metrics}


@pytest.mark.filterwarnings("ignore:A single label was found")
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 40), st.integers(2, 5))
def test_every_metric_equals_scikit_learns(seed, n, k):
    rng = np.random.default_rng(seed)
    label, prediction = rng.integers(0, k, n), rng.integers(UNMATCHED, k, n)
    weights = rng.random(n) + 0.1
    ours = values(label, prediction, weights)
    present = np.unique(label)

    def theirs(function, average, labels):
        return function(label, prediction, labels=labels, average=average, sample_weight=weights, zero_division=0)

    assert ours["accuracy"] == pytest.approx(sk.accuracy_score(label, prediction, sample_weight=weights))
    assert ours["mcc"] == pytest.approx(sk.matthews_corrcoef(label, prediction, sample_weight=weights), abs=1e-12)
    for average, labels in (("macro", present), ("weighted", present), ("micro", np.arange(k))):
        assert ours[f"{average}_f1"] == pytest.approx(theirs(sk.f1_score, average, labels))
        assert ours[f"precision_{average}"] == pytest.approx(theirs(sk.precision_score, average, labels))
        assert ours[f"recall_{average}"] == pytest.approx(theirs(sk.recall_score, average, labels))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_binary_metrics_are_of_the_last_label(seed):
    rng = np.random.default_rng(seed)
    label, prediction = np.append(rng.integers(0, 2, 20), 1), np.append(rng.integers(0, 2, 20), 0)
    ours = values(label, prediction)
    assert ours["f1"] == pytest.approx(sk.f1_score(label, prediction, zero_division=0))
    assert ours["precision"] == pytest.approx(sk.precision_score(label, prediction, zero_division=0))
    assert ours["recall"] == pytest.approx(sk.recall_score(label, prediction, zero_division=0))


def test_binary_metrics_are_undefined_for_three_classes_or_without_positives():
    assert np.isnan(values([0, 1, 2], [0, 1, 2])["f1"])
    assert np.isnan(values([0, 0], [0, 1])["f1"])


def test_perfect_predictions_score_one_everywhere():
    scores = values([0, 1, 1, 0], [0, 1, 1, 0])
    assert scores == dict.fromkeys(scores, 1.0)


def test_macro_f1_is_over_the_classes_that_have_rows():
    # By hand: class 0 has TP 1 of 2 true and 1 predicted (F 2/3); class 1 has TP 1 of 1 true and 1 predicted (F 1);
    # class 2 is predicted once but has no rows, so it is no class of the mean.
    assert values([0, 0, 1], [0, 2, 1])["macro_f1"] == pytest.approx((2 / 3 + 1) / 2)


def test_a_class_of_weight_zero_is_no_class_of_the_mean():
    assert values([0, 1, 2], [0, 1, 0], weights=[1, 1, 0])["macro_f1"] == 1.0


def test_without_any_weight_nothing_is_defined():
    assert all(np.isnan(value) for value in values([0, 1], [0, 1], weights=[0, 0]).values())


def test_confusion_matrix_keeps_unmatched_predictions_in_the_last_column():
    stats = {"label": np.array([0.0, 0.0, 1.0]), "prediction": np.array([0.0, -1.0, 0.0])}
    assert confusion_matrix(stats, 2).tolist() == [[1, 0, 1], [1, 0, 0]]
    assert confusion_matrix(stats, 2, np.array([2.0, 0.5, 1.0])).tolist() == [[2, 0, 0.5], [1, 0, 0]]


def test_an_answer_in_no_class_is_wrong_and_counted(three_rows):
    outputs = Outputs(three_rows.ids, np.array(["ant", "dog", None], dtype=object), labels=("ant", "bee", "cat"))
    scores = Classification().score(three_rows, outputs, None)
    assert scores.stats["prediction"].tolist() == [0, UNMATCHED, UNMATCHED]
    assert scores.flags["unmatched"].tolist() == [False, True, True]
    assert not scores.unscored.any()
    assert scores.groups.tolist() == ["g1", "g1", "g2"]


def test_a_row_without_label_is_unscored(build):
    rows = build.rows(["ant", None])
    scores = Classification().score(rows, Outputs(rows.ids, np.array(["ant", "ant"], dtype=object)), None)
    assert scores.unscored.tolist() == [False, True]


def test_a_label_outside_the_list_is_refused(three_rows):
    outputs = Outputs(three_rows.ids, np.array(["ant"] * 3, dtype=object), labels=("ant", "bee"))
    with pytest.raises(DataError, match="cat"):
        Classification().score(three_rows, outputs, None)


def test_outputs_without_prediction_are_refused(three_rows):
    with pytest.raises(ObjectiveError, match="no prediction"):
        Classification().score(three_rows, Outputs(three_rows.ids), None)


@pytest.mark.parametrize("nothing", [None, np.nan, pd.NA])
def test_every_spelling_of_no_answer_is_no_answer(three_rows, nothing):
    outputs = Outputs(three_rows.ids, np.array([nothing, "bee", "cat"], dtype=object), labels=("ant", "bee", "cat"))
    assert Classification().score(three_rows, outputs, None).stats["prediction"].tolist() == [UNMATCHED, 1, 2]

"""Regression metrics agree with scikit-learn; an answer that is no number is unscored."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hpo.evaluators.regression import Regression
from hpo.objective import Outputs

REDUCE = {metric.name: metric.reduce for metric in Regression.metrics}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 30))
def test_every_metric_equals_scikit_learns(seed, n):
    rng = np.random.default_rng(seed)
    target, prediction, weights = rng.random(n) * 9, rng.random(n) * 9, rng.random(n) + 0.1
    stats = {"target": target, "prediction": prediction}
    expected = {
        "mae": sk.mean_absolute_error,
        "rmse": sk.root_mean_squared_error,
        "rmsle": sk.root_mean_squared_log_error,
        "r2": sk.r2_score,
    }
    for name, function in expected.items():
        assert REDUCE[name](stats, weights) == pytest.approx(function(target, prediction, sample_weight=weights))


def test_perfect_predictions():
    stats = {"target": np.array([1.0, 2.0]), "prediction": np.array([1.0, 2.0])}
    assert {name: reduce(stats, np.ones(2)) for name, reduce in REDUCE.items()} == dict(mae=0, rmse=0, rmsle=0, r2=1)


def test_the_mean_explains_nothing():
    stats = {"target": np.array([1.0, 3.0]), "prediction": np.array([2.0, 2.0])}
    assert REDUCE["r2"](stats, np.ones(2)) == 0


def test_undefined_where_the_formula_is():
    constant = {"target": np.array([2.0, 2.0]), "prediction": np.array([1.0, 2.0])}
    negative = {"target": np.array([2.0, 1.0]), "prediction": np.array([-1.5, 2.0])}
    assert np.isnan(REDUCE["r2"](constant, np.ones(2)))
    assert np.isnan(REDUCE["rmsle"](negative, np.ones(2)))
    assert REDUCE["rmsle"](negative, np.array([0.0, 1.0])) == pytest.approx(np.log(3 / 2))


def test_a_prediction_that_overflowed_is_infinitely_wrong():
    stats = {"target": np.array([1.0, 3.0]), "prediction": np.array([np.inf, 3.0])}
    assert REDUCE["mae"](stats, np.ones(2)) == np.inf
    assert REDUCE["mae"](stats, np.array([0.0, 1.0])) == 0


def test_text_that_spells_a_number_counts_and_other_text_is_unscored(build):
    rows = build.rows([1.0, 2.0, 3.0, 4.0])
    outputs = Outputs(rows.ids, np.array(["1.5", "two", None, 4], dtype=object))
    scores = Regression().score(rows, outputs, None)
    np.testing.assert_array_equal(scores.stats["prediction"], [1.5, np.nan, np.nan, 4.0])
    assert scores.unscored.tolist() == [False, True, True, False]

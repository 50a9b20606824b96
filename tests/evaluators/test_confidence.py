"""Confidence of right and wrong answers, and accuracy against coverage, on numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.evaluators.confidence import Confidence, confidence_histogram, coverage_curve
from hpo.objective import Outputs

REDUCE = {metric.name: metric.reduce for metric in Confidence.metrics}
LINEAR = {metric.name: metric.linear for metric in Confidence.metrics}


def statistics(confidence, right):
    return {"confidence": np.array(confidence, float), "right": np.array(right, float)}


def test_by_hand():
    stats = statistics([0.9, 0.8, 0.7, 0.6], [1, 1, 0, 1])
    ones = np.ones(4)
    assert REDUCE["confidence_right"](stats, ones) == pytest.approx((0.9 + 0.8 + 0.6) / 3)
    assert REDUCE["confidence_wrong"](stats, ones) == pytest.approx(0.7)
    assert REDUCE["confidence_gap"](stats, ones) == pytest.approx(0.2 / 3)
    assert REDUCE["accuracy_at_coverage_50"](stats, ones) == 1.0
    # at .80 of 4 rows: 3.2 rows, of which 2 and a fifth of the last are right
    assert REDUCE["accuracy_at_coverage_80"](stats, ones) == pytest.approx(2.2 / 3.2)
    # the risk is 0 to c = .5, then (c - .5) / c to .75, then .25 / c to 1
    area = (0.25 - 0.5 * np.log(0.75 / 0.5)) + 0.25 * np.log(1 / 0.75)
    assert REDUCE["aurc"](stats, ones) == pytest.approx(area)


def test_a_model_that_is_always_equally_sure_has_the_same_accuracy_at_every_coverage():
    stats = statistics([0.8] * 10, [1] * 7 + [0] * 3)
    assert coverage_curve(stats, np.ones(10))[:, 1] == pytest.approx(np.full(100, 0.7))
    assert REDUCE["aurc"](stats, np.ones(10)) == pytest.approx(0.3)


def test_the_area_is_the_mean_of_the_risks_that_the_literature_sums():
    rng = np.random.default_rng(0)
    n = 5000
    confidence = rng.random(n)
    stats = statistics(confidence, rng.random(n) < confidence)
    wrong = 1 - stats["right"][np.argsort(-confidence)]
    summed = np.mean(np.cumsum(wrong) / np.arange(1, n + 1))
    assert REDUCE["aurc"](stats, np.ones(n)) == pytest.approx(summed, abs=np.log(n) / n)
    # right with probability p and p uniform: the risk at coverage c is c / 2, the area 1/4
    assert REDUCE["aurc"](stats, np.ones(n)) == pytest.approx(0.25, abs=0.02)


def test_the_best_order_is_below_and_the_worst_above_chance():
    right = np.repeat([1.0, 0.0], 50)
    best, worst = (statistics(order, right) for order in (np.arange(100, 0, -1), np.arange(100)))
    areas = [REDUCE["aurc"](each, np.ones(100)) for each in (best, worst)]
    # by the integral of the risk: 1 - 1/2 - ln(2) / 2, and 1/2 + ln(2) / 2
    assert areas == pytest.approx([0.5 - np.log(2) / 2, 0.5 + np.log(2) / 2])


def test_curve_and_histograms_hold_every_row():
    stats = statistics([1.0, 0.95, 0.55, 0.5], [1, 0, 1, 0])
    curve = coverage_curve(stats, np.ones(4), points=4)
    assert curve[:, 0].tolist() == [0.25, 0.5, 0.75, 1.0]
    assert curve[:, 1] == pytest.approx([1, 1 / 2, 2 / 3, 1 / 2])
    found = confidence_histogram(stats, np.array([1.0, 2, 1, 1]), bins=10)
    assert found["edges"].tolist() == pytest.approx(np.arange(11) / 10)
    assert found["right"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert found["wrong"].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 2]
    assert coverage_curve(stats, np.zeros(4)).shape == (0, 2)


def test_where_every_row_is_right_nothing_is_known_of_the_wrong():
    stats = statistics([0.9, 0.8], [1, 1])
    assert np.isnan(REDUCE["confidence_wrong"](stats, np.ones(2)))
    assert np.isnan(REDUCE["confidence_gap"](stats, np.ones(2)))
    assert REDUCE["aurc"](stats, np.ones(2)) == 0
    assert all(np.isnan(reduce(stats, np.zeros(2))) for reduce in REDUCE.values())


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 2, 15]))
def test_linearised_values_are_the_slopes_by_weight(seed, digits):
    """z_i = T + n dT/dw_i: what one row more of its kind would change."""
    rng = np.random.default_rng(seed)
    n = 60
    stats = statistics(rng.random(n).round(digits), np.append([0, 1], rng.integers(0, 2, n - 2)))
    for name in ("aurc", "confidence_right", "confidence_wrong", "confidence_gap"):
        slopes = np.empty(n)
        for row in range(n):
            ends = [np.ones(n), np.ones(n)]
            ends[0][row] += 1e-4
            ends[1][row] -= 1e-4
            slopes[row] = (REDUCE[name](stats, ends[0]) - REDUCE[name](stats, ends[1])) / 2e-4
        expected = REDUCE[name](stats, np.ones(n)) + n * slopes
        np.testing.assert_allclose(LINEAR[name](stats), expected, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("name", ["aurc", "accuracy_at_coverage_50", "accuracy_at_coverage_80", "confidence_gap"])
def test_the_spread_of_linearised_values_is_the_standard_error(name):
    """Over 400 samples of 500 rows: the standard error that is told is the spread that is seen."""
    rng = np.random.default_rng(1)
    values, errors = [], []
    for _ in range(400):
        confidence = rng.beta(4, 2, 500)
        stats = statistics(confidence, rng.random(500) < confidence)
        found = LINEAR[name](stats)
        values.append(REDUCE[name](stats, np.ones(500)))
        errors.append(found.std(ddof=1) / np.sqrt(500))
        assert found.mean() == pytest.approx(values[-1])
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.12)  # the spread of 400 has an error of 3.5 %


def test_rows_are_scored_from_probabilities(three_rows):
    probability = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [np.nan, 0.5, 0.5]])
    outputs = Outputs(three_rows.ids, probabilities=probability, labels=("ant", "bee", "cat"))
    scores = Confidence().score(three_rows, outputs, None)
    np.testing.assert_array_equal(scores.stats["right"], [1, 0, np.nan])
    np.testing.assert_array_equal(scores.stats["confidence"], [0.7, 0.6, np.nan])
    assert scores.unscored.tolist() == [False, False, True]
    assert scores.groups.tolist() == ["g1", "g1", "g2"]

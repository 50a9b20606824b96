"""Intervals give published answers, agree with oracles, and refuse where nothing can be said."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from statsmodels.stats.proportion import proportion_confint

from hpo.evaluators import counts
from hpo.statistics import intervals, linearise
from hpo.statistics.values import Settings


@pytest.mark.parametrize(  # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_newcombes_published_ends(successes, n, low, high):
    found = intervals.proportion(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=5e-5)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 400), st.floats(0, 1), st.floats(0.5, 0.999))
def test_wilson_agrees_with_statsmodels_and_mirrors(n, share, confidence):
    successes = round(share * n)
    found = intervals.proportion(successes, n, Settings(confidence=confidence))
    low, high = proportion_confint(successes, n, 1 - confidence, method="wilson")
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-9)
    mirrored = intervals.proportion(n - successes, n, Settings(confidence=confidence))
    assert (1 - mirrored.high, 1 - mirrored.low) == pytest.approx((found.low, found.high), abs=1e-12)
    assert 0 <= found.low <= found.value <= found.high <= 1


def test_mean_agrees_with_the_t_interval():
    values = np.random.default_rng(0).exponential(1, 80)
    found = intervals.mean(values)
    low, high = sps.t.interval(0.95, 79, values.mean(), sps.sem(values))
    assert (found.value, found.low, found.high) == pytest.approx((values.mean(), low, high))


def test_mean_of_zeros_and_ones_is_a_proportion():
    assert intervals.mean(np.array([1.0] * 81 + [0.0] * 182)) == intervals.proportion(81, 263)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.booleans())
def test_a_second_copy_of_every_row_leaves_the_clustered_interval_as_it_was(seed, binary):
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, 30, 100).astype(object)
    values = (rng.random(100) < 0.7).astype(float) if binary else rng.normal(size=100)
    once, twice = intervals.mean(values, groups), intervals.mean(np.tile(values, 2), np.tile(groups, 2))
    assert (once.low, once.high) == pytest.approx((twice.low, twice.high))


def test_clusters_widen_the_interval_where_rows_of_one_are_alike():
    values = np.repeat(np.random.default_rng(0).normal(size=40), 10)
    groups = np.repeat(np.arange(40), 10).astype(object)
    plain, clustered = intervals.mean(values), intervals.mean(values, groups)
    assert (clustered.high - clustered.low) / (plain.high - plain.low) == pytest.approx(math.sqrt(10), rel=0.05)


def test_every_row_its_own_cluster_is_no_cluster_and_rows_without_a_group_stand_alone():
    values = np.random.default_rng(0).normal(size=30)
    assert intervals.mean(values, np.arange(30).astype(object)) == intervals.mean(values)
    assert intervals.mean(values, np.array([None] * 30, dtype=object)) == intervals.mean(values)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (intervals.mean(np.array([0.5, np.nan])), "1 of 2"),
        (intervals.mean(np.array([])), "no rows"),
        (intervals.mean(np.array([0.3])), "one row"),
        (intervals.mean(np.arange(4.0), np.array(["a"] * 4, dtype=object)), "one cluster"),
        (intervals.bootstrap(lambda s, w: float(w @ s["x"]), {"x": np.arange(9.0)}, 9), "needs 10"),
        (intervals.bootstrap(lambda s, w: 1.0, {"x": np.arange(20.0)}, 20), "no spread"),
        (intervals.cells(counts.macro("f1"), np.array([[30.0, 0, 0], [0, 30, 0]])), "no spread"),
        (intervals.cells(counts.macro("f1"), np.array([[60.0, 3, 0], [1, 1, 0]])), "too few rows"),
        (intervals.auc(np.array([1, 1, 1]), np.arange(3.0)), "fewer than two"),
        (intervals.auc(np.array([0, 0, 1, 1]), np.arange(4.0)), "separated"),
    ],
)
def test_what_cannot_be_said_has_no_interval_and_a_reason(found, says):
    assert math.isnan(found.low) and math.isnan(found.high)
    assert says in found.reason


def test_few_clusters_are_warned_of():
    found = intervals.mean(np.random.default_rng(0).normal(size=60), np.repeat(np.arange(6), 10).astype(object))
    assert "only 6 clusters" in found.reason


def test_cells_have_the_distribution_of_the_bootstrap_of_rows():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 3, 300)
    prediction = np.where(rng.random(300) < 0.7, label, rng.integers(-1, 3, 300))
    reduce = counts.macro("f1")
    drawn = intervals.drawn_values(reduce, linearise.confusion(label, prediction, 3), Settings(resamples=4000))
    rows = [rng.integers(0, 300, 300) for _ in range(2000)]
    plain = [float(reduce(linearise.confusion(label[r], prediction[r], 3)[None])[0]) for r in rows]
    assert drawn.mean() == pytest.approx(np.mean(plain), abs=4 * np.std(plain) / math.sqrt(2000))
    assert drawn.std() == pytest.approx(np.std(plain), rel=0.07)


def test_bca_corrects_for_skew_as_scipys_does():
    sample = np.random.default_rng(3).exponential(1, 60)
    rng = np.random.default_rng(0)
    draws = np.array([sample[rng.integers(0, 60, 60)].mean() for _ in range(20_000)])
    acceleration = float(sps.skew(sample)) / (6 * math.sqrt(60))
    oracle = sps.bootstrap((sample,), np.mean, n_resamples=20_000, method="BCa", rng=np.random.default_rng(1))
    ends = intervals.bca(draws, float(sample.mean()), acceleration, 0.95)
    assert ends == pytest.approx((oracle.confidence_interval.low, oracle.confidence_interval.high), abs=0.02)


def test_the_same_seed_gives_the_same_interval_and_more_confidence_a_wider_one():
    stats = {"x": np.random.default_rng(0).normal(size=50)}

    def root(s, w):
        return float(np.sqrt(w @ s["x"] ** 2 / w.sum()))

    first, again = (intervals.bootstrap(root, stats, 50, None, Settings(resamples=500)) for _ in range(2))
    wider = intervals.bootstrap(root, stats, 50, None, Settings(resamples=500, confidence=0.99))
    assert first == again
    assert wider.low < first.low < first.value < first.high < wider.high


def test_beyond_what_can_be_drawn_cells_take_the_normal_limit_and_say_so():
    rng = np.random.default_rng(0)
    matrix = linearise.confusion(rng.integers(0, 60, 40_000), rng.integers(0, 60, 40_000), 60) + np.eye(60, 61) * 500
    found = intervals.cells(counts.macro("f1"), matrix)
    assert found.method == "linearised, t"
    assert found.value == pytest.approx(float(counts.macro("f1")(matrix)))
    assert 0.005 < found.high - found.low < 0.03

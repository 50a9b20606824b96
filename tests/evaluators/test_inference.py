"""Estimates and comparisons of metrics: the test is picked by the metric and the data, and mismatches are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpo.evaluators.classification import Classification
from hpo.evaluators.exact_match import ExactMatch
from hpo.evaluators.inference import compare, compare_seeds, estimate
from hpo.evaluators.perplexity import Perplexity
from hpo.evaluators.probabilities import Probabilities
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.regression import Regression
from hpo.statistics import intervals, paired
from hpo.statistics.values import Settings

METRICS = {
    metric.name: metric
    for evaluator in (Classification, Probabilities, Regression, Perplexity, ExactMatch)
    for metric in evaluator.metrics
}
FAST = Settings(resamples=500)
OWN = Metric("own", "maximize", lambda stats, weights: float(np.median(np.repeat(stats["x"], weights.astype(int)))))


def scores(groups=None, **stats):
    n = len(next(iter(stats.values())))
    return ExampleScores(
        np.array([f"r{i}" for i in range(n)], dtype=object),
        {k: np.asarray(v, float) for k, v in stats.items()},
        groups=groups,
    )


def classified(seed, n=300, k=3, right=0.8):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % k
    prediction = np.where(rng.random(n) < right, label, rng.integers(0, k, n))
    return scores(label=label, prediction=prediction)


def probable(seed, n=300, k=2, sharp=2.0):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % k
    score = rng.normal(size=(n, k)) + sharp * np.eye(k)[label]
    probability = np.exp(score) / np.exp(score).sum(axis=1, keepdims=True)
    return scores(label=label, **{f"probability_{c}": probability[:, c] for c in range(k)})


def regressed(seed, n=300):
    rng = np.random.default_rng(seed)
    target = np.linspace(0, 3, n)
    return scores(target=target, prediction=target + rng.normal(size=n) * 0.3)


def likely(seed, n=300):
    rng = np.random.default_rng(seed)
    tokens = 5 + np.arange(n) % 40
    return scores(nll_sum=tokens * rng.gamma(8, 0.25, n), n_tokens=tokens, n_bytes=tokens * 4)


CASES = [
    ("accuracy", classified, "Wilson", "McNemar mid-p"),
    ("macro_f1", classified, "BCa over cells", "paired bootstrap on cells"),
    ("mcc", classified, "BCa over cells", "paired bootstrap on cells"),
    ("roc_auc", probable, "DeLong", "DeLong"),
    ("log_loss", probable, "t", "paired t"),
    ("brier", probable, "t", "paired t"),
    ("ece", probable, "linearised", "linearised, paired t"),
    ("mae", regressed, "t", "paired t"),
    ("rmse", regressed, "linearised", "linearised, paired t"),
    ("r2", regressed, "linearised", "linearised, paired t"),
    ("perplexity", likely, "linearised", "linearised, paired t"),
    ("bits_per_byte", likely, "linearised", "linearised, paired t"),
]


@pytest.mark.parametrize(("name", "draw", "interval", "test"), CASES)
def test_the_interval_and_the_test_are_picked_by_the_metric(name, draw, interval, test):
    metric, a, b = METRICS[name], draw(1), draw(2)
    found = estimate(metric, a, FAST)
    assert found.value == pytest.approx(metric.reduce(a.stats, np.ones(300)))
    assert found.low < found.value < found.high
    assert found.method.startswith(interval)
    compared = compare(metric, a, b, FAST)
    expected = metric.reduce(a.stats, np.ones(300)) - metric.reduce(b.stats, np.ones(300))
    assert compared.difference == pytest.approx(expected, abs=1e-9)
    assert compared.low < compared.difference < compared.high
    assert compared.method.startswith(test)


@pytest.mark.parametrize(("name", "draw"), [case[:2] for case in CASES if case[0] != "ece"])  # which resampling lifts
def test_every_closed_form_agrees_with_the_bootstrap_of_rows(name, draw):
    metric, a = METRICS[name], draw(3)
    closed = estimate(metric, a)
    resampled = intervals.bootstrap(metric.reduce, a.stats, 300, None, Settings(resamples=1500))
    assert closed.high - closed.low == pytest.approx(resampled.high - resampled.low, rel=0.15)


@pytest.mark.parametrize(("name", "draw"), [case[:2] for case in CASES])
def test_a_second_copy_of_every_row_in_its_cluster_changes_nothing(name, draw):
    metric, a, b = METRICS[name], draw(4), draw(5)
    groups = (np.arange(300) // 5).astype(object)

    def times(each, copies):
        return scores(np.tile(groups, copies), **{key: np.tile(v, copies) for key, v in each.stats.items()})

    once, twice = (compare(metric, times(a, copies), times(b, copies), FAST) for copies in (1, 2))
    assert once.groups == 60
    assert (once.low, once.high, once.p_value) == pytest.approx((twice.low, twice.high, twice.p_value), abs=1e-4)
    one, two = (estimate(metric, times(a, copies), FAST) for copies in (1, 2))
    assert (one.low, one.high) == pytest.approx((two.low, two.high), abs=1e-4)


@pytest.mark.parametrize(("name", "draw"), [case[:2] for case in CASES])
def test_a_model_against_itself_is_p_1(name, draw):
    found = compare(METRICS[name], draw(1), draw(1), FAST)
    assert (found.difference, found.p_value, found.verdict) == (0.0, 1.0, "undecided")


def test_a_metric_of_ones_own_is_bootstrapped():
    a, b = scores(x=np.arange(40.0)), scores(x=np.arange(40.0) + 3)
    assert estimate(OWN, a, FAST).method.startswith("percentile bootstrap")
    found = compare(OWN, a, b, FAST)
    assert found.difference == -3.0
    assert found.method.startswith("paired bootstrap")


def test_rows_in_another_order_are_matched_by_id():
    a, b = classified(1), classified(2)
    order = np.random.default_rng(0).permutation(300)
    mixed = ExampleScores(b.ids[order], {key: v[order] for key, v in b.stats.items()})
    assert compare(METRICS["accuracy"], a, mixed) == compare(METRICS["accuracy"], a, b)


def test_other_rows_other_labels_and_unscored_rows_are_refused_by_name():
    a, b = classified(1), classified(2)
    fewer = ExampleScores(b.ids[:-1], {key: v[:-1] for key, v in b.stats.items()})
    relabelled = ExampleScores(b.ids, {**b.stats, "label": np.where(np.arange(300) == 7, 0, b.stats["label"])})
    unscored = ExampleScores(
        b.ids, {**b.stats, "label": b.stats["label"], "prediction": np.where(np.arange(300) == 9, np.nan, 1.0)}
    )
    twice = ExampleScores(np.where(np.arange(300) == 1, "r0", b.ids).astype(object), b.stats)
    for other, says in ((fewer, "r299"), (relabelled, "labels in 1 rows (r7)"), (unscored, "r9"), (twice, "twice")):
        found = compare(METRICS["accuracy"], a, other)
        assert (found.verdict, found.p_value) == ("refused", None)
        assert says in found.reason


def test_degenerate_data_give_nan_and_a_reason_never_an_exception():
    none = scores(label=[], prediction=[])
    for name in ("accuracy", "macro_f1", "mcc", "f1"):
        found = estimate(METRICS[name], none)
        assert math.isnan(found.value) and found.reason
        assert compare(METRICS[name], none, none).verdict == "refused"
    three = estimate(METRICS["f1"], classified(0))
    assert math.isnan(three.value) and "undefined" in three.reason
    assert "undefined" in compare(METRICS["f1"], classified(0), classified(1)).reason
    one_class = scores(label=np.zeros(50), probability_0=np.full(50, 0.6), probability_1=np.full(50, 0.4))
    assert math.isnan(estimate(METRICS["roc_auc"], one_class).value)
    perfect = estimate(METRICS["macro_f1"], scores(label=np.arange(30) % 3, prediction=np.arange(30) % 3))
    assert (perfect.value, math.isnan(perfect.low)) == (1.0, True)


def test_too_many_unscored_rows_leave_no_estimate_and_a_few_are_named():
    prediction = np.ones(100)
    prediction[:4] = np.nan
    few = estimate(METRICS["mae"], scores(target=np.ones(100), prediction=prediction))
    assert (few.n, few.value) == (96, 0.0)
    assert "4 rows unscored" in few.reason
    prediction[:6] = np.nan
    many = estimate(METRICS["mae"], scores(target=np.ones(100), prediction=prediction))
    assert math.isnan(many.value)
    assert "6 of 100 rows could not be scored" in many.reason


@pytest.mark.parametrize("name", ["accuracy", "macro_f1", "weighted_f1", "mcc"])
def test_seeds_are_crossed_with_rows(name):
    a, b = ([classified(seed + 100 * side, n=600, right=r) for seed in range(5)] for side, r in ((1, 0.85), (2, 0.7)))
    found = compare_seeds(METRICS[name], a, b)
    means = [np.mean([METRICS[name].reduce(each.stats, np.ones(600)) for each in side]) for side in (a, b)]
    assert found.seeds == 5
    assert found.difference == pytest.approx(means[0] - means[1])
    assert found.verdict == "better"
    assert compare_seeds(METRICS[name], b, a).difference == pytest.approx(-found.difference)


def test_one_seed_rare_classes_and_metrics_without_rows_are_refused_over_seeds():
    one, five = [classified(1)], [classified(seed) for seed in range(5)]
    assert "five seeds" in compare_seeds(METRICS["accuracy"], one, five).reason
    rare = [scores(label=np.r_[np.zeros(50), 1, 1], prediction=np.arange(52) % 2) for _ in range(3)]
    assert "fewer than 5 rows" in compare_seeds(METRICS["macro_f1"], rare, rare).reason
    assert compare_seeds(METRICS["weighted_f1"], rare, rare).verdict != "refused"
    own = [scores(x=np.arange(40.0))] * 3
    assert "no values of single rows" in compare_seeds(OWN, own, own).reason
    assert compare_seeds(METRICS["accuracy"], [], five).verdict == "refused"


def test_the_interval_of_a_calibrated_models_error_reaches_down_to_0():
    reached = []
    for seed in range(100):
        rng = np.random.default_rng(seed)
        sure = rng.uniform(0.5, 1, 500)
        label = (rng.random(500) < sure).astype(float)
        found = estimate(METRICS["ece"], scores(label=label, probability_0=1 - sure, probability_1=sure))
        assert 0.01 < found.value < found.high  # chance alone lifts the estimate
        reached.append(found.low == 0.0)
    assert sum(reached) >= 93


def test_groups_of_rows_reach_the_test():
    a, b = classified(1), classified(2)
    grouped = ExampleScores(a.ids, a.stats, groups=(np.arange(300) // 3).astype(object))
    found = compare(METRICS["accuracy"], grouped, b)
    assert found.groups == 100
    expected = paired.means(
        a.stats["label"] == a.stats["prediction"], b.stats["label"] == b.stats["prediction"], grouped.groups
    )
    assert found == expected

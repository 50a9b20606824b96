"""Two models on the same items: published answers, known defects of libraries, and what swapping must not change."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from statsmodels.regression.linear_model import OLS
from statsmodels.stats.contingency_tables import mcnemar

from hpo.evaluators import counts
from hpo.statistics import paired, paired_cells, proportions, resampling
from hpo.statistics.values import Settings

FAST = Settings(resamples=500)


def answers(both, only_a, only_b, neither):
    """Right or wrong answers of two models with this fourfold table."""
    a = np.repeat([1.0, 1.0, 0.0, 0.0], [both, only_a, only_b, neither])
    b = np.repeat([1.0, 0.0, 1.0, 0.0], [both, only_a, only_b, neither])
    return a, b


@pytest.mark.parametrize(  # Fagerland, Lydersen & Laake 2013, BMC Med Res Methodol 13:91, tables 1, 2 and 6
    ("table", "exact", "mid_p"), [((1, 1, 7, 12), 0.070, 0.039), ((59, 6, 16, 80), 0.052, 0.035)]
)
def test_mcnemar_gives_the_published_mid_p(table, exact, mid_p):
    assert mcnemar([[table[0], table[1]], [table[2], table[3]]], exact=True).pvalue == pytest.approx(exact, abs=6e-4)
    assert proportions.mcnemar_mid_p(table[1], table[2]) == pytest.approx(mid_p, abs=6e-4)


def test_newcombe_gives_the_published_interval():
    """Fagerland, Lydersen & Laake 2014, Statistics in Medicine 33:2850, airway example: -0.507 to -0.026."""
    assert proportions.newcombe((1, 1, 7, 12), 0.95) == pytest.approx((-0.507, -0.026), abs=5e-4)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200))
def test_mid_p_is_the_exact_p_less_one_pmf(only_a, only_b):
    found = proportions.mcnemar_mid_p(only_a, only_b)
    if only_a == only_b:
        expected = 1 - sps.binom.pmf(only_a, 2 * only_a, 0.5) / 2 if only_a else 1.0
    else:
        exact = mcnemar([[0, only_a], [only_b, 0]], exact=True).pvalue
        expected = exact - sps.binom.pmf(min(only_a, only_b), only_a + only_b, 0.5)
    assert found == pytest.approx(expected, rel=1e-9)


def test_no_disagreement_is_p_1_where_statsmodels_says_0():
    found = paired.means(*answers(50, 0, 0, 30))
    assert (found.difference, found.p_value, found.verdict) == (0.0, 1.0, "undecided")
    assert found.low < 0 < found.high


def test_identical_scores_are_p_1_where_scipy_says_nan():
    scores = np.random.default_rng(0).normal(size=80)
    found = paired.means(scores, scores)
    assert math.isnan(sps.ttest_rel(scores, scores).pvalue)
    assert (found.difference, found.p_value) == (0.0, 1.0)


@pytest.mark.parametrize("n", [5, 12, 30, 200])
def test_a_constant_shift_is_never_certain_where_scipy_says_0(n):
    scores = np.random.default_rng(0).integers(0, 8, n) / 8
    found = paired.means(scores + 0.25, scores)
    assert found.p_value >= 2 / 2**n
    assert found.p_value >= 1 / (Settings().resamples + 1) or n <= resampling.EXACT
    assert "no width" in found.warnings[0]


def test_paired_t_is_scipys():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.1, 1, (2, 100))
    oracle = sps.ttest_rel(a, b)
    found = paired.means(a, b)
    assert found.method == "paired t"
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(oracle.confidence_interval()))


def test_sign_flips_are_exact_for_darwins_maize():
    """Fisher 1935, The Design of Experiments, section 21: of the 2^15 sums 863 on each side are as far out."""
    darwin = np.array([49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]) / 8
    every = 1.0 - 2.0 * ((np.arange(2**15)[:, None] >> np.arange(15)) & 1)
    exact = float(np.mean(np.abs(every @ darwin) >= abs(darwin.sum()) - 1e-9))
    assert exact == pytest.approx(2 * 863 / 2**15)
    assert paired.differences(darwin).p_value == pytest.approx(exact, abs=4 * math.sqrt(exact / 10_000))


def test_sign_flips_are_scipys_permutation_test():
    values = np.random.default_rng(1).normal(0.4, 1, 10)
    oracle = sps.permutation_test((values,), np.mean, permutation_type="samples", n_resamples=np.inf)
    assert paired.differences(values).p_value == pytest.approx(oracle.pvalue)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.integers(6, 13))
def test_the_interval_of_sign_flips_excludes_0_exactly_where_the_test_rejects(seed, n):
    values = np.random.default_rng(seed).normal(0.6, 1, n)
    found = paired.differences(values)
    assert (found.p_value <= 0.05) == (not found.low <= 0 <= found.high)


def test_few_differences_cannot_reject_by_design():
    found = paired.means(np.array([0.9, 0.8, 0.7, 0.95]), np.array([0.1, 0.2, 0.15, 0.3]))
    assert found.p_value == 0.125 == found.smallest_p
    assert found.verdict == "undecided"
    assert "cannot reject by design" in found.reason


def test_the_cluster_robust_error_is_that_of_statsmodels():
    rng = np.random.default_rng(0)
    code = np.repeat(np.arange(25), rng.integers(1, 9, 25))
    d = rng.normal(size=25)[code] + rng.normal(size=len(code))
    fitted = OLS(d, np.ones(len(d))).fit(cov_type="cluster", cov_kwds={"groups": code, "use_correction": False})
    expected = fitted.bse[0] * math.sqrt(25 / 24)
    found = paired.means(d, np.zeros(len(d)), code.astype(object))
    assert found.groups == 25
    assert (found.high - found.low) / 2 == pytest.approx(expected * sps.t.ppf(0.975, 24))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (paired.means(np.ones(3), np.ones(4)), "same items"),
        (paired.means(np.array([]), np.array([])), "no items"),
        (paired.means(np.array([0.1, np.nan, np.inf]), np.zeros(3)), "rows 1, 2"),
        (paired.means(np.arange(9.0), np.zeros(9), np.array(["a"] * 9, dtype=object)), "one cluster"),
        (paired.auc(np.ones(20), np.arange(20.0), np.arange(20.0)), "each class"),
        (paired.linear(np.arange(9.0), np.zeros(9)), "need 50"),
        (paired.bootstrap(lambda s, w: 0.0, {"x": np.arange(9.0)}, {"x": np.arange(9.0)}), "needs 10"),
        (paired.bootstrap(lambda s, w: 0.0, {"x": np.arange(19.0)}, {"x": np.arange(18.0)}), "same items"),
        (paired.bootstrap(lambda s, w: np.nan, {"x": np.arange(19.0)}, {"x": np.arange(19.0)}), "undefined"),
        (paired_cells.cells(counts.macro("f1"), np.arange(5), np.arange(5), np.arange(5)), "needs 10"),
    ],
)
def test_refusals_are_values_that_say_what_would_answer(found, says):
    assert (found.verdict, found.p_value) == ("refused", None)
    assert math.isnan(found.difference)
    assert says in found.reason


def test_few_clusters_are_judged_by_flipping_them():
    rng = np.random.default_rng(0)
    code = np.repeat(np.arange(8), 5)
    d = rng.normal(0.5, 1, 40)
    found = paired.means(d, np.zeros(40), code.astype(object))
    assert found.p_value == pytest.approx(resampling.sign_flip(np.bincount(code, d), 1, 0))
    assert found.p_value * 2**8 == pytest.approx(round(found.p_value * 2**8))
    assert "only 8 clusters" in found.warnings[0]


def brute_force(label, a, b):
    """DeLong, DeLong & Clarke-Pearson 1988, eq. 3 to 6, pair by pair."""
    areas, psis = [], []
    for score in (a, b):
        positive, negative = score[label], score[~label]
        psi = (positive[:, None] > negative) + 0.5 * (positive[:, None] == negative)
        areas.append(psi.mean())
        psis.append((psi.mean(axis=1), psi.mean(axis=0)))
    of = [np.cov(np.stack([each[side] for each in psis])) / len(psis[0][side]) for side in (0, 1)]
    spread = of[0] + of[1]
    return areas[0] - areas[1], math.sqrt(spread[0, 0] + spread[1, 1] - 2 * spread[0, 1])


@pytest.mark.parametrize("decimals", [1, 8])  # with ties and without
def test_delong_by_midranks_is_delong_by_pairs(decimals):
    rng = np.random.default_rng(0)
    label = rng.random(90) < 0.4
    a, b = (np.round(rng.normal(size=90) + shift * label, decimals) for shift in (1.2, 0.8))
    difference, error = brute_force(label, a, b)
    found = paired.auc(label, a, b)
    assert found.difference == pytest.approx(difference)
    assert found.p_value == pytest.approx(2 * sps.norm.sf(abs(difference) / error), rel=1e-4)
    assert found.high - found.low == pytest.approx(2 * 1.959964 * error, rel=1e-4)


def test_areas_without_any_variance_are_p_1():
    label = np.arange(20) >= 10
    found = paired.auc(label, np.arange(20.0), -np.arange(20.0))
    assert (found.difference, found.p_value) == (1.0, 1.0)
    assert found.warnings


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_swapping_the_models_negates_and_the_order_of_rows_is_nothing(seed):
    rng = np.random.default_rng(seed)
    n = 60
    label, shuffled = np.arange(n) % 3, rng.permutation(n)
    first, second = (np.where(rng.random(n) < 0.7, label, rng.integers(0, 3, n)) for _ in range(2))
    real = rng.normal(size=(2, n)) + 0.2
    groups = (np.arange(n) // 2).astype(object)
    forms = {
        "binary": lambda a, b, rows: paired.means((a == label)[rows] * 1.0, (b == label)[rows] * 1.0),
        "real": lambda a, b, rows: paired.means(a[rows], b[rows]),
        "clustered": lambda a, b, rows: paired.means(a[rows], b[rows], groups[rows]),
        "auc": lambda a, b, rows: paired.auc(label[rows] > 0, a[rows], b[rows]),
        "cells": lambda a, b, rows: paired_cells.cells(counts.macro("f1"), label[rows], a[rows], b[rows], FAST),
    }
    for name, compare in forms.items():
        a, b = (first, second) if name in ("binary", "cells") else real
        there, back, mixed = compare(a, b, slice(None)), compare(b, a, slice(None)), compare(a, b, shuffled)
        assert back.difference == pytest.approx(-there.difference)
        assert mixed.difference == pytest.approx(there.difference)
        assert mixed.p_value == pytest.approx(there.p_value)
        if name != "cells":  # whose draws of a and b differ, so that only their law is the same
            assert (back.low, back.high) == pytest.approx((-there.high, -there.low), abs=1e-12)
            assert back.p_value == pytest.approx(there.p_value)
        else:
            assert back.p_value == pytest.approx(there.p_value, abs=0.12)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_a_second_copy_of_every_item_changes_no_clustered_error(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, 120))
    groups = rng.integers(0, 40, 120).astype(object)
    once, twice = paired.means(a, b, groups), paired.means(np.tile(a, 2), np.tile(b, 2), np.tile(groups, 2))
    assert (once.low, once.high, once.p_value) == pytest.approx((twice.low, twice.high, twice.p_value))


def test_identical_models_are_p_1_under_every_test():
    rng = np.random.default_rng(0)
    label, score = rng.integers(0, 2, 100), rng.random(100)
    groups = (np.arange(100) // 4).astype(object)
    stats = {"x": score}
    for found in (
        paired.means(score, score, groups),
        paired.auc(label, score, score),
        paired_cells.cells(counts.macro("f1"), label, score > 0.5, score > 0.5, FAST),
        paired.bootstrap(lambda s, w: float(w @ s["x"]), stats, stats, settings=FAST),
        paired.linear(score, score),
    ):
        assert (found.difference, found.p_value) == (0.0, 1.0), found.method
        assert found.verdict == "undecided"


def test_swapping_predictions_has_the_distribution_of_swapping_rows():
    rng = np.random.default_rng(0)
    n = 200
    label = rng.integers(0, 3, n)
    a, b = (np.where(rng.random(n) < share, label, rng.integers(0, 3, n)) for share in (0.75, 0.65))
    reduce = counts.macro("f1")
    found = paired_cells.cells(reduce, label, a, b, Settings(resamples=4000))

    def f1(prediction):
        return float(reduce(paired_cells.linearise.confusion(label, prediction, 3)))

    null = []
    for _ in range(3000):
        swap = rng.random(n) < 0.5
        null.append(abs(f1(np.where(swap, b, a)) - f1(np.where(swap, a, b))))
    plain = resampling.permutation_p(abs(f1(a) - f1(b)), np.array(null))
    assert found.p_value == pytest.approx(plain, abs=5 * math.sqrt(plain / 3000) + 1e-3)


def test_a_class_too_rare_to_resample_is_refused_for_macro_f1_and_not_for_mcc():
    label = np.array([0] * 60 + [1] * 2)
    a, b = label.copy(), label.copy()
    a[:5], b[60] = 1, 0
    assert paired_cells.cells(counts.macro("f1"), label, a, b, FAST).verdict == "refused"
    assert paired_cells.cells(counts.weighted("f1"), label, a, b, FAST).verdict != "refused"


@pytest.mark.parametrize("shift", [0.0, 0.02, 0.06])
def test_equivalent_means_that_the_90_percent_interval_lies_within_the_margin(shift):
    rng = np.random.default_rng(0)
    d = rng.normal(shift, 0.2, 400)
    found = paired.means(d, np.zeros(400), None, Settings(equivalence_margin=0.05))
    inner = paired.means(d, np.zeros(400), None, Settings(confidence=0.90))
    within = inner.low > -0.05 and inner.high < 0.05
    assert (found.equivalence_p <= 0.05) == within
    t = (0.05 - abs(d.mean())) / sps.sem(d)
    assert found.equivalence_p == pytest.approx(min(sps.t.sf(t, 399), 0.5), abs=1e-6)


def test_without_a_margin_nothing_is_equivalent():
    a, b = answers(4000, 20, 20, 1000)
    assert paired.means(a, b).verdict == "undecided"
    assert paired.means(a, b, None, Settings(equivalence_margin=0.01)).verdict == "equivalent"


def test_many_cells_take_the_normal_limit_and_say_so():
    rng = np.random.default_rng(0)
    label, n = rng.integers(0, 50, 30_000), 30_000
    a, b = (np.where(rng.random(n) < 0.6, label, rng.integers(0, 50, n)) for _ in range(2))
    found = paired_cells.cells(counts.macro("f1"), label, a, b)
    assert found.method == "linearised, paired t"
    assert found.low < found.difference < found.high


def test_an_undecided_comparison_says_how_many_rows_would_decide():
    found = paired.means(*answers(400, 30, 20, 50))
    assert found.verdict == "undecided"
    assert "more rows would decide" in found.reason
    assert found.minimum_detectable_effect == pytest.approx(0.0396, abs=5e-4)

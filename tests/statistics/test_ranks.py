"""Ranks over data sets: published answers, oracles, and the refusal below six."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from statsmodels.stats.contingency_tables import cochrans_q

from hpo.statistics import ranks
from hpo.statistics.many import cochran_q
from hpo.statistics.values import Settings

ROUNDING = np.array(  # Hollander & Wolfe 1973, table 7.1: 22 players rounding first base in three ways, seconds
    [
        *([5.40, 5.50, 5.55], [5.85, 5.70, 5.75], [5.20, 5.60, 5.50], [5.55, 5.50, 5.40], [5.90, 5.85, 5.70]),
        *([5.45, 5.55, 5.60], [5.40, 5.40, 5.35], [5.45, 5.50, 5.35], [5.25, 5.15, 5.00], [5.85, 5.80, 5.70]),
        *([5.25, 5.20, 5.10], [5.65, 5.55, 5.45], [5.60, 5.35, 5.45], [5.05, 5.00, 4.95], [5.50, 5.50, 5.40]),
        *([5.45, 5.55, 5.50], [5.55, 5.55, 5.35], [5.45, 5.50, 5.55], [5.50, 5.45, 5.25], [5.65, 5.60, 5.40]),
        *([5.70, 5.65, 5.55], [6.30, 6.30, 6.25]),
    ]
)


def test_friedmans_chi_squared_is_the_published_11_14():
    chi2 = 11.143  # with ties; p = .0038
    found = ranks.friedman(ROUNDING)
    assert sps.friedmanchisquare(*ROUNDING.T).statistic == pytest.approx(chi2, abs=1e-3)
    assert found.statistic == pytest.approx(21 * chi2 / (22 * 2 - chi2), abs=1e-3)
    assert found.p_value == pytest.approx(sps.f.sf(found.statistic, 2, 42))


@pytest.mark.parametrize(("k", "q"), [(2, 1.960), (3, 2.343), (4, 2.569), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_has_demsars_quantiles(k, q):
    """Demsar 2006, table 5a; rows of 14 data sets and 4 models have CD 1.25 (section 3.2.4)."""
    assert ranks.critical_difference(30, k) == pytest.approx(q * math.sqrt(k * (k + 1) / 180), rel=3e-4)
    assert ranks.critical_difference(14, 4) == pytest.approx(1.25, abs=5e-3)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(6, 12))
def test_wilcoxon_without_ties_is_scipys_exact_test_and_its_interval_agrees(seed, n):
    a, b = np.random.default_rng(seed).normal(0.4, 1, (2, n))
    b -= 0.8
    found = ranks.wilcoxon(a, b)
    assert found.p_value == pytest.approx(sps.wilcoxon(a, b, method="exact").pvalue)
    assert (found.p_value <= 0.05) == (not found.low <= 0 <= found.high)


def test_zero_differences_are_split_over_both_sides():
    d = np.array([0.0, 0.0, 1.0, 2.0, -3.0, 4.0, 5.0, 6.0])
    signed = np.sign(d) * sps.rankdata(np.abs(d))
    flips = 1 - 2 * ((np.arange(256)[:, None] >> np.arange(8)) & 1)
    expected = np.mean(np.abs(flips @ signed) >= abs(signed.sum()))
    assert ranks.wilcoxon(d, np.zeros(8)).p_value == pytest.approx(expected)
    assert ranks.wilcoxon(np.ones(8), np.ones(8)).p_value == 1.0


def test_several_models_are_ranked_tested_and_paired():
    scores = -ROUNDING  # seconds: less is better
    found = ranks.several(scores)
    assert found.mean_ranks == pytest.approx([53 / 22, 47 / 22, 32 / 22])  # rank sums as published
    minimised = ranks.several(ROUNDING, direction="minimize")
    assert minimised.mean_ranks == pytest.approx(found.mean_ranks)
    assert [(a, b) for a, b, _ in found.pairs] == [(0, 1), (0, 2), (1, 2)]
    assert all(pair.p_adjusted >= pair.p_value for _, _, pair in found.pairs)
    assert found.pairs[2][2].verdict == "better"
    written = found.as_dict(["out", "narrow", "wide"])
    assert written["mean_ranks"]["wide"] == pytest.approx(32 / 22)
    assert written["sentence"].startswith("wide has the best mean rank")


def test_fewer_than_six_data_sets_are_only_described():
    found = ranks.several(ROUNDING[:5])
    assert math.isnan(found.omnibus.p_value) and math.isnan(found.critical_difference)
    assert len(found.mean_ranks) == 3
    assert {pair.verdict for _, _, pair in found.pairs} == {"refused"}
    assert "6 or more" in found.reason


def test_missing_scores_are_refused_not_dropped():
    scores = ROUNDING.copy()
    scores[3, 1] = np.nan
    found = ranks.several(scores)
    assert "1 of 22 data sets" in found.reason
    assert np.isfinite(found.mean_ranks).all()


def test_two_models_take_wilcoxon_alone_and_models_that_tie_throughout_are_p_1():
    found = ranks.several(ROUNDING[:, :2])
    assert found.omnibus.p_value == found.pairs[0][2].p_value
    assert ranks.friedman(np.ones((8, 3))).p_value == 1.0
    ordered = ranks.friedman(np.tile([1.0, 2.0, 3.0], (8, 1)))
    assert ordered.p_value == pytest.approx(math.exp(-8))  # chi2 = N (k - 1) = 16 with 2 degrees of freedom


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(3, 6))
def test_cochrans_q_is_statsmodels(seed, k):
    correct = (np.random.default_rng(seed).random((60, k)) < np.linspace(0.5, 0.8, k)).astype(int)
    oracle = cochrans_q(correct)
    found = cochran_q(correct)
    assert (found.statistic, found.p_value) == pytest.approx((oracle.statistic, oracle.pvalue))


def test_cochrans_q_of_the_published_media_is_8_05():
    """Cochran 1950, table 1: growth of diphtheria specimens on four media: Q = 8.05, P about .045."""
    pattern = [(1, 1, 1, 1)] * 4 + [(1, 1, 0, 1)] * 2 + [(0, 1, 1, 1)] * 3 + [(0, 1, 0, 1)] + [(0, 0, 0, 0)] * 59
    found = cochran_q(np.array(pattern))
    assert found.statistic == pytest.approx(8.05, abs=5e-3)
    assert found.p_value == pytest.approx(0.045, abs=5e-4)


def test_cochrans_q_says_what_it_cannot_do():
    assert cochran_q(np.ones((9, 3))).p_value == 1.0
    assert "compare the pair" in cochran_q(np.ones((9, 2))).reason
    assert "other than 0 and 1" in cochran_q(np.full((9, 3), np.nan)).reason


def test_settings_decide_the_confidence():
    wide = ranks.critical_difference(10, 3, Settings(confidence=0.99))
    assert wide > ranks.critical_difference(10, 3)

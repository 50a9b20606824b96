"""Holm and Benjamini-Hochberg give published answers; verdicts follow the adjusted p-values."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from hpo.statistics.multiplicity import adjust, benjamini_hochberg, holm
from hpo.statistics.paired import means
from hpo.statistics.values import Comparison, Settings
from hpo.statistics.verdicts import refused

# Benjamini & Hochberg 1995, J R Stat Soc B 57:289, section 4.1: 15 hypotheses of a myocardial infarction study.
PUBLISHED = [
    *(0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344),
    *(0.0459, 0.3240, 0.4262, 0.5719, 0.6528, 0.7590, 1.0000),
]


def comparison(p, **more):
    return Comparison("test", 100, 0.1, 0.0, 0.2, p, "undecided", **more)


def test_the_false_discovery_rate_rejects_four_of_the_published_and_holm_three():
    assert (benjamini_hochberg(PUBLISHED) <= 0.05).sum() == 4
    assert (holm(PUBLISHED) <= 0.05).sum() == 3


def test_adjusted_values_are_those_that_can_be_had_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert benjamini_hochberg([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.02, 0.04, 0.04, 0.02])
    assert holm([0.5, 0.6]) == pytest.approx([1.0, 1.0])
    assert len(holm([])) == 0


@settings(max_examples=6, deadline=None)  # the oracle takes a fifth of a second
@given(st.lists(st.floats(0, 1), min_size=5, max_size=20))
def test_both_agree_with_statsmodels_in_any_order(p):
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])


def test_a_missing_p_stays_missing_and_counts_for_nothing():
    found = holm([0.02, math.nan, 0.03])
    assert math.isnan(found[1])
    assert found[[0, 2]] == pytest.approx([0.04, 0.04])


def test_verdicts_follow_the_adjusted_p():
    found = adjust([comparison(0.001), comparison(0.03), comparison(0.04)])
    assert [each.p_adjusted for each in found] == pytest.approx([0.003, 0.06, 0.06])
    assert [each.verdict for each in found] == ["better", "undecided", "undecided"]
    assert "adjusted p = 0.06" in found[1].reason


def test_refused_comparisons_stay_refused_and_count_for_nothing():
    found = adjust([refused("no rows", 0), comparison(0.03), comparison(0.04)])
    assert (found[0].verdict, found[0].p_adjusted) == ("refused", None)
    assert [each.p_adjusted for each in found[1:]] == pytest.approx([0.06, 0.06])


def test_no_correction_leaves_p_as_it_is():
    found = adjust([comparison(0.03), comparison(0.04)], Settings(correction="none"))
    assert [each.p_adjusted for each in found] == pytest.approx([0.03, 0.04])
    assert {each.verdict for each in found} == {"better"}


def test_equivalence_is_claimed_only_with_a_margin_and_only_after_its_own_correction():
    both = [comparison(0.5, equivalence_p=0.03), comparison(0.5, equivalence_p=0.04)]
    assert [each.verdict for each in adjust(both[:1], Settings(equivalence_margin=0.1))] == ["equivalent"]
    assert {each.verdict for each in adjust(both, Settings(equivalence_margin=0.1))} == {"undecided"}
    assert adjust(both[:1])[0].verdict == "undecided"


def test_a_test_that_cannot_reach_the_level_of_its_family_says_so():
    d = np.array([0.1, 0.2, 0.15, 0.3, 0.12, 0.22])  # six values: the smallest p is 1/32
    one = means(d, np.zeros(6))
    assert (one.p_value, one.verdict) == (1 / 32, "better")
    found = adjust([one, replace(one), comparison(0.9)])
    assert "cannot reject by design among 3" in found[0].warnings[-1]
    assert found[0].verdict == "undecided"

"""Effect sizes and sample sizes give published answers and agree with oracles."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_effectsize

from hpo.statistics import effects, power
from hpo.statistics.values import Settings


@pytest.mark.parametrize(("p_a", "p_b", "h"), [(0.5, 0.4, 0.201), (0.65, 0.45, 0.405), (0.25, 0.05, 0.596)])
def test_cohens_h_is_that_of_his_table(p_a, p_b, h):
    """Cohen 1988, table 6.2.2: phi(.25) = 1.047, phi(.05) = .451, phi(.5) = 1.571, phi(.4) = 1.369, ..."""
    found = effects.cohen_h(p_a, p_b, 100)
    assert found.value == pytest.approx(h, abs=1e-3)
    assert found.value == pytest.approx(proportion_effectsize(p_a, p_b))
    assert found.high - found.value == pytest.approx(1.959964 * math.sqrt(2 / 100))


def test_d_z_and_d_av_of_a_hand_computed_sample():
    a, b = np.array([3.0, 5.0, 4.0, 6.0]), np.array([2.0, 3.0, 3.0, 4.0])  # differences 1 2 1 2: mean 1.5, sd .57735
    assert effects.d_z(a, b).value == pytest.approx(1.5 / 0.5773503)
    assert effects.d_av(a, b).value == pytest.approx(1.5 / ((1.2909944 + 0.8164966) / 2))
    assert effects.d_z(a, b).low < effects.d_z(a, b).value < effects.d_z(a, b).high


def test_differences_without_spread_have_no_standardised_effect():
    assert math.isnan(effects.d_z(np.arange(5.0) + 1, np.arange(5.0)).value)


def test_cliffs_delta_counts_pairs():
    a, b = np.array([1.0, 2, 2, 5]), np.array([0.0, 2, 3])
    pairs = np.sign(a[:, None] - b).mean()
    assert effects.cliffs_delta(a, b).value == pytest.approx(pairs)
    assert effects.cliffs_delta(b, a).value == pytest.approx(-pairs)
    apart = effects.cliffs_delta(np.array([3.0, 4]), np.array([1.0, 2]))
    assert (apart.value, math.isnan(apart.low)) == (1.0, True)


def test_paired_proportions_need_what_the_formula_says():
    """Connor 1987 with p_d = .3, delta = .1, power .8: (1.96 sqrt .3 + .8416 sqrt .29)^2 / .01 = 233.0."""
    assert power.paired_proportions_n(0.1, 0.3) == pytest.approx(233.0, abs=0.6)
    assert math.isnan(power.paired_proportions_n(0.4, 0.3))
    assert math.isnan(power.paired_proportions_n(0.0, 0.3))


@given(st.integers(30, 20_000), st.floats(0.05, 0.9))
def test_the_detectable_difference_needs_just_these_items(n, discordance):
    delta = power.paired_proportions_mde(n, discordance)
    assert power.paired_proportions_n(delta, max(delta, discordance)) == pytest.approx(n, rel=1e-6)


def test_paired_means_agree_with_statsmodels():
    n = power.paired_means_n(0.3, 1.0)
    oracle = NormalIndPower(ddof=0).solve_power(0.3, alpha=0.05, power=0.8, ratio=0)
    assert n == pytest.approx(oracle, rel=1e-3)
    assert power.paired_means_mde(round(n), 1.0) == pytest.approx(0.3, rel=0.01)
    assert power.paired_means_n(0.3, 1.0, settings=Settings(confidence=0.99)) > n

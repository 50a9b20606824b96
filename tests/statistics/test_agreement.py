"""Agreement beyond chance: published answers, oracles, and what is undefined."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import cohen_kappa_score

from hpo.statistics.agreement import kappa, krippendorff_alpha
from hpo.statistics.values import Settings

_ = math.nan
OBSERVERS = np.array(  # Krippendorff 2011, Computing Krippendorff's alpha-reliability, section C: 4 observers, 12 units
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, _, _, _],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, _, 3],
        [_, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, _],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, _],
    ]
)
FAST = Settings(resamples=500)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_krippendorffs_own(level, alpha):
    found = krippendorff_alpha(OBSERVERS, level)
    assert found.value == pytest.approx(alpha, abs=5e-4)
    assert found.n == 11  # one unit has a single value
    assert found.low < alpha < found.high


def test_alpha_of_two_observers_is_the_published_one():
    """Krippendorff 2011, section B: two observers, nominal data, alpha = .692."""
    codes = {letter: float(code) for code, letter in enumerate("abcde")}
    ratings = np.array([[codes[each] for each in side] for side in ("aabbdcccedda", "babbbccceddd")])
    assert krippendorff_alpha(ratings, settings=FAST).value == pytest.approx(0.692, abs=5e-4)


def pairwise_alpha(table, distance):
    """Alpha from all pairs of values, one by one."""
    units = [column[np.isfinite(column)] for column in table.T if np.isfinite(column).sum() >= 2]
    every = np.concatenate(units)
    observed = sum(
        sum(distance(x, y) for i, x in enumerate(u) for j, y in enumerate(u) if i != j) / (len(u) - 1) for u in units
    )
    expected = sum(distance(x, y) for i, x in enumerate(every) for j, y in enumerate(every) if i != j)
    return 1 - (observed / len(every)) / (expected / len(every) / (len(every) - 1))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_alpha_is_that_of_all_pairs_whatever_is_missing(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(1, 6, 14)
    table = np.where(rng.random((3, 14)) < 0.6, truth, rng.integers(1, 6, (3, 14))).astype(float)
    table[rng.random((3, 14)) < 0.2] = np.nan
    for level, distance in (("nominal", lambda x, y: float(x != y)), ("interval", lambda x, y: (x - y) ** 2)):
        assert krippendorff_alpha(table, level, FAST).value == pytest.approx(pairwise_alpha(table, distance))
    shifted = krippendorff_alpha(table * 7 + 1e4, "interval", FAST)
    assert shifted.value == pytest.approx(krippendorff_alpha(table, "interval", FAST).value)
    assert krippendorff_alpha(table**3, "ordinal", FAST) == krippendorff_alpha(table, "ordinal", FAST)


def test_kappa_of_the_published_diagnoses_is_676():
    """Fleiss 1981, Statistical Methods for Rates and Proportions, table 13.1: two raters, 100 subjects, kappa .68."""
    table = np.array([[75, 1, 4], [5, 4, 1], [0, 0, 10]])
    a, b = (np.repeat(side.ravel(), table.ravel()) for side in np.indices((3, 3)))
    found = kappa(a, b)
    assert found.value == pytest.approx(0.676, abs=5e-4)
    assert 0.45 < found.low < found.value < found.high < 0.85


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([None, "linear", "quadratic"]))
def test_kappa_is_scikit_learns(seed, weights):
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 4, 60)
    b = np.where(rng.random(60) < 0.5, a, rng.integers(0, 4, 60))
    found = kappa(a, b, weights, FAST)
    assert found.value == pytest.approx(cohen_kappa_score(a, b, weights=weights))
    assert kappa(b, a, weights, FAST).value == pytest.approx(found.value)


def test_items_that_one_rater_left_out_do_not_count():
    a = np.array(["x", "y", None, "x", "y"] * 5, dtype=object)
    b = np.array(["x", "y", "y", "x", None] * 5, dtype=object)
    assert kappa(a, b, settings=FAST).n == 15
    assert kappa(a, b, settings=FAST).value == 1.0


def test_what_is_undefined_has_a_reason():
    same = np.ones((3, 20))
    assert "nothing to agree on" in krippendorff_alpha(same).reason
    assert "rate more items twice" in krippendorff_alpha(np.array([[1.0, 2.0], [np.nan, np.nan]])).reason
    assert "nothing to agree on" in kappa(np.ones(20), np.ones(20)).reason
    assert "needs 10" in krippendorff_alpha(OBSERVERS[:, :6]).reason
    assert "no item" in kappa(np.array([None]), np.array([1])).reason

"""Crossed random effects: the closed form, its guards, and the linearised macro-F1."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as sps
from sklearn.metrics import f1_score

from hpo.evaluators import counts
from hpo.statistics import crossed, linearise
from hpo.statistics.values import Settings


def scores(seed, seeds, n, *, ahead=0.0, between=0.05):
    """Values of single items under several seeds: item, configuration-by-item, seed and residual effects."""
    rng = np.random.default_rng(seed)
    item = rng.normal(size=n)

    def side(shift):
        own = shift + 0.3 * rng.normal(size=n)
        return item + own + between * rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, n))

    return side(ahead), side(0.0)


def test_the_closed_form_is_that_of_the_two_way_layout_written_out():
    a, b = scores(0, 5, 80, between=0.4)
    n = 80
    parts = []
    for z in (a, b):
        s = len(z)
        of_seed, of_item, grand = z.mean(axis=1), z.mean(axis=0), z.mean()
        residual = sum((z[i, j] - of_seed[i] - of_item[j] + grand) ** 2 for i in range(s) for j in range(n))
        mse = residual / ((s - 1) * (n - 1))
        parts.append((np.var(of_seed, ddof=1) / s, mse / (n * s)))
    d = a.mean(axis=0) - b.mean(axis=0)
    vi = np.var(d, ddof=1) / n
    (sa, ma), (sb, mb) = parts
    variance = vi + sa + sb - ma - mb
    assert variance > vi
    m2, m4 = np.sum((d - d.mean()) ** 2), np.sum((d - d.mean()) ** 4)
    nu = min(max(2 * m2**2 / (m4 - m2**2 / n), 1), n - 1)
    df = variance**2 / (vi**2 / nu + (sa**2 + sb**2) / 4 + (ma**2 + mb**2) / ((n - 1) * 4))
    half = sps.t.ppf(0.975, df) * math.sqrt(variance)
    found = crossed.compare(a, b)
    assert (found.difference, found.low, found.high) == pytest.approx((d.mean(), d.mean() - half, d.mean() + half))
    assert found.p_value == pytest.approx(2 * sps.t.sf(abs(d.mean()) / math.sqrt(variance), df))


def test_seeds_without_spread_of_their_own_leave_the_variance_of_the_items():
    a, b = scores(1, 4, 400, between=0.0)
    a -= a.mean(axis=1, keepdims=True) - a.mean()
    b -= b.mean(axis=1, keepdims=True) - b.mean()
    d = a.mean(axis=0) - b.mean(axis=0)
    found = crossed.compare(a, b)
    nu = crossed.effective_items(d)
    half = sps.t.ppf(0.975, nu) * np.std(d, ddof=1) / math.sqrt(400)
    assert found.high - found.difference == pytest.approx(half)


def test_effective_items_are_nearly_all_of_normal_differences_and_few_of_a_handful():
    d = np.random.default_rng(0).normal(size=4000)
    assert crossed.effective_items(d) == pytest.approx(3999, rel=0.12)
    few = np.zeros(1000)
    few[:8] = 1.0
    assert crossed.effective_items(few) == pytest.approx(2 * 8, rel=0.05)
    assert crossed.effective_items(np.full(50, 0.2)) == 49


def test_identical_configurations_are_p_1():
    a, _ = scores(0, 5, 200)
    found = crossed.compare(a, a)
    assert (found.difference, found.p_value, found.verdict) == (0.0, 1.0, "undecided")
    right = np.ones((3, 40))
    assert crossed.compare(right, right).p_value == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_swapping_negates_and_neither_order_nor_seed_order_matters(seed):
    a, b = scores(seed, 4, 60, ahead=0.2)
    rng = np.random.default_rng(seed)
    there, back = crossed.compare(a, b), crossed.compare(b, a)
    mixed = crossed.compare(a[rng.permutation(4)][:, ::-1], b[:, ::-1])
    assert (back.difference, back.low, back.high) == pytest.approx((-there.difference, -there.high, -there.low))
    assert (mixed.difference, mixed.low, mixed.p_value) == pytest.approx((there.difference, there.low, there.p_value))


def test_numbers_of_seeds_may_differ():
    a, b = scores(0, 6, 200)
    found = crossed.compare(a, b[:4])
    assert found.seeds == 4
    assert found.low < found.difference < found.high


def few_carry():
    z = np.zeros((3, 500))
    z[:, :4] = 1.0
    z[0, 4] = 1.0
    return z


@pytest.mark.parametrize(
    ("a", "b", "says"),
    [
        (np.ones((1, 50)), np.ones((5, 50)), "train each with five seeds"),
        (np.ones((3, 50)), np.ones((3, 40)), "same items"),
        (np.where(np.eye(3, 50) == 1, np.nan, 0.0), np.ones((3, 50)), "seeds 0, 1, 2 of the first"),
        (few_carry(), np.zeros((3, 500)), "items carry the difference"),
        (np.ones((3, 50)), np.zeros((3, 50)), "nothing tells luck from merit"),
    ],
)
def test_what_cannot_be_answered_is_refused_with_what_would(a, b, says):
    found = crossed.compare(a, b)
    assert (found.verdict, found.p_value) == ("refused", None)
    assert says in found.reason


def test_three_seeds_few_items_and_outlying_seeds_are_warned_of():
    a, b = scores(0, 3, 200)
    assert any("3 seeds" in each for each in crossed.compare(a, b).warnings)
    a, b = scores(0, 8, 300)
    a[2] -= 2.0  # a run that failed
    assert any("outlying seeds of the first: 2" in each for each in crossed.compare(a, b).warnings)
    assert crossed.compare(b, scores(3, 8, 300)[1]).warnings == ()
    rare = np.zeros((5, 400))
    rare[:, :10] = 1.0
    rare += np.random.default_rng(0).normal(0, 1e-3, rare.shape)
    assert any("items carry" in each for each in crossed.compare(rare, np.zeros((5, 400))).warnings)


def test_an_undecided_comparison_says_whether_seeds_or_items_would_decide():
    noisy, _ = scores(4, 4, 4000, between=0.5, ahead=0.3), None
    assert "seeds more" in crossed.compare(*noisy).reason
    few = scores(5, 10, 60, between=0.0, ahead=0.1)
    assert "items more" in crossed.compare(*few).reason


def test_a_margin_declares_equivalence():
    found = crossed.compare(*scores(0, 10, 2000, between=0.01), Settings(equivalence_margin=0.2))
    assert found.verdict == "equivalent"


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 6))
def test_linearised_macro_f1_has_mean_f1_and_is_the_derivative(seed, k):
    rng = np.random.default_rng(seed)
    label = rng.integers(0, k, 80)
    prediction = np.where(rng.random(80) < 0.6, label, rng.integers(-1, k, 80))
    z = crossed.linearised_macro_f1(label, prediction, k)
    expected = f1_score(label, prediction, labels=np.unique(label), average="macro", zero_division=0)
    assert z.mean() == pytest.approx(expected)
    assert z == pytest.approx(linearise.counts(counts.macro("f1"), label, prediction, k), abs=1e-4)


@pytest.mark.parametrize("reduce", [counts.weighted("f1"), counts.micro("f1"), counts.mcc, counts.macro("precision")])
def test_linearised_counts_give_the_spread_of_the_bootstrap(reduce):
    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 500)
    prediction = np.where(rng.random(500) < 0.7, label, rng.integers(-1, 3, 500))
    z = linearise.counts(reduce, label, prediction, 3)
    matrix = linearise.confusion(label, prediction, 3)
    drawn = reduce(rng.multinomial(500, matrix.ravel() / 500, 4000).reshape(-1, 3, 4).astype(float))
    assert z.mean() == pytest.approx(float(reduce(matrix)))
    assert z.std() / math.sqrt(500) == pytest.approx(drawn.std(), rel=0.06)

"""ROC curves are scikit-learn's, and thin curves stay close to the whole one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from hpo.evaluators.roc import POINTS, roc_curve, roc_curves


def statistics(label, probability):
    return {"label": label.astype(float), **{f"probability_{c}": each for c, each in enumerate(probability.T)}}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([1, 15]))
def test_the_curve_is_scikit_learns(seed, digits):
    rng = np.random.default_rng(seed)
    label = np.append([0, 1], rng.integers(0, 2, 40)).astype(float)
    score, weights = rng.random(42).round(digits), rng.random(42) + 0.1
    fpr, tpr = roc_curve(label, score, weights)
    expected = sk.roc_curve(label, score, sample_weight=weights, drop_intermediate=False)
    np.testing.assert_allclose([fpr, tpr], expected[:2], atol=1e-12)


def test_two_classes_have_one_curve_and_more_have_one_each():
    rng = np.random.default_rng(0)
    two, three = (rng.dirichlet(np.ones(k), 90) for k in (2, 3))
    label = np.arange(90) % 3
    (binary,) = roc_curves(statistics(np.minimum(label, 1), two))
    assert binary.code == 1
    assert binary.auc == pytest.approx(sk.roc_auc_score(label >= 1, two[:, 1]))
    curves = roc_curves(statistics(label, three))
    assert [curve.code for curve in curves] == [0, 1, 2]
    areas = [sk.roc_auc_score(label == code, three[:, code]) for code in range(3)]
    assert [curve.auc for curve in curves] == pytest.approx(areas)


def test_a_long_curve_is_thinned_to_its_own_points_near_the_whole():
    rng = np.random.default_rng(1)
    label = rng.integers(0, 2, 20_000)
    score = rng.normal(label, 1)
    whole = np.stack(roc_curve(label.astype(float), score, np.ones(20_000)))
    (curve,) = roc_curves(statistics(label, np.stack([-score, score], axis=1)))
    assert len(curve.fpr) <= POINTS
    assert (curve.fpr[0], curve.tpr[0], curve.fpr[-1], curve.tpr[-1]) == (0, 0, 1, 1)
    assert {(x, y) for x, y in zip(curve.fpr, curve.tpr, strict=True)} <= set(map(tuple, whole.T.tolist()))
    away = np.abs(np.interp(whole[0] + whole[1], curve.fpr + curve.tpr, curve.tpr) - whole[1])
    assert away.max() < 2 / (POINTS - 1)
    assert curve.auc == pytest.approx(sk.roc_auc_score(label, score))


def test_a_class_without_rows_has_no_curve():
    probability = np.full((4, 3), 1 / 3)
    assert [curve.code for curve in roc_curves(statistics(np.array([0, 1, 0, 1]), probability))] == [0, 1]
    assert roc_curves(statistics(np.zeros(4), np.full((4, 2), 0.5))) == []

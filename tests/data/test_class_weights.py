"""Claims about weights of classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.class_weight import compute_class_weight

from hpo.data.class_weights import class_weights, row_weights

LABELS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=60)


@given(LABELS)
def test_balanced_weights_are_those_of_scikit_learn(labels: list[str]):
    found = class_weights(labels, "balanced")
    theirs = compute_class_weight("balanced", classes=np.array(sorted(found)), y=np.array(labels))
    assert list(found.values()) == pytest.approx(list(theirs))


def test_square_root_weights_lie_half_way():
    # counts 16, 4 and 1: 1/4, 1/2 and 1 before they are scaled to a mean of 1 over 21 rows: (4 + 2 + 1) / 21 = 1/3
    labels = ["a"] * 16 + ["b"] * 4 + ["c"]
    assert class_weights(labels, "sqrt_balanced") == pytest.approx({"a": 0.75, "b": 1.5, "c": 3.0})
    assert class_weights(labels, "none") == {"a": 1.0, "b": 1.0, "c": 1.0}


@given(LABELS, st.sampled_from(["balanced", "sqrt_balanced"]))
def test_a_row_weighs_one_on_average_and_a_rare_class_more(labels: list[str], scheme: str):
    weights = row_weights(labels, scheme)
    assert weights.shape == (len(labels),)
    assert weights.mean() == pytest.approx(1)
    count = {label: labels.count(label) for label in labels}
    found = class_weights(labels, scheme)
    assert sorted(found, key=lambda c: (-found[c], c)) == sorted(found, key=lambda c: (count[c], c))


@given(LABELS)
def test_balanced_classes_have_equal_shares_of_the_loss(labels: list[str]):
    weights = row_weights(labels, "balanced")
    shares = {label: sum(w for w, each in zip(weights, labels, strict=True) if each == label) for label in labels}
    assert list(shares.values()) == pytest.approx([len(labels) / len(shares)] * len(shares))


def test_without_a_scheme_rows_have_no_weights():
    assert row_weights(["a", "b", "b"], "none") is None

"""Claims about feature selection: the published formulas, by scikit-learn's and scipy's own numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.stats import chi2_contingency
from sklearn.metrics import mutual_info_score

from hpo.data.features import best_features, chi2, mutual_information, presence


def drawn(seed: int, n: int, features: int, k: int) -> tuple[csr_array, np.ndarray]:
    draw = np.random.default_rng(seed)
    dense = draw.random((n, features)) * (draw.random((n, features)) < 0.4)
    return csr_array(dense), draw.integers(0, k, n)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 999), st.integers(5, 40), st.integers(1, 5), st.integers(1, 4))
def test_scores_are_those_of_the_table_of_presence_and_class(seed: int, n: int, features: int, k: int):
    matrix, classes = drawn(seed, n, features, k)
    counts = presence(matrix, classes)
    for feature in range(features):
        there = (matrix.toarray()[:, feature] != 0).astype(int)
        assert mutual_information(counts)[feature] == pytest.approx(mutual_info_score(there, classes), abs=1e-12)
        table = counts[:, :, feature]
        table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
        expected = chi2_contingency(table, correction=False).statistic
        assert chi2(counts)[feature] == pytest.approx(expected, abs=1e-9)


def test_the_example_of_manning_raghavan_and_schuetze():
    # Introduction to Information Retrieval, examples 13.3 and 13.4: export and poultry in Reuters-RCV1,
    # N11 = 49, N10 = 27,652, N01 = 141, N00 = 774,106: I = 0.0001105 bits, chi2 about 284
    counts = np.array([[774106, 141], [27652, 49]], dtype=float)[:, :, None]
    assert mutual_information(counts)[0] / np.log(2) == pytest.approx(0.0001105, abs=5e-8)
    assert chi2(counts)[0] == pytest.approx(284, abs=1)


@pytest.mark.parametrize("method", ["chi2", "mutual_info"])
def test_the_features_that_tell_classes_apart_are_kept(method: str):
    matrix, classes = drawn(0, 200, 50, 2)
    telling = matrix.tolil()
    telling[:, 17] = classes[:, None]
    telling[:, 31] = 1 - classes[:, None]
    assert best_features(csr_array(telling), classes, method, 2).tolist() == [17, 31]
    assert len(best_features(matrix, classes, method, 99)) == 50
    assert len(best_features(matrix, classes, "none", 2)) == 50


def test_what_is_no_selection_is_told():
    matrix, classes = drawn(0, 9, 4, 2)
    with pytest.raises(ValueError, match="none, chi2 or mutual_info"):
        best_features(matrix, classes, "f_test", 2)
    with pytest.raises(ValueError, match="at least 1"):
        best_features(matrix, classes, "chi2", 0)

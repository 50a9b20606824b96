"""Claims about scores that a few strange values cannot hide behind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.statistics.robust import modified_z


def test_the_score_is_worked_out_by_hand():
    # median 5; distances 3 2 1 0 1 2 95, median of them 2: score of 100 is 0.6745 x 95 / 2
    values = np.array([2.0, 3, 4, 5, 6, 7, 100])
    assert modified_z(values)[-1] == pytest.approx(0.6745 * 95 / 2)
    assert modified_z(values)[3] == 0


def test_where_most_values_are_equal_the_mean_deviation_counts():
    # distances 0 but for one of 10: mean 1, and 10 / (1.2533 x 1) is over the cut
    values = np.array([5.0] * 9 + [15.0])
    assert modified_z(values)[-1] == pytest.approx(10 / np.sqrt(np.pi / 2))
    assert modified_z(np.full(4, 7.0)).tolist() == [0] * 4


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=40), st.integers(-50, 50), st.integers(1, 9))
def test_scores_do_not_depend_on_the_unit(values: list[int], shift: int, scale: int):
    array = np.array(values, dtype=float)
    assert modified_z(array * scale + shift) == pytest.approx(modified_z(array), abs=1e-6)


def test_values_within_the_least_spread_are_no_outliers():
    # MAD 0.01 / 0.6745 is below .25, which takes its place
    values = np.array([1.0, 1.01, 0.99, 1.0, 1.5])
    assert modified_z(values, least=0.25)[-1] == pytest.approx(0.5 / 0.25)

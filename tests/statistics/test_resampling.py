"""Resampling: p-values are never 0, draws are shared and repeatable, flips are complete."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.statistics import clusters, resampling


def test_a_permutation_p_counts_the_observed_one_and_ties():
    null = np.array([0.1, 0.2, 0.3, 0.4])
    assert resampling.permutation_p(0.5, null) == 1 / 5
    assert resampling.permutation_p(0.3, null) == 3 / 5
    assert resampling.permutation_p(0.3 + 1e-14, null) == 3 / 5  # a sum in another order, which a strict > would miss
    assert resampling.permutation_p(0.0, np.zeros(9)) == 1.0


def test_all_signs_up_to_thirteen_and_random_ones_beyond():
    every = np.concatenate(list(resampling.signs(5, 1, 0)))
    assert len({tuple(row) for row in every.tolist()}) == 32
    drawn = np.concatenate(list(resampling.signs(20, 700, 3)))
    assert drawn.shape == (700, 20)
    assert set(np.unique(drawn)) == {-1.0, 1.0}
    assert (drawn == np.concatenate(list(resampling.signs(20, 700, 3)))).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(-5, 5), min_size=1, max_size=9))
def test_sign_flips_are_the_share_of_all_sums_as_far_out(values):
    every = np.array(np.meshgrid(*[[-1, 1]] * len(values))).reshape(len(values), -1).T
    sums = np.abs(every @ np.array(values))
    expected = np.mean(sums >= abs(sum(values)) - 1e-10 * np.abs(values).sum())
    assert resampling.sign_flip(np.array(values), 10, 0) == pytest.approx(expected)
    assert resampling.sign_flip(-np.array(values), 10, 0) == pytest.approx(expected)


def test_draws_of_cells_are_made_once_and_cannot_be_changed():
    counts = np.array([30, 0, 70])
    first, again = resampling.cell_draws(counts, 100, 0), resampling.cell_draws(counts.copy(), 100, 0)
    assert first is again
    assert (first.sum(axis=1) == 100).all() and (first[:, 1] == 0).all()
    with pytest.raises(ValueError):
        first[0, 0] = 1


def test_whole_clusters_are_drawn():
    code = np.array([0, 0, 1, 1, 1, 2])
    for weight in resampling.weights(6, code, 20, np.random.default_rng(0)):
        assert weight[0] == weight[1] and weight[2] == weight[3] == weight[4]
        assert weight[[0, 2, 5]].sum() == 3


def test_clusters_are_coded_and_missing_groups_stand_alone():
    groups = np.array(["b", "a", "b", None, float("nan"), None], dtype=object)
    assert clusters.codes(groups).tolist() == [0, 1, 0, 2, 3, 4]
    assert clusters.codes(np.array(["x", "y"], dtype=object)) is None
    assert clusters.codes(None) is None


def test_subset_intervals_have_no_bounds_where_few_values_give_none():
    means = resampling.subset_means(np.arange(4.0), 10, 0)
    assert len(means) == 15
    assert resampling.subset_interval(means, 0.95) == (float("-inf"), float("inf"))
    assert resampling.subset_interval(means, 0.80) == (means[0], means[-1])


def test_more_resamples_than_can_be_paid_for_are_fewer():
    assert resampling.affordable(10_000, 1_000) == 10_000
    assert resampling.affordable(10_000, 1_000_000) == 2_000
    assert resampling.affordable(500, 10_000_000) == 500

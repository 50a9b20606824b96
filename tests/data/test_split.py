"""Claims about splits."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data.split import TEST, TRAIN, VALIDATION, assign, assign_by_time, clusters


def numbered(seed: int, rows: int, classes: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    cluster = draw.integers(0, max(rows // large, 1), rows)
    return np.unique(cluster, return_inverse=True)[1].astype(np.int64), draw.integers(0, classes, rows).astype(np.int64)


def test_single_rows_are_divided_exactly_in_every_class():
    classes = np.repeat([0, 1, 2], [100, 40, 20])
    split = assign(np.arange(160), classes, (0.15, 0.2), seed=0)
    counts = [
        [int(((split == part) & (classes == one)).sum()) for part in (TRAIN, VALIDATION, TEST)] for one in range(3)
    ]
    assert counts == [[65, 15, 20], [26, 6, 8], [13, 3, 4]]


@settings(max_examples=50, deadline=None)
@given(
    seed=st.integers(0, 1000), rows=st.integers(30, 200), classes=st.integers(1, 5), large=st.sampled_from([1, 2, 4])
)
def test_clusters_stay_whole_and_every_class_is_learnt(seed: int, rows: int, classes: int, large: int):
    cluster, label = numbered(seed, rows, classes, large)
    split = assign(cluster, label, (0.15, 0.2), seed)
    assert all(len(set(split[cluster == one])) == 1 for one in set(cluster))
    assert set(label[split == TRAIN]) == set(label)
    assert set(split) <= {TRAIN, VALIDATION, TEST}


def test_sizes_come_near_their_shares_though_clusters_are_whole():
    cluster, label = numbered(3, 3000, 4, 3)
    split = assign(cluster, label, (0.15, 0.2), 0)
    assert np.abs(np.bincount(split) / 3000 - [0.65, 0.15, 0.2]).max() < 0.01
    for one in range(4):
        assert np.abs(np.bincount(split[label == one]) / (label == one).sum() - [0.65, 0.15, 0.2]).max() < 0.03


def test_the_seed_alone_decides():
    cluster, label = numbered(1, 200, 3, 2)
    assert (assign(cluster, label, (0.2, 0.2), 5) == assign(cluster, label, (0.2, 0.2), 5)).all()
    assert (assign(cluster, label, (0.2, 0.2), 5) != assign(cluster, label, (0.2, 0.2), 6)).any()


def test_large_clusters_are_not_kept_for_training():
    cluster = np.repeat(np.arange(100), 10)
    ends = [assign(cluster, np.zeros(1000, np.int64), (0.2, 0.2), seed)[0] for seed in range(100)]
    assert 25 < np.isin(ends, [VALIDATION, TEST]).sum() < 55  # expected: 40


def test_copies_and_groups_that_touch_make_one_cluster():
    texts = [
        "the first long sentence of all",
        "The first long sentence of all!",
        "something else entirely here",
        "unrelated words",
    ]
    found = clusters(texts, np.array(["a", "b", "b", "c"], dtype=object))
    assert len(set(found[:3])) == 1
    assert found[3] != found[0]


def test_the_latest_rows_are_the_test_rows():
    times = np.array([5.0, 1, 9, 3, 7, 2, 8, 4, 6, 0])
    split = assign_by_time(np.arange(10), times, (0.2, 0.3))
    assert sorted(times[split == TEST]) == [7, 8, 9]
    assert sorted(times[split == VALIDATION]) == [5, 6]


def test_a_copy_of_a_late_row_goes_with_it():
    split = assign_by_time(np.array([0, 1, 2, 3, 0]), np.array([0.0, 1, 2, 3, 4]), (0.2, 0.2))
    assert split.tolist() == [TEST, TRAIN, TRAIN, VALIDATION, TEST]

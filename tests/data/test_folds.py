"""Claims about folds."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.config.models import StudyConfig
from hpo.data.prepare import prepare
from hpo.data.split import folds
from hpo.errors import DataError


def drawn(seed: int, rows: int, classes: int, large: int) -> tuple[np.ndarray, np.ndarray]:
    draw = np.random.default_rng(seed)
    cluster = np.unique(draw.integers(0, max(rows // large, 1), rows), return_inverse=True)[1].astype(np.int64)
    return cluster, draw.integers(0, classes, rows).astype(np.int64)


def test_single_rows_are_dealt_evenly_in_every_class_and_in_all():
    classes = np.repeat([0, 1, 2], [103, 41, 6])
    fold = folds(np.arange(150), classes, 5, seed=0)
    assert np.bincount(fold).tolist() == [30] * 5
    for one, rows in enumerate([103, 41, 6]):
        counts = np.bincount(fold[classes == one], minlength=5)
        assert set(counts) <= {rows // 5, rows // 5 + 1}


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 1000),
    rows=st.integers(20, 200),
    classes=st.integers(1, 4),
    large=st.sampled_from([1, 2, 4]),
    k=st.integers(2, 10),
)
def test_clusters_stay_whole_and_every_row_is_in_one_fold(seed: int, rows: int, classes: int, large: int, k: int):
    cluster, label = drawn(seed, rows, classes, large)
    fold = folds(cluster, label, k, seed)
    assert fold.shape == (rows,)
    assert set(fold) <= set(range(k))
    assert all(len(set(fold[cluster == one])) == 1 for one in set(cluster))


def test_folds_of_clusters_are_nearly_even_and_keep_class_shares():
    cluster, label = drawn(3, 3000, 4, 3)
    fold = folds(cluster, label, 5, 0)
    assert np.abs(np.bincount(fold) / 3000 - 0.2).max() < 0.01
    for one in range(4):
        assert np.abs(np.bincount(fold[label == one]) / (label == one).sum() - 0.2).max() < 0.03


def test_the_seed_alone_decides():
    cluster, label = drawn(1, 200, 3, 2)
    assert (folds(cluster, label, 5, 5) == folds(cluster, label, 5, 5)).all()
    assert (folds(cluster, label, 5, 5) != folds(cluster, label, 5, 6)).any()


def test_a_rare_class_does_not_pile_up_in_the_first_folds():
    firsts = [folds(np.arange(30), np.repeat([0, 1], [27, 3]), 10, seed) for seed in range(200)]
    held = np.bincount(np.concatenate([fold[27:] for fold in firsts]), minlength=10)
    assert (held > 0).sum() == 3  # the three folds that the frequent class leaves short
    assert all(np.bincount(fold, minlength=10).tolist() == [3] * 10 for fold in firsts)


WOOD = "ash birch cedar elm fir hazel larch maple oak pine rowan spruce willow yew alder beech"
WORDS = WOOD.split()


def texts(rows: int) -> list[dict[str, str]]:
    draw = np.random.default_rng(0)
    return [{"text": " ".join(draw.choice(WORDS, 9)), "label": "ab"[i % 2], "group": f"g{i // 2}"} for i in range(rows)]


def test_the_folds_of_a_study_share_their_test_rows_and_cover_the_rest(
    study: Callable[..., StudyConfig], jsonl: Callable[..., str]
):
    path = jsonl(texts(120))
    parts = [
        prepare(study(train=path, split={"strategy": "kfold", "k": 4, "fold": fold, "test": 0.2})) for fold in range(4)
    ]
    tests = {tuple(sorted(splits.test.ids)) for splits in parts}
    assert len(tests) == 1
    assert len(next(iter(tests))) == 24
    held = [set(splits.validation.ids) for splits in parts]
    assert [len(ids) for ids in held] == [24] * 4
    assert set.union(*held) | set(parts[0].test.ids) == {str(i) for i in range(120)}
    for splits in parts:
        assert not set(splits.train.groups) & set(splits.validation.groups)
        assert set(splits.train.ids) | set(splits.validation.ids) | set(splits.test.ids) == {str(i) for i in range(120)}
        assert np.unique(splits.validation.frame["label"], return_counts=True)[1].tolist() == [12, 12]
    assert len({splits.fingerprint for splits in parts}) == 4


def test_five_folds_and_the_first_of_them_where_nothing_is_said(
    study: Callable[..., StudyConfig], jsonl: Callable[..., str]
):
    path = jsonl(texts(100))
    named = prepare(study(train=path, split={"strategy": "kfold", "k": 5, "fold": 0, "test": 0.0}))
    unnamed = prepare(study(train=path, split={"strategy": "kfold", "test": 0.0}))
    assert unnamed.validation.ids.tolist() == named.validation.ids.tolist()
    assert (len(unnamed.train), len(unnamed.validation), unnamed.test) == (80, 20, None)


def test_more_folds_than_rows_that_differ_is_told(study: Callable[..., StudyConfig], jsonl: Callable[..., str]):
    rows = [{"text": f"{word} tree of the wood", "label": "ab"[i % 2]} for i, word in enumerate(WORDS[:6])]
    with pytest.raises(DataError, match="the validation split has no rows"):
        prepare(study(train=jsonl(rows), split={"strategy": "kfold", "k": 9, "fold": 8, "test": 0.0}))

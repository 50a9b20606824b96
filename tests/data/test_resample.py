"""Claims about resampled rows and fractions of rows."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data.resample import first_part, resample
from hpo.data.rows import Rows


def rows(labels: str, ids: list[str] | None = None) -> Rows:
    names = ids or [f"r{i}" for i in range(len(labels))]
    frame = pd.DataFrame(
        {"id": names, "group": [f"g{i % 3}" for i in range(len(labels))], "text": list(names), "label": list(labels)},
        dtype=object,
    )
    return Rows(frame, "text_label")


LABELS = st.text("abc", min_size=1, max_size=40)


@settings(deadline=None)
@given(LABELS, st.integers(0, 99))
def test_oversampled_classes_are_equal_and_every_row_is_there(labels: str, seed: int):
    given_rows = rows(labels)
    found = resample(given_rows, "oversample", seed).frame
    counts = found["label"].value_counts()
    assert set(counts) == {max(labels.count(c) for c in set(labels))}
    assert found["id"].tolist()[: len(labels)] == given_rows.ids.tolist()
    assert found["id"].is_unique
    times = found["text"].value_counts()
    for label in set(labels):  # no row of a class more than once more often than another
        within = times[[t for t, each in zip(given_rows.ids, labels, strict=True) if each == label]]
        assert within.max() - within.min() <= 1


def test_copies_have_names_of_their_own_and_keep_their_group():
    found = resample(rows("aaab"), "oversample", 0).frame
    assert found["id"].tolist() == ["r0", "r1", "r2", "r3", "r3#1", "r3#2"]
    assert found["group"].tolist()[3:] == ["g0"] * 3
    taken = resample(rows("aab", ["x", "y", "z"]), "oversample", 0)
    assert taken.frame["id"].tolist() == ["x", "y", "z", "z#1"]
    again = resample(rows("aabc", ["x", "x#1", "z", "z#1"]), "oversample", 0)
    assert again.frame["id"].tolist()[4:] == ["z#2", "z#1#1"]


@settings(deadline=None)
@given(LABELS, st.integers(0, 99))
def test_undersampled_classes_are_equal_in_their_old_order(labels: str, seed: int):
    found = resample(rows(labels), "undersample", seed)
    assert set(found.frame["label"].value_counts()) == {min(labels.count(c) for c in set(labels))}
    places = [int(name[1:]) for name in found.ids]
    assert places == sorted(set(places))


@settings(deadline=None)
@given(LABELS, st.integers(0, 99))
def test_smaller_fractions_are_nested_and_keep_every_class(labels: str, seed: int):
    given_rows = rows(labels)
    parts = [set(first_part(given_rows, share / 10, seed).tolist()) for share in range(1, 11)]
    assert all(small <= large for small, large in itertools.pairwise(parts))
    assert parts[-1] == set(range(len(labels)))
    assert all({labels[i] for i in part} == set(labels) for part in parts)
    assert [len(part) for part in parts] == [max(len(set(labels)), round(s / 10 * len(labels))) for s in range(1, 11)]


def test_a_fraction_has_the_class_shares_of_all_rows():
    labels = "a" * 600 + "b" * 300 + "c" * 100
    kept = first_part(rows(labels), 0.1, 7)
    assert [sum(labels[i] == c for i in kept) for c in "abc"] == [60, 30, 10]


def test_the_order_depends_on_ids_and_seed_not_on_the_rows_beside():
    labels = "a" * 50
    whole = rows(labels)
    kept = {whole.ids[i] for i in first_part(whole, 0.5, 1)}
    without = whole.take([i for i in range(50) if i % 5])
    still = {without.ids[i] for i in first_part(without, 0.5, 1)}
    assert len(kept & still) >= 15  # of the 20 that could be in both
    assert {whole.ids[i] for i in first_part(whole, 0.5, 2)} != kept


def test_rows_without_classes_have_fractions_too():
    frame = pd.DataFrame({"id": [str(i) for i in range(10)], "text": ["t"] * 10, "label": np.arange(10.0)})
    assert len(first_part(Rows(frame, "text_label"), 0.35, 0)) == 4

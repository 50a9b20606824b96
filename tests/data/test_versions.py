"""Claims about versions of data."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from hpo.data.rows import Rows
from hpo.data.versions import Changed, changes, version


def rows(pairs: list[tuple[str, str]], ids: list[str] | None = None) -> Rows:
    names = ids if ids is not None else [str(i) for i in range(len(pairs))]
    frame = pd.DataFrame({"id": names, "text": [t for t, _ in pairs], "label": [lab for _, lab in pairs]}, dtype=object)
    return Rows(frame, "text_label")


PAIRS = [("a cat", "animal"), ("a car", "thing"), ("a dog", "animal"), ("a pen", "thing")]
NAMED = ["n1", "n2", "n3", "n4"]


@given(st.permutations(range(4)))
def test_the_order_of_the_rows_and_their_ids_do_not_count(order: list[int]):
    assert version(rows([PAIRS[i] for i in order])).fingerprint == version(rows(PAIRS, NAMED)).fingerprint


def test_every_value_counts_and_how_often_a_row_is_there():
    whole = version(rows(PAIRS)).fingerprint
    others = [PAIRS[:-1], [*PAIRS, PAIRS[0]], [("a cat ", "animal"), *PAIRS[1:]], [("a cat", "thing"), *PAIRS[1:]]]
    assert len({whole, *(version(rows(each)).fingerprint for each in others)}) == 5


def test_digests_of_equal_rows_are_equal():
    found = version(rows([PAIRS[0], PAIRS[1], PAIRS[0]])).digests
    assert found[0] == found[2] != found[1]


def test_the_fingerprint_is_the_same_on_every_machine():
    assert version(rows(PAIRS)).fingerprint == "6e8591505cdc7fe8921ceeb9a0d5c8b6"


def test_rows_with_names_are_followed_by_them():
    new = rows(
        [("a cat", "animal"), ("a red car", "thing"), ("a dog", "thing"), ("a cup", "thing")], ["n1", "n2", "n3", "n5"]
    )
    found = changes(rows(PAIRS, NAMED), new)
    assert found.matched_by == "id"
    assert (found.added, found.removed, found.unchanged) == (("n5",), ("n4",), 1)
    assert found.changed == (Changed("n2", ("text",)), Changed("n3", ("label",), "animal", "thing"))
    assert found.moved == {("animal", "thing"): 1}
    assert found.counts == {"animal": (2, 1), "thing": (2, 3)}


def test_rows_without_names_are_followed_by_what_they_ask():
    found = changes(rows(PAIRS), rows([("new first line", "thing"), *PAIRS[:2], ("a dog", "thing")]))
    assert found.matched_by == "text"
    assert (found.added, found.removed, found.unchanged) == (("0",), ("3",), 2)
    assert found.changed == (Changed("3", ("label",), "animal", "thing"),)


def test_copies_are_followed_one_to_one():
    twice = rows([PAIRS[0], PAIRS[0], PAIRS[1]], ["x", "y", "z"])
    found = changes(twice, rows([PAIRS[0], PAIRS[1]], ["p", "q"]))
    assert (found.matched_by, found.added, found.removed, found.unchanged) == ("text", (), ("y",), 2)


def test_nothing_changed_between_a_version_and_itself():
    found = changes(rows(PAIRS), rows(PAIRS))
    assert (found.added, found.removed, found.changed, found.moved, found.unchanged) == ((), (), (), {}, 4)


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("xy")), min_size=1), st.integers(0, 99))
def test_every_row_is_added_removed_changed_or_unchanged(pairs: list[tuple[str, str]], seed: int):
    draw = np.random.default_rng(seed)
    later = [pairs[i] for i in draw.integers(0, len(pairs), draw.integers(1, len(pairs) + 1))]
    found = changes(rows(pairs), rows(later))
    assert len(found.removed) + len(found.changed) + found.unchanged == len(pairs)
    assert len(found.added) + len(found.changed) + found.unchanged == len(later)


def test_targets_that_are_numbers_and_conversations_have_versions():
    frame = pd.DataFrame({"id": ["a"], "text": pd.Series(["t"], dtype=object), "label": [1.5]})
    assert changes(Rows(frame, "text_label"), Rows(frame.assign(label=[2.5]), "text_label")).changed == (
        Changed("a", ("label",), "1.5", "2.5"),
    )
    turns = [[{"role": "user", "content": "hi"}]]
    messages = Rows(pd.DataFrame({"id": ["a"], "messages": turns, "reference": ["yo"]}, dtype=object), "messages")
    other = Rows(messages.frame.assign(reference=["no"]), "messages")
    found = changes(messages, other)
    assert found.changed == (Changed("a", ("reference",)),)
    assert found.as_dict()["changed"][0]["columns"] == ("reference",)

"""Claims about augmented rows."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.config.preparation import AugmentConfig
from hpo.data.augment import augment, delete_words, swap_words, typos
from hpo.data.rows import Rows

TEXT = "the quick brown fox  jumps over\nthe lazy dog"
WORDS = st.lists(st.text("abcxyz", min_size=1, max_size=6), min_size=1, max_size=12)


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@given(WORDS, st.floats(0.01, 0.99), st.integers(0, 99))
def test_deleted_words_leave_the_others_in_order_and_one_at_least(words: list[str], rate: float, seed: int):
    left = delete_words(" ".join(words), rate, draw(seed)).split()
    assert left
    rest = iter(words)
    assert all(word in rest for word in left)


@given(WORDS, st.floats(0.01, 0.99), st.integers(0, 99))
def test_swapped_words_are_the_same_words(words: list[str], rate: float, seed: int):
    assert Counter(swap_words(" ".join(words), rate, draw(seed)).split()) == Counter(words)


def test_the_rate_is_that_of_changed_words_and_letters():
    long = " ".join(["word"] * 2000)
    assert len(delete_words(long, 0.2, draw()).split()) == pytest.approx(1600, abs=60)
    numbered = " ".join(str(i) for i in range(2000))
    moved = sum(a != b for a, b in zip(swap_words(numbered, 0.1, draw()).split(), numbered.split(), strict=True))
    assert moved == pytest.approx(2000 * (1 - np.exp(-0.2)), abs=20)  # 200 swaps of two words each, some of them twice
    kept = sum(a == "abcdefghij" for a in typos(" ".join(["abcdefghij"] * 2000), 0.1, draw()).split())
    assert kept / 2000 == pytest.approx(0.9**10, abs=0.035)


def test_spaces_stay_where_they_were():
    assert swap_words(f" {TEXT} \n", 0.3, draw(1)).startswith(" ")
    assert swap_words(f" {TEXT} \n", 0.3, draw(1)).endswith(" \n")
    assert "  " in swap_words(TEXT, 0.3, draw(1)) and "\n" in swap_words(TEXT, 0.3, draw(1))


@pytest.mark.parametrize("text", ["", "   ", "one", "123 456"])
def test_what_is_too_short_to_change_stays(text: str):
    assert delete_words(text, 0.5, draw()).split() == text.split() or text == "123 456"
    assert swap_words(text, 0.5, draw()).split() in (text.split(), text.split()[::-1])
    assert typos(text, 0.0001, draw()) == text


def test_mistyped_letters_are_near_on_the_keyboard():
    from hpo.data.augment import _NEIGHBOURS

    assert set(_NEIGHBOURS["s"]) == set("awedzx")
    assert set(_NEIGHBOURS["q"]) == set("wa")
    assert set(_NEIGHBOURS["g"]) == set("ftyhvb")
    assert all(a in _NEIGHBOURS[b] for a, near in _NEIGHBOURS.items() for b in near)


def rows(n: int) -> Rows:
    frame = pd.DataFrame(
        {"id": [f"r{i}" for i in range(n)], "group": ["g"] * n, "text": [TEXT] * n, "label": ["x"] * n}, dtype=object
    )
    return Rows(frame, "text_label")


def test_copies_come_after_the_rows_with_names_of_their_own():
    settings = AugmentConfig(method="swap_words", share=0.3, rate=0.2)
    found = augment(rows(10), settings, seed=3)
    assert len(found) == 13
    assert found.frame.iloc[:10].equals(rows(10).frame)
    copies = found.frame.iloc[10:]
    assert all(name.endswith("#1") and name[:-2] in set(rows(10).ids) for name in copies["id"])
    assert copies["group"].tolist() == ["g"] * 3
    assert copies["label"].tolist() == ["x"] * 3
    assert all(text != TEXT for text in copies["text"])
    assert augment(rows(10), settings, seed=3).frame.equals(found.frame)
    assert not augment(rows(10), settings, seed=4).frame.equals(found.frame)


def test_only_what_the_user_says_changes_in_a_conversation():
    turns = [{"role": "system", "content": TEXT}, {"role": "user", "content": TEXT}]
    frame = pd.DataFrame({"id": ["a"], "messages": [turns], "reference": ["yes yes yes"]}, dtype=object)
    found = augment(Rows(frame, "messages"), AugmentConfig(method="delete_words", share=1.0, rate=0.5), seed=0)
    system, user = found.frame["messages"].iloc[1]
    assert system["content"] == TEXT
    assert len(user["content"].split()) < len(TEXT.split())
    assert found.frame["reference"].tolist() == ["yes yes yes"] * 2
    assert found.frame["messages"].iloc[0] == turns

"""Claims about near copies."""

from __future__ import annotations

import random
import re

from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data.near_duplicates import near_copies


def pairs(texts: list[str], threshold: float = 0.8) -> set[tuple[int, int]]:
    return {(int(a), int(b)) for a, b in near_copies(texts, threshold).pairs}


def brute(texts: list[str], threshold: float) -> set[tuple[int, int]]:
    """Every pair compared, of texts that all differ."""
    words = [re.sub(r"[\W_]+", " ", text.lower()).split() for text in texts]
    sets = [set(zip(one, one[1:], one[2:], strict=False)) for one in words]
    return {
        (a, b)
        for a in range(len(sets))
        for b in range(a + 1, len(sets))
        if sets[a] and sets[b] and len(sets[a] & sets[b]) >= threshold * len(sets[a] | sets[b]) - 1e-9
    }


def edited(seed: int, count: int) -> list[str]:
    """Texts of few words, many of them copies of earlier ones with a word or two changed."""
    draw = random.Random(seed)
    texts: list[str] = []
    for _ in range(count):
        words = (
            draw.choice(texts).split() if texts and draw.random() < 0.6 else [str(draw.randrange(9)) for _ in range(30)]
        )
        for _ in range(draw.randrange(4)):
            words[draw.randrange(len(words))] = f"w{draw.randrange(50)}"
        texts.append(" ".join(words))
    return list(dict.fromkeys(texts))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.5, 0.8, 0.9, 1.0]))
def test_the_join_finds_all_pairs_and_no_others(seed: int, threshold: float):
    texts = edited(seed, 40)
    assert pairs(texts, threshold) == brute(texts, threshold)


def test_texts_that_differ_in_case_and_punctuation_only_are_equal():
    found = near_copies(["A cat, sat!", "other", "a cat  sat", "A CAT SAT."])
    assert {(int(a), int(b)) for a, b in found.pairs} == {(0, 2), (0, 3)}
    assert found.similarity.tolist() == [1.0, 1.0]


def test_short_texts_are_copies_only_as_a_whole():
    assert pairs(["yes", "Yes.", "no", "yes no", "yes no maybe"]) == {(0, 1)}


def test_empty_and_foreign_texts_do_no_harm():
    assert pairs(["", "  ", "犬が走る 猫 も", "犬が走る 猫 も", "!!!"]) == {(0, 1), (0, 4), (2, 3)}


def test_no_texts_have_no_copies():
    assert pairs(["only one"]) == set()

"""Claims about copies and leakage."""

from __future__ import annotations

import random
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.data.near_duplicates import near_copies
from hpo.data.near_leaks import between, within
from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.evaluators.check_exact_copies import ExactCopies
from hpo.evaluators.check_leakage import Leakage
from hpo.evaluators.check_near_copies import NearCopies


def rows(texts, prefix="row"):
    frame = pd.DataFrame({"id": [f"{prefix}{i}" for i in range(len(texts))], "text": pd.Series(texts, dtype=object)})
    return Rows(frame, "text")


def edited(seed, count):
    """Texts of few words, many of them copies of earlier ones with a word or two changed."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        words = (
            draw.choice(texts).split() if texts and draw.random() < 0.6 else [str(draw.randrange(9)) for _ in "x" * 25]
        )
        for _ in range(draw.randrange(3)):
            words[draw.randrange(len(words))] = f"w{draw.randrange(50)}"
        texts.append(" ".join(words))
    return texts


def grams(text, length):
    words = re.findall(r"[^\W_]+", text.lower())
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]


def jaccard(a, b):
    a, b = set(grams(a, 3)), set(grams(b, 3))
    return len(a & b) / len(a | b) if a and b else 0.0


def contained(a, b, length):
    """Share of the runs of the shorter text that the other has."""
    a, b = grams(a, length), grams(b, length)
    short, long = (a, set(b)) if len(a) <= len(b) else (b, set(a))
    return sum(run in long for run in short) / len(short) if short else 0.0


def partner_and_similarity(scores, row):
    return scores.evidence["partner"][row], scores.evidence["similarity"][row]


def test_a_repeated_row_is_flagged_and_the_first_is_not():
    scores = ExactCopies().score(rows(["A cat.", "a dog", "A cat.", "a CAT!", "A cat."]))
    assert scores.flags["exact_duplicate"].tolist() == [False, False, True, False, True]
    assert scores.flags["normalised_duplicate"].tolist() == [False, False, False, True, False]
    assert partner_and_similarity(scores, 3) == ("row0", 1.0)
    assert ExactCopies().metrics[0].reduce(scores.stats, np.ones(5)) == pytest.approx(0.6)


def test_rows_without_words_are_no_copies_but_of_the_same_signs():
    scores = ExactCopies().score(rows(["", "  ", "", "!!!", "???", "!!!"]))
    assert scores.flags["normalised_duplicate"].sum() == 0
    assert np.flatnonzero(scores.flags["exact_duplicate"]).tolist() == [5]


def test_vowel_signs_tell_words_apart():
    assert ExactCopies().score(rows(["की", "का"])).stats["duplicate"].sum() == 0


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_how_many_rows_are_copies_does_not_depend_on_their_order(seed):
    texts = edited(seed, 30)
    mixed = random.Random(seed).sample(texts, len(texts))
    for check in (ExactCopies(), NearCopies()):
        flag = next(iter(check.score(rows(texts)).stats))
        assert check.score(rows(texts)).stats[flag].sum() == check.score(rows(mixed)).stats[flag].sum()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.5, 0.8, 1.0]))
def test_near_copies_equal_those_found_by_comparing_all(seed, threshold):
    texts = list(dict.fromkeys(edited(seed, 30)))
    scores = NearCopies(threshold).score(rows(texts))
    cluster = list(range(len(texts)))
    for b in range(len(texts)):
        for a in range(b):
            if jaccard(texts[a], texts[b]) >= threshold - 1e-9:
                old, new = sorted((cluster[a], cluster[b]), reverse=True)
                cluster = [new if each == old else each for each in cluster]
    assert scores.flags["near_duplicate"].tolist() == [own != row for row, own in enumerate(cluster)]
    for row in np.flatnonzero(scores.flags["near_duplicate"]):
        partner, similarity = partner_and_similarity(scores, row)
        assert similarity == pytest.approx(jaccard(texts[row], texts[int(partner[3:])]))
        assert scores.evidence["cluster"][row] == f"row{cluster[row]}"


def test_copies_in_normal_form_are_not_counted_again_as_near_ones():
    text = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
    scores = NearCopies().score(rows([text, text.upper(), text + " seventeen", "something else entirely"]))
    assert scores.flags["near_duplicate"].tolist() == [False, False, True, False]
    assert scores.evidence["cluster"] == ["row0", "row0", "row0", None]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.5, 0.8, 1.0]))
def test_both_joins_of_two_sets_equal_comparing_all(seed, threshold):
    texts = list(dict.fromkeys(edited(seed, 50)))
    left, right = texts[:20], [f"{texts[i % 20]} {text}" if i % 3 == 0 else text for i, text in enumerate(texts[20:])]
    measures = (jaccard, lambda a, b: contained(a, b, 7))
    for found, measure in zip(between(left, right, threshold, 7), measures, strict=True):
        expected = {
            (i, j): measure(a, b)
            for i, a in enumerate(left)
            for j, b in enumerate(right)
            if measure(a, b) >= threshold - 1e-9
        }
        assert dict(zip(map(tuple, found.pairs.tolist()), found.similarity, strict=True)) == pytest.approx(expected)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), threshold=st.sampled_from([0.5, 0.8, 1.0]))
def test_texts_that_stand_in_others_of_one_set_equal_comparing_all(seed, threshold):
    texts = list(dict.fromkeys(edited(seed, 40)))
    texts = [f"{texts[i // 2]} {text}" if i % 3 == 0 else text for i, text in enumerate(texts)]
    texts = list({" ".join(text.lower().split()): text for text in texts}.values())
    expected = {
        (i, j): contained(a, b, 7)
        for i, a in enumerate(texts)
        for j, b in enumerate(texts)
        if i != j and contained(a, b, 7) >= threshold - 1e-9
    }
    near, found = within(texts, threshold, 7)
    assert dict(zip(map(tuple, found.pairs.tolist()), found.similarity, strict=True)) == pytest.approx(expected)
    alone = near_copies(texts, threshold)
    assert near.pairs.tolist() == alone.pairs.tolist()


def test_many_copies_of_a_text_do_not_make_a_pair_of_every_two():
    # given 3,000 copies, a row that holds them all, and as many held-out copies
    texts = [SENTENCE] * 3000 + [f"It was said that {SENTENCE}, which nobody in the room had heard before."]
    near, contained_pairs = within(texts)
    assert len(near.pairs) == 2999 and sorted(map(sorted, contained_pairs.pairs.tolist())) == [[0, 3000], [0, 3000]]
    check = Leakage()
    found = check.score(rows([SENTENCE] * 3000 + [texts[-1] + " Nor did I."]), None, check.prepare(rows(texts)))
    assert found.flags["leaked_exact"].sum() == 3000
    assert found.evidence["partner"][3000] == "row3000"


SENTENCE = "the quick brown fox jumps over the lazy dog while five boxing wizards leave quietly at dawn today"


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (SENTENCE, "exact"),
        (SENTENCE.upper() + "!", "normalised"),
        (SENTENCE.replace("dawn", "noon"), None),
        (SENTENCE + " again", "near"),
        ("It was told that " + SENTENCE + ", and nobody in the room believed a single word of it all.", "contained"),
        (" ".join(SENTENCE.split()[3:17]), "contained"),
        ("nothing of the kind", None),
        ("", None),
    ],
)
def test_a_leak_is_named_after_the_closest_kind(text, how):
    check = Leakage()
    scores = check.score(rows([text], "test"), None, check.prepare(rows(["other words", SENTENCE, ""], "train")))
    assert scores.evidence["how"] == [how]
    assert scores.evidence["partner"] == [None if how is None else "train1"]
    assert [name for name, flags in scores.flags.items() if flags[0]] == ([] if how is None else [f"leaked_{how}"])


def test_leakage_needs_rows_to_look_in():
    with pytest.raises(DataError, match="two sets of rows"):
        Leakage().prepare(None)


def test_conversations_leak_by_what_is_asked():
    turns = [{"role": "user", "content": SENTENCE}]
    train = Rows(pd.DataFrame({"id": ["a"], "messages": [turns], "reference": ["yes"]}), "messages")
    test = Rows(pd.DataFrame({"id": ["b"], "messages": [turns], "reference": ["no"]}), "messages")
    check = Leakage()
    assert check.score(test, None, check.prepare(train)).evidence["how"] == ["exact"]
    assert not ExactCopies().score(test).stats["duplicate"].any()

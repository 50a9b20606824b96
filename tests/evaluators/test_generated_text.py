"""BLEU, chrF and ROUGE are those of sacrebleu and rouge_score, on random and on real text, for any weights."""

from __future__ import annotations

import inspect
import json
import random
import re
import textwrap

import numpy as np
import pandas as pd
import pytest
import sacrebleu
from hypothesis import given, settings
from hypothesis import strategies as st
from rouge_score import rouge_scorer

from hpo.data.rows import Rows
from hpo.errors import ObjectiveError
from hpo.evaluators.bleu import Bleu, bleu
from hpo.evaluators.chrf import Chrf
from hpo.evaluators.rouge import Rouge, longest_common, rouge, rouge_words
from hpo.objective import Outputs

MODULES = (inspect, json, random, re, textwrap)
WORDS = st.sampled_from(["the", "cat", "sat", "on", "a", "mat", "(so", "it's", "3.5", "don't,", "Über", "猫", "x"])
TEXT = st.lists(WORDS, max_size=12).map(" ".join)
PAIRS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=6)


def real_pairs():
    """Docstrings of the standard library against a garbled copy: words dropped, swapped and repeated."""
    rng = random.Random(0)
    texts = [inspect.getdoc(each) for module in MODULES for each in vars(module).values() if callable(each)]
    pairs = []
    for text in sorted({text for text in texts if text})[:80]:
        words = [word for word in text.split() if rng.random() > 0.2]
        for _ in range(len(words) // 6):
            words.insert(rng.randrange(len(words)), words[rng.randrange(len(words))])
        pairs.append((" ".join(words), text))
    return pairs


def scored(evaluator, pairs):
    frame = pd.DataFrame({"id": [str(row) for row in range(len(pairs))], "reference": [each for _, each in pairs]})
    rows = Rows(frame, "custom")
    return evaluator.score(rows, Outputs(rows.ids, np.array([answer for answer, _ in pairs], dtype=object)), None)


def values(evaluator, pairs, weights=None):
    stats = scored(evaluator, pairs).stats
    ones = np.ones(len(pairs)) if weights is None else np.asarray(weights, dtype=float)
    return {metric.name: metric.reduce(stats, ones) for metric in evaluator.metrics}


def theirs(pairs, word_order=None):
    answers, references = map(list, zip(*pairs, strict=True))
    if word_order is None:
        return sacrebleu.corpus_bleu(answers, [references]).score
    return sacrebleu.corpus_chrf(answers, [references], word_order=word_order).score


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_bleu_is_sacrebleus_to_the_last_bit(pairs):
    assert values(Bleu(), pairs)["bleu"] == theirs(pairs)


@settings(max_examples=60, deadline=None)
@given(PAIRS)
def test_chrf_is_sacrebleus_to_the_last_bit(pairs):
    ours = values(Chrf(), pairs)
    assert ours == {"chrf": theirs(pairs, 0), "chrf_plus_plus": theirs(pairs, 2)}


def test_real_text_scores_as_with_sacrebleu():
    pairs = real_pairs()
    assert len(pairs) >= 50
    assert values(Bleu(), pairs)["bleu"] == theirs(pairs)
    assert values(Chrf(), pairs) == {"chrf": theirs(pairs, 0), "chrf_plus_plus": theirs(pairs, 2)}
    assert 20 < theirs(pairs) < 80  # neither hopeless nor perfect


def test_weights_are_repeated_rows_for_sacrebleu_too():
    pairs = real_pairs()[:6]
    weights = [2, 0, 3, 1, 0, 1]
    repeated = [pair for pair, weight in zip(pairs, weights, strict=True) for _ in range(weight)]
    assert values(Bleu(), pairs, weights)["bleu"] == theirs(repeated)
    assert values(Chrf(), pairs, weights)["chrf_plus_plus"] == theirs(repeated, 2)


def test_bleu_by_hand():
    # The example of Papineni et al. (2002), section 2: 7 times "the" against a reference with two: 2/7, clipped.
    assert bleu([2, 0, 0, 0], [7, 6, 5, 4], 7, 7) == pytest.approx(
        100 * (2 / 7 * 1 / (2 * 6) * 1 / (4 * 5) * 1 / (8 * 4)) ** 0.25
    )
    # all n-grams right, but half as long: the brevity penalty exp(1 - 2) alone
    assert bleu([5, 4, 3, 2], [5, 4, 3, 2], 5, 10) == pytest.approx(100 * np.exp(-1))
    assert bleu([2, 1, 0, 0], [2, 1, 0, 0], 2, 2) == 0  # no 4-gram at all
    assert bleu([0, 0, 0, 0], [7, 6, 5, 4], 7, 7) == 0


def test_the_same_text_is_perfect():
    pairs = [(text, text) for _, text in real_pairs()[:5]]
    assert values(Bleu(), pairs)["bleu"] == pytest.approx(100)
    assert values(Chrf(), pairs) == pytest.approx({"chrf": 100, "chrf_plus_plus": 100})
    assert values(Rouge(), pairs) == pytest.approx({"rouge_1": 1, "rouge_2": 1, "rouge_l": 1})


SCORER = rouge_scorer.RougeScorer(["rouge1", "rouge2", "rougeL"], use_stemmer=False)


def their_rouge(answer, reference):
    found = SCORER.score(reference, answer)
    return [found[name].fmeasure for name in ("rouge1", "rouge2", "rougeL")]


@settings(max_examples=150, deadline=None)
@given(TEXT, TEXT)
def test_rouge_is_rouge_scores_on_random_text(answer, reference):
    assert rouge(answer, reference) == their_rouge(answer, reference)


def test_rouge_is_rouge_scores_on_real_text():
    for answer, reference in real_pairs():
        assert rouge(answer, reference) == their_rouge(answer, reference)


def test_rouge_by_hand():
    # Lin (2004), section 3.1: "police kill the gunman" shares two words in order with the reference, "the gunman kill
    # police" too, but only one of them in order after another ("the gunman"): LCS 3 of 4 against 2 of 4 words.
    reference = "police killed the gunman"
    assert rouge("police kill the gunman", reference)[2] == pytest.approx(3 / 4)
    assert rouge("the gunman kill police", reference)[2] == pytest.approx(2 / 4)
    assert rouge_words("Don't STOP, now_2!") == ["don", "t", "stop", "now", "2"]
    assert rouge("猫 が", "猫 が") == [0, 0, 0]  # no word of this alphabet: chrF is the one to take


def table_length(a, b):
    table = np.zeros((len(a) + 1, len(b) + 1), int)
    for i, one in enumerate(a):
        for j, other in enumerate(b):
            table[i + 1, j + 1] = table[i, j] + 1 if one == other else max(table[i, j + 1], table[i + 1, j])
    return table[-1, -1]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from("abcd"), max_size=90), st.lists(st.sampled_from("abcd"), max_size=90))
def test_the_longest_common_subsequence_is_that_of_the_table(a, b):
    assert longest_common(a, b) == table_length(a, b) == longest_common(b, a)


@pytest.mark.parametrize("evaluator", [Bleu(), Chrf(), Rouge()], ids=lambda each: each.name)
def test_no_answer_is_wrong_and_no_reference_is_unscored(evaluator):
    scores = scored(evaluator, [("so it is said here", "so it is said here"), (None, "so"), ("so", None)])
    assert scores.unscored.tolist() == [False, False, True]
    kept = {name: each[:2] for name, each in scores.stats.items()}
    full = {name: each[:1] for name, each in scores.stats.items()}
    for metric in evaluator.metrics:
        assert metric.reduce(kept, np.array([0.0, 1.0])) == 0
        assert 0 < metric.reduce(kept, np.ones(2)) < metric.reduce(full, np.ones(1))
        assert np.isnan(metric.reduce(kept, np.zeros(2)))


def test_answers_are_needed():
    rows = Rows(pd.DataFrame({"id": ["a"], "reference": ["so"]}), "custom")
    with pytest.raises(ObjectiveError, match="no prediction"):
        Bleu().score(rows, Outputs(rows.ids), None)

"""Perplexity by hand, weighted by tokens and not by rows."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.evaluators.perplexity import Perplexity
from hpo.objective import Outputs

REDUCE = {metric.name: metric.reduce for metric in Perplexity.metrics}


def test_by_hand():
    # 1 token of probability 1/2, 3 tokens of probability 1/4 each: log 2 + 3 log 4 = 7 log 2 over 4 tokens, 14 bytes.
    stats = {"nll_sum": np.log(2) * np.array([1.0, 6.0]), "n_tokens": np.array([1, 3]), "n_bytes": np.array([4, 10])}
    assert REDUCE["loss"](stats, np.ones(2)) == pytest.approx(7 / 4 * np.log(2))
    assert REDUCE["perplexity"](stats, np.ones(2)) == pytest.approx(2 ** (7 / 4))
    assert REDUCE["bits_per_byte"](stats, np.ones(2)) == pytest.approx(0.5)


def test_a_uniform_model_has_the_perplexity_of_its_vocabulary():
    n_tokens = np.array([5, 1, 40])
    stats = {"nll_sum": n_tokens * np.log(32_000), "n_tokens": n_tokens}
    assert REDUCE["perplexity"](stats, np.ones(3)) == pytest.approx(32_000)


def test_rows_without_tokens_and_text_without_bytes():
    stats = {"nll_sum": np.zeros(2), "n_tokens": np.zeros(2)}
    assert np.isnan(REDUCE["loss"](stats, np.ones(2)))
    assert np.isnan(REDUCE["bits_per_byte"](stats, np.ones(2)))


def test_a_loss_too_large_is_an_infinite_perplexity():
    assert REDUCE["perplexity"]({"nll_sum": np.array([1e4]), "n_tokens": np.array([1])}, np.ones(1)) == np.inf


def test_a_row_without_likelihood_is_unscored(three_rows):
    outputs = Outputs(three_rows.ids, nll_sum=np.array([1.0, np.nan, 2.0]), n_tokens=np.array([1, 1, 1]))
    scores = Perplexity().score(three_rows, outputs, None)
    assert scores.unscored.tolist() == [False, True, False]
    assert "n_bytes" not in scores.stats

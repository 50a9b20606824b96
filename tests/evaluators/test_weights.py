"""Every metric is a function of rows and weights alone: a weight of 3 is the row three times, the order is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.evaluators.chrf import CHARACTERS, PARTS, WORDS
from hpo.evaluators.registry import EVALUATORS

METRICS = {
    metric.name: (each.name, metric) for group in EVALUATORS.values() for each in group for metric in each.metrics
}


def statistics(evaluator, rng, n):
    """Random statistics as the evaluator would give them."""
    k = int(rng.integers(2, 4))
    labels = rng.integers(0, k, n).astype(float)
    if evaluator == "classification":
        return {"label": labels, "prediction": rng.integers(-1, k, n).astype(float)}
    if evaluator == "probabilities":
        probability = rng.dirichlet(np.ones(k), n).round(1)  # with ties
        return {"label": labels, **{f"probability_{code}": probability[:, code] for code in range(k)}}
    if evaluator == "confidence":
        return {"confidence": rng.random(n).round(1), "right": rng.integers(0, 2, n).astype(float)}
    if evaluator == "ranking_score":
        return {"label": rng.integers(0, 2, n).astype(float), "score": rng.integers(0, 5, n).astype(float)}
    if evaluator == "bleu":  # an order without any match is smoothed by an amount that depends on the corpus's size
        matches = rng.integers(1, 9, (4, n)).astype(float)
        counts = {f"matches_{order + 1}": matches[order] for order in range(4)}
        counts |= {f"totals_{order + 1}": matches[order] + rng.integers(0, 9, n) for order in range(4)}
        return counts | {name: rng.integers(1, 20, n).astype(float) for name in ("answer_words", "reference_words")}
    if evaluator == "pass_at_k":
        n_samples = rng.integers(100, 120, n).astype(float)
        return {"n": n_samples, "c": rng.integers(0, 100, n).astype(float), "share": 1 / rng.integers(1, 4, n)}
    if evaluator.startswith("rated_"):
        return {evaluator.removeprefix("rated_"): rng.random(n), "majority": rng.random(n)}
    return {name: rng.integers(0, 20, n).astype(float) for name in PLAIN[evaluator]}


PLAIN = {
    "regression": ("target", "prediction"),
    "exact_match": ("exact_match", "token_f1"),
    "perplexity": ("nll_sum", "n_tokens", "n_bytes"),
    "chrf": tuple(f"{order}_{part}" for order in (*CHARACTERS, *WORDS) for part in PARTS),
    "rouge": ("rouge_1", "rouge_2", "rouge_l"),
    "numeric_answer": ("numeric_match",),
    "multiple_choice": ("right",),
    "multiple_choice_normalized": ("right",),
    "own_score": ("score",),
    "latency": ("seconds",),
}


@pytest.mark.parametrize("name", sorted(METRICS))
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12))
def test_whole_weights_are_repeated_rows_and_the_order_is_nothing(name, seed, n):
    evaluator, metric = METRICS[name]
    rng = np.random.default_rng(seed)
    stats, weights = statistics(evaluator, rng, n), rng.integers(0, 4, n)
    repeated = {stat: np.repeat(values, weights) for stat, values in stats.items()}
    shuffled = rng.permutation(n)
    weighted = metric.reduce(stats, weights.astype(float))
    plain = metric.reduce(repeated, np.ones(weights.sum()))
    mixed = metric.reduce({stat: values[shuffled] for stat, values in stats.items()}, weights[shuffled].astype(float))
    np.testing.assert_allclose([weighted, weighted], [plain, mixed], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(metric.reduce(stats, weights * 0.5), weighted, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(name for name, (_, metric) in METRICS.items() if metric.rows))
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12))
def test_a_metric_with_row_values_is_their_mean(name, seed, n):
    evaluator, metric = METRICS[name]
    rng = np.random.default_rng(seed)
    stats, weights = statistics(evaluator, rng, n), rng.integers(1, 4, n).astype(float)
    mean = np.average(metric.rows(stats), weights=weights)
    np.testing.assert_allclose(metric.reduce(stats, weights), mean, rtol=1e-9, atol=1e-12)

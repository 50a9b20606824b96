"""Every metric is a function of rows and weights alone: a weight of 3 is the row three times, the order is nothing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

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
    names = {
        "regression": ("target", "prediction"),
        "exact_match": ("exact_match", "token_f1"),
        "perplexity": ("nll_sum", "n_tokens", "n_bytes"),
    }[evaluator]
    return {name: rng.integers(0, 20, n).astype(float) for name in names}


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

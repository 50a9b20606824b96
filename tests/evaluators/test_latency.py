"""Quantiles of time by their definition, and what one worker gets through."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.evaluators.latency import Latency, quantile
from hpo.evaluators.score import Scorecard
from hpo.objective import Outputs

VALUES = st.lists(st.integers(0, 50), min_size=1, max_size=40)


@given(VALUES, st.sampled_from([0.01, 0.25, 0.5, 0.95, 0.99, 1.0]))
def test_the_quantile_is_numpys_inverted_cdf(values, q):
    """Hyndman & Fan (1996), definition 1, is what NumPy calls inverted_cdf."""
    found = quantile(np.array(values, float), np.ones(len(values)), q)
    assert found == np.quantile(values, q, method="inverted_cdf")
    assert found in values


@given(VALUES, st.data())
def test_a_weight_is_the_row_so_many_times(values, data):
    weights = np.array(data.draw(st.lists(st.integers(0, 5), min_size=len(values), max_size=len(values))))
    repeated = np.repeat(np.array(values, float), weights)
    found = quantile(np.array(values, float), weights / 7, 0.95)  # sevenths are not exact in binary
    assert found == quantile(repeated, np.ones(len(repeated)), 0.95) or (np.isnan(found) and not len(repeated))


def test_the_metrics_of_a_hundred_rows(build):
    rows = build.rows([1.0] * 100)
    seconds = np.random.default_rng(0).permutation(np.arange(1, 101)) / 1000
    outputs = Outputs(rows.ids, np.ones(100), seconds=seconds)
    card = Scorecard("regression", (), ["seconds_p50", "seconds_p95", "seconds_p99", "rows_per_second"])
    found = card.score(rows, outputs).metrics
    assert {name: found[name] for name in ("seconds_p50", "seconds_p95", "seconds_p99")} == pytest.approx(
        {"seconds_p50": 0.050, "seconds_p95": 0.095, "seconds_p99": 0.099}
    )
    assert found["rows_per_second"] == pytest.approx(100 / seconds.sum())


def test_a_row_without_its_time_is_unscored(three_rows):
    seconds = np.array([0.1, np.nan, 0.3])
    assert Latency().score(three_rows, Outputs(three_rows.ids, seconds=seconds), None).unscored.tolist() == [0, 1, 0]

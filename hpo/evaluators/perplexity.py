"""Likelihood of text: loss a token, perplexity and bits per byte, all weighted by tokens (or bytes)."""

from __future__ import annotations

import numpy as np

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.objective import Outputs


def _ratio(stats: Stats, weights: Weights, unit: str) -> float:
    """Negative log-likelihood in nats for each unit; NaN where there is not one unit, or units were not counted."""
    drawn = weights > 0
    units = float(weights[drawn] @ stats[unit][drawn]) if unit in stats else 0.0
    return float(weights[drawn] @ stats["nll_sum"][drawn]) / units if units > 0 else np.nan


def _loss(stats: Stats, weights: Weights) -> float:
    return _ratio(stats, weights, "n_tokens")


def _perplexity(stats: Stats, weights: Weights) -> float:
    with np.errstate(over="ignore"):
        return float(np.exp(_loss(stats, weights)))


def _bits_per_byte(stats: Stats, weights: Weights) -> float:
    return _ratio(stats, weights, "n_bytes") / float(np.log(2))


class Perplexity:
    """Statistics ``nll_sum`` (nats), ``n_tokens`` and, where the outputs have them, ``n_bytes``."""

    name = "perplexity"
    needs = frozenset({"likelihood"})
    metrics: tuple[Metric, ...] = (
        Metric("loss", "minimize", _loss),
        Metric("perplexity", "minimize", _perplexity),
        Metric("bits_per_byte", "minimize", _bits_per_byte),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Sums of every row; a row without a log-likelihood is unscored."""
        stats = {name: np.asarray(column(outputs, name), dtype=np.float64) for name in ("nll_sum", "n_tokens")}
        if outputs is not None and outputs.n_bytes is not None:
            stats["n_bytes"] = np.asarray(outputs.n_bytes, dtype=np.float64)
        return ExampleScores(data.ids, stats, groups=data.groups)

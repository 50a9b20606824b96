"""Likelihood of text: loss a token, perplexity and bits per byte, all weighted by tokens (or bytes)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.objective import Outputs
from hpo.statistics import linearise


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


def _linear(stats: Stats, unit: str) -> NDArray[np.float64]:
    """Linearised values, shape (n,), of nats a unit; NaN where there is not one unit."""
    if unit not in stats or not stats[unit].sum() > 0:
        return np.full(len(stats["nll_sum"]), np.nan)
    return linearise.ratio(stats["nll_sum"].astype(np.float64), stats[unit].astype(np.float64))


def _linear_perplexity(stats: Stats) -> NDArray[np.float64]:
    """Linearised values, shape (n,), of exp(loss)."""
    loss = _linear(stats, "n_tokens")
    return np.asarray(np.exp(loss.mean()) * (1 + loss - loss.mean()), dtype=np.float64)


class Perplexity:
    """Statistics ``nll_sum`` (nats), ``n_tokens`` and, where the outputs have them, ``n_bytes``."""

    name = "perplexity"
    needs = frozenset({"likelihood"})
    metrics: tuple[Metric, ...] = (
        Metric("loss", "minimize", _loss, linear=lambda stats: _linear(stats, "n_tokens")),
        Metric("perplexity", "minimize", _perplexity, linear=_linear_perplexity),
        Metric("bits_per_byte", "minimize", _bits_per_byte, linear=lambda stats: _linear(stats, "n_bytes") / np.log(2)),
    )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Sums of every row; a row without a log-likelihood is unscored."""
        stats = {name: np.asarray(column(outputs, name), dtype=np.float64) for name in ("nll_sum", "n_tokens")}
        if outputs is not None and outputs.n_bytes is not None:
            stats["n_bytes"] = np.asarray(outputs.n_bytes, dtype=np.float64)
        return ExampleScores(data.ids, stats, groups=data.groups)

"""pass@k: how often one of k candidate programs (or answers) of a problem passes.

Nothing is run here. Model-written code is run by lm-evaluation-harness, in its own sandbox; what passed is read from a
predictions file: a line a problem with the counts ``n`` (candidates) and ``c`` (those that passed), or a line a
candidate with ``passed`` and, as its ``group``, the problem.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric, Stats, Weights
from hpo.evaluators.reductions import mean
from hpo.objective import Outputs
from hpo.statistics import linearise

KS = (1, 5, 10, 100)


def pass_at_k(n: NDArray[np.float64], c: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    """Unbiased estimate for every problem, in [0, 1]: 1 - C(n-c, k) / C(n, k) (Chen et al. 2021, eq. 1).

    The quotient is taken as the product of (n - c - j) / (n - j) over j < k, so that nothing grows large.

    Args:
        n: candidates, shape (problems,).
        c: candidates that passed, shape (problems,).
        k: how many may be tried.

    Returns:
        Shape (problems,); NaN where there are fewer than k candidates.

    >>> pass_at_k(np.array([4.0]), np.array([1.0]), 2)
    array([0.5])
    """
    drawn = np.arange(k)
    some = np.maximum(n, k)[:, None] - drawn
    none_passes = np.prod(np.maximum(some - c[:, None], 0) / some, axis=1)
    return np.where(n >= k, 1 - none_passes, np.nan)


def _metric(k: int) -> Metric:
    """Mean over the problems; NaN where one of them has fewer than k candidates."""

    def reduce(stats: Stats, weights: Weights) -> float:
        return mean(pass_at_k(stats["n"], stats["c"], k), weights * stats["share"])

    def linear(stats: Stats) -> NDArray[np.float64]:
        return linearise.ratio(pass_at_k(stats["n"], stats["c"], k) * stats["share"], stats["share"])

    return Metric(f"pass_at_{k}", "maximize", reduce, linear=linear)


class PassAtK:
    """Statistics ``n`` and ``c`` of the row's problem, and ``share``: one over the rows that the problem has.

    Every row weighs its share, so a problem counts once however many rows tell of it. Resample problems, not rows: the
    groups are the problems where a row is a candidate.
    """

    name = "pass_at_k"
    needs = frozenset({"samples"})
    metrics: tuple[Metric, ...] = tuple(map(_metric, KS))

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Counts of every row's problem: its group where every row is one candidate, else the row itself."""
        n, c = (np.asarray(column(outputs, name), dtype=np.float64) for name in ("n_samples", "n_passed"))
        if data.groups is None or (n != 1).any():
            return ExampleScores(data.ids, {"n": n, "c": c, "share": np.ones(len(n))}, groups=data.groups)
        _, problem = np.unique(data.groups.astype(str), return_inverse=True)
        rows = np.bincount(problem)[problem].astype(np.float64)
        stats = {"n": rows, "c": np.bincount(problem, weights=c)[problem], "share": 1 / rows}
        return ExampleScores(data.ids, stats, groups=data.groups)

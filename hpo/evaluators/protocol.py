"""The one protocol that serves a trial's objective, validation, significance tests and data checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import Direction
from hpo.data.rows import Rows
from hpo.objective import Outputs

Stats = Mapping[str, NDArray[Any]]
Weights = NDArray[np.float64]


@dataclass(frozen=True)
class ExampleScores:
    """Scores of single rows; every number shown anywhere is an aggregate of these. Arrays have shape (n,)."""

    ids: NDArray[np.object_]
    stats: Stats  # sufficient statistics per row; NaN (or None for text) means unscored
    flags: Mapping[str, NDArray[np.bool_]] = field(default_factory=dict)  # what a data check found
    evidence: Mapping[str, Sequence[Any]] = field(default_factory=dict)  # partner id, span, reason
    groups: NDArray[np.object_] | None = None  # clusters, for standard errors and resampling

    @property
    def unscored(self) -> NDArray[np.bool_]:
        """Rows, shape (n,), in which any statistic is missing."""
        missing = np.zeros(len(self.ids), dtype=bool)
        for values in self.stats.values():
            missing |= _missing(values)
        return missing


def _missing(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype.kind in "biu":
        return np.zeros(len(values), dtype=bool)
    if values.dtype.kind == "f":
        return np.asarray(np.isnan(values), dtype=bool)
    return np.array([value is None or value != value for value in values.tolist()], dtype=bool)


@dataclass(frozen=True)
class Metric:
    """A pure function of per-row statistics and row weights.

    ``rows`` and ``counts`` are shorter ways to the same number, given where they exist: they decide which interval and
    which test is used, and make them fast.

    Attributes:
        name: the metric's name, as a study spells it.
        direction: which way is better.
        reduce: statistics and weights to the value; unscored rows are removed before; NaN where undefined.
        rows: statistics to values of single rows, shape (n,), whose weighted mean is the metric.
        counts: confusion matrices, shape (..., k, k + 1), to values, shape (...,).
        linear: statistics to linearised values, shape (n,): their plain mean is the metric, their spread its standard
            error to first order (ratios, roots, areas); used where there are neither ``rows`` nor ``counts``.
        lift: statistics and clusters (codes, shape (n,)) to how far chance alone may raise a value that is never below
            0; it lowers the lower end.
    """

    name: str
    direction: Direction
    reduce: Callable[[Stats, Weights], float]
    rows: Callable[[Stats], NDArray[np.float64]] | None = None
    counts: Callable[[NDArray[np.float64]], NDArray[np.float64]] | None = None
    linear: Callable[[Stats], NDArray[np.float64]] | None = None
    lift: Callable[[Stats, NDArray[np.int64]], float] | None = None


class Evaluator(Protocol):
    """Turns outputs (or data rows) into per-row statistics, and names the metrics that aggregate them."""

    name: str
    needs: frozenset[str]  # of text, label, reference, prediction, probabilities, likelihood
    metrics: tuple[Metric, ...]

    def prepare(self, reference: Rows | None) -> Any:
        """State that scoring needs (an index of the training rows, say); None where there is none."""
        ...

    def score(self, data: Rows, outputs: Outputs | None, state: Any) -> ExampleScores:
        """Statistics of every row of ``data``, in its order; ``outputs`` are matched by id."""
        ...

"""What every Evaluator must do, as tests: intervals and tests of significance rest on these properties."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.protocol import Evaluator, ExampleScores, Metric, Stats
from hpo.objective import Outputs
from hpo.testing.listening import check

_N = 40
_TOLERANCE = 1e-9


class EvaluatorContract:
    """Subclass it in a test file as ``TestMine`` and override both methods."""

    def open_evaluator(self) -> Evaluator:
        """The evaluator under test."""
        raise NotImplementedError

    def example(self, n: int, seed: int) -> tuple[Rows, Outputs | None]:
        """Rows, and outputs for them in the same order; other rows for another seed."""
        raise NotImplementedError

    def test_it_names_itself_its_needs_and_its_metrics(self) -> None:
        """Each metric once, with the direction that is better."""
        evaluator = self.open_evaluator()
        names = [metric.name for metric in evaluator.metrics]
        check(bool(evaluator.name) and isinstance(evaluator.needs, frozenset), "it has no name, or needs is no set")
        check(bool(names) and len(names) == len(set(names)), f"metrics {names}")
        check(all(m.direction in ("maximize", "minimize") for m in evaluator.metrics), "a direction is neither")

    def test_every_row_has_its_statistics_in_the_order_of_the_rows(self) -> None:
        """One value a row and statistic."""
        data, _, scores = self._scored(0)
        check(list(scores.ids) == list(data.ids), "the ids of the scores are not those of the rows, in their order")
        sizes = {name: values.shape[:1] for name, values in scores.stats.items()}
        check(bool(sizes) and all(size == (_N,) for size in sizes.values()), f"shapes {sizes} for {_N} rows")
        check(not scores.unscored.all(), "no row of the example could be scored")

    def test_scoring_again_gives_the_same_and_changes_nothing(self) -> None:
        """Rows and outputs are the caller's."""
        data, outputs = self.example(_N, 0)
        before = copy.deepcopy((data, outputs))
        evaluator = self.open_evaluator()
        first, again = (evaluator.score(data, outputs, evaluator.prepare(data)) for _ in range(2))
        check(_same(first.stats, again.stats), "scoring twice gives two results")
        check(data.frame.equals(before[0].frame), "scoring changes the rows")
        check(_same(_arrays(outputs), _arrays(before[1])), "scoring changes the outputs")

    def test_a_row_s_statistics_do_not_depend_on_the_order_of_the_rows(self) -> None:
        """Rows and outputs turned round, the statistics are turned round."""
        data, outputs, scores = self._scored(0)
        turned = np.arange(_N)[::-1]
        evaluator = self.open_evaluator()
        other = evaluator.score(data.take(turned), _take(outputs, turned), evaluator.prepare(data))
        check(_same(_rows(scores.stats, turned), other.stats), "statistics depend on the order of the rows")

    def test_a_metric_is_a_function_of_the_rows(self) -> None:
        """Computed again, or with the rows in another order, it is the same number."""
        for metric, stats in self._metrics():
            value = _value(metric, stats)
            check(_equal(value, _value(metric, stats)), f"{metric.name} is another number each time")
            order = np.random.default_rng(1).permutation(_size(stats))
            check(_equal(value, _value(metric, _rows(stats, order))), f"{metric.name} depends on the order of the rows")

    def test_a_weight_counts_a_row_so_many_times(self) -> None:
        """Weight 2 is the row twice, and weight 0 is its absence: resampling draws weights."""
        for metric, stats in self._metrics():
            weights = np.random.default_rng(2).integers(0, 4, _size(stats))
            repeated = _rows(stats, np.repeat(np.arange(len(weights)), weights))
            weighed, counted = _value(metric, stats, weights.astype(np.float64)), _value(metric, repeated)
            check(_equal(weighed, counted), f"{metric.name} is {weighed} by weight and {counted} with rows repeated")

    def test_the_shorter_ways_to_a_metric_lead_to_the_same_number(self) -> None:
        """The mean of ``rows`` under any weights, of ``linear`` under equal ones."""
        for metric, stats in self._metrics():
            weights = np.random.default_rng(3).random(_size(stats)) + 0.1
            if metric.rows is not None:
                mean = float(np.average(metric.rows(stats), weights=weights))
                check(_equal(mean, _value(metric, stats, weights)), f"the mean of rows is not {metric.name}")
            if metric.linear is not None:
                mean = float(np.mean(metric.linear(stats)))
                check(_equal(mean, _value(metric, stats)), f"the mean of the linearised values is not {metric.name}")

    def _scored(self, seed: int) -> tuple[Rows, Outputs | None, ExampleScores]:
        data, outputs = self.example(_N, seed)
        evaluator = self.open_evaluator()
        return data, outputs, evaluator.score(data, outputs, evaluator.prepare(data))

    def _metrics(self) -> Iterator[tuple[Metric, Stats]]:
        for seed in (0, 1):
            scores = self._scored(seed)[2]
            kept = _rows(scores.stats, np.flatnonzero(~scores.unscored))
            for metric in self.open_evaluator().metrics:
                yield metric, kept


def _value(metric: Metric, stats: Stats, weights: NDArray[np.float64] | None = None) -> float:
    return float(metric.reduce(stats, np.ones(_size(stats)) if weights is None else weights))


def _size(stats: Stats) -> int:
    return len(next(iter(stats.values())))


def _rows(stats: Stats, places: NDArray[Any]) -> dict[str, NDArray[Any]]:
    return {name: values[places] for name, values in stats.items()}


def _arrays(outputs: Outputs | None) -> dict[str, NDArray[Any]]:
    return {name: value for name, value in vars(outputs or Outputs(np.array([]))).items() if hasattr(value, "shape")}


def _take(outputs: Outputs | None, places: NDArray[Any]) -> Outputs | None:
    if outputs is None:
        return None
    return Outputs(**{**vars(outputs), **_rows(_arrays(outputs), places)})


def _equal(a: float, b: float) -> bool:
    return bool(np.isclose(a, b, rtol=_TOLERANCE, atol=_TOLERANCE, equal_nan=True))


def _same(a: Stats, b: Stats) -> bool:
    return a.keys() == b.keys() and all(_same_array(a[name], b[name]) for name in a)


def _same_array(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.shape != b.shape:
        return False
    if a.dtype.kind == "f":
        return bool(np.array_equal(a, b, equal_nan=True))
    return all(x is y or x == y or (x != x and y != y) for x, y in zip(a.ravel(), b.ravel(), strict=True))

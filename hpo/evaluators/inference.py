"""Estimates and comparisons of evaluators' metrics: the interval and the test that metric and data ask for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.probabilities import PREFIX, probability_columns
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.score import LEAST_SCORED
from hpo.statistics import crossed, intervals, linearise, paired, paired_cells
from hpo.statistics.clusters import codes
from hpo.statistics.values import DEFAULT, Comparison, Estimate, Settings
from hpo.statistics.verdicts import refused

Stats = dict[str, NDArray[Any]]

TRUTHS = ("label", "target")  # statistics that belong to the data and are the same under every model
UNDEFINED = "undefined on these rows"
NAMED = 3  # ids that a refusal names
FEWEST_OF_CLASS = 5  # test items of a class that a macro average needs over seeds


def estimate(metric: Metric, scores: ExampleScores, settings: Settings = DEFAULT) -> Estimate:
    """The metric over scored rows with its confidence interval.

    Values of single rows give a closed form (Wilson for 0 and 1), confusion matrices draws of their cells, linearised
    values t; anything else is bootstrapped. Rows in groups are clusters. Never raises on degenerate data: what is
    undefined is NaN, with the reason.
    """
    kept = ~scores.unscored
    n, total = int(kept.sum()), len(kept)
    if n == 0 or n < LEAST_SCORED * total:
        return intervals.none(math.nan, n, f"{total - n} of {total} rows could not be scored" if total else "no rows")
    stats = {name: values[kept] for name, values in scores.stats.items()}
    groups = None if scores.groups is None else scores.groups[kept]
    with np.errstate(all="ignore"):
        value = metric.reduce(stats, np.ones(n))
        if not math.isfinite(value):
            return intervals.none(value, n, UNDEFINED)
        found = _interval(metric, stats, groups, settings)
    reason = "; ".join(filter(None, (found.reason, f"{total - n} rows unscored" if n < total else "")))
    return replace(found, value=float(value), n=n, reason=reason)


def compare(metric: Metric, a: ExampleScores, b: ExampleScores, settings: Settings = DEFAULT) -> Comparison:
    """Is one trained model different from another on the same rows? ``difference`` is a minus b.

    ``better`` says that they differ; the sign and the metric's direction say which is ahead. Refused where ids do not
    match or rows are unscored, which are then named.
    """
    second = _in_order(a, b)
    if isinstance(second, Comparison):
        return second
    problem = _unscored((a, second))
    if problem:
        return refused(problem, len(a.ids))
    groups = a.groups if a.groups is not None else second.groups
    with np.errstate(all="ignore"):
        values = [metric.reduce(each.stats, np.ones(len(a.ids))) for each in (a, second)]
        if not np.isfinite(values).all():
            return refused(f"{metric.name} is {UNDEFINED}; rows on which it is defined would answer", len(a.ids))
        return _compared(metric, (dict(a.stats), dict(second.stats)), groups, settings)


def compare_seeds(
    metric: Metric, a: Sequence[ExampleScores], b: Sequence[ExampleScores], settings: Settings = DEFAULT
) -> Comparison:
    """Is one configuration different from another, each trained with several seeds and scored on the same rows?

    Crossed random effects on values of single rows, or on linearised ones. Refused for a single seed, for rows that do
    not match or are unscored, and for a macro average with a class of fewer than FEWEST_OF_CLASS rows.
    """
    if not a or not b:
        return refused("a configuration without any scores; train and score it", 0)
    ordered = [_in_order(a[0], each) for each in (*a, *b)]
    for each in ordered:
        if isinstance(each, Comparison):
            return each
    every = [each for each in ordered if isinstance(each, ExampleScores)]
    problem = _unscored(every) or _rare_class(metric, every[0])
    if problem:
        return refused(problem, len(every[0].ids), crossed.METHOD)
    with np.errstate(all="ignore"):
        values = [_row_values(metric, dict(each.stats)) for each in every]
    found = [each for each in values if each is not None]
    if len(found) < len(values):
        reason = f"{metric.name} has no values of single rows; compare single models, or take another metric"
        return refused(reason, len(every[0].ids), crossed.METHOD)
    return crossed.compare(np.stack(found[: len(a)]), np.stack(found[len(a) :]), settings)


def _interval(metric: Metric, stats: Stats, groups: NDArray[Any] | None, settings: Settings) -> Estimate:
    n = len(next(iter(stats.values())))
    if metric.rows is not None:
        return intervals.mean(metric.rows(stats), groups, settings)
    clustered = codes(groups) is not None
    if metric.counts is not None and not clustered:
        return intervals.cells(metric.counts, _confusion(stats), settings)
    if _is_binary_area(metric, stats) and not clustered:
        return intervals.auc(stats["label"] == 1, stats[f"{PREFIX}1"], settings)
    values = _row_values(metric, stats)
    if values is not None and n < paired.LARGE and not clustered:
        return intervals.bootstrap_bca(metric.reduce, stats, values, settings)
    if values is None or n < paired.LARGE:
        return intervals.bootstrap(metric.reduce, stats, n, groups, settings)
    found = intervals.mean(values, groups, settings)
    low = found.low
    if metric.lift is not None:
        code = codes(groups)
        low = max(low - metric.lift(stats, np.arange(n) if code is None else code), 0.0)
    return replace(found, low=low, method=f"linearised, {found.method}")


def _compared(
    metric: Metric, sides: tuple[Stats, Stats], groups: NDArray[Any] | None, settings: Settings
) -> Comparison:
    a, b = sides
    n = len(next(iter(a.values())))
    if metric.rows is not None:
        return paired.means(metric.rows(a), metric.rows(b), groups, settings)
    clustered = codes(groups) is not None
    if metric.counts is not None and not clustered:
        return paired_cells.cells(metric.counts, a["label"], a["prediction"], b["prediction"], settings)
    if _is_binary_area(metric, a) and not clustered:
        return paired.auc(a["label"] == 1, a[f"{PREFIX}1"], b[f"{PREFIX}1"], settings)
    if n >= paired.LARGE:
        values = _row_values(metric, a), _row_values(metric, b)
        if values[0] is not None and values[1] is not None:
            return paired.linear(values[0], values[1], groups, settings)
    return paired.bootstrap(metric.reduce, a, b, groups, settings)


def _row_values(metric: Metric, stats: Stats) -> NDArray[np.float64] | None:
    """Values of single rows whose mean is the metric, exact or linearised; None where there are none."""
    if metric.rows is not None:
        return np.asarray(metric.rows(stats), dtype=np.float64)
    if metric.counts is not None:
        label, prediction = stats["label"].astype(np.int64), stats["prediction"].astype(np.int64)
        return linearise.counts(metric.counts, label, prediction, _classes(stats))
    return None if metric.linear is None else np.asarray(metric.linear(stats), dtype=np.float64)


def _classes(stats: Stats) -> int:
    return int(max(stats["label"].max(), stats["prediction"].max())) + 1


def _confusion(stats: Stats) -> NDArray[np.float64]:
    label, prediction = stats["label"].astype(np.int64), stats["prediction"].astype(np.int64)
    return linearise.confusion(label, prediction, _classes(stats))


def _is_binary_area(metric: Metric, stats: Stats) -> bool:
    return metric.name == "roc_auc" and f"{PREFIX}1" in stats and probability_columns(stats).shape[1] == 2


def _in_order(a: ExampleScores, b: ExampleScores) -> ExampleScores | Comparison:
    """The rows of b in the order of a, or the refusal of rows that do not match."""
    n, first, second = len(a.ids), a.ids.tolist(), b.ids.tolist()
    if set(first) != set(second) or len(set(first)) < n or len(first) != len(second):
        return refused(_mismatch(first, second), n)
    if first != second:
        where = {name: row for row, name in enumerate(second)}
        order = np.array([where[name] for name in first], dtype=np.int64)
        stats = {name: values[order] for name, values in b.stats.items()}
        b = ExampleScores(a.ids, stats, groups=None if b.groups is None else b.groups[order])
    for truth in TRUTHS:
        if truth in a.stats and truth in b.stats:
            differ = np.nonzero(_differ(a.stats[truth], b.stats[truth]))[0]
            if len(differ):
                named = ", ".join(str(first[row]) for row in differ[:NAMED])
                what = f"the two were scored against other {truth}s in {len(differ)} rows ({named})"
                return refused(f"{what}; score both on one file", n)
    return b


def _differ(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((a != b) & ~((a != a) & (b != b)), dtype=bool)


def _mismatch(first: list[Any], second: list[Any]) -> str:
    twice = len(first) - len(set(first)) + len(second) - len(set(second))
    apart = sorted(map(str, set(first) ^ set(second)))[:NAMED]
    parts = [f"only one has {', '.join(apart)}"] if apart else []
    parts += [f"{twice} ids stand twice"] if twice else []
    return f"the ids of the two do not match ({'; '.join(parts)}); score both on the same rows"


def _unscored(every: Sequence[ExampleScores]) -> str:
    """Names rows without a score; empty where there are none."""
    missing = np.any([each.unscored for each in every], axis=0)
    if not missing.any():
        return ""
    named = ", ".join(str(name) for name in every[0].ids[missing][:NAMED])
    return f"{int(missing.sum())} rows have no score ({named}); score them, or leave them out of every model's rows"


def _rare_class(metric: Metric, scores: ExampleScores) -> str:
    if metric.counts is None or metric.rows is not None:
        return ""
    matrix = _confusion(dict(scores.stats))
    leaping = linearise.leaping_classes(metric.counts, matrix)
    rare = [int(each) for each in leaping if matrix[each].sum() < FEWEST_OF_CLASS]
    if not rare:
        return ""
    return f"{len(rare)} classes have fewer than {FEWEST_OF_CLASS} rows; more rows of them, or accuracy, would answer"

"""Answers to per-row scores, and per-row scores to estimates with intervals, as a whole and by subgroup."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators import registry, user
from hpo.evaluators.classification import BINARY
from hpo.evaluators.inference import estimate
from hpo.evaluators.outputs import FIELDS, given
from hpo.evaluators.protocol import Evaluator, ExampleScores, Metric
from hpo.objective import Outputs
from hpo.statistics.distributions import t_quantile
from hpo.statistics.values import Estimate, Settings
from hpo.validation.data import DataSet

SMALL = 30  # rows of a subgroup below which its score is hardly more than an anecdote
MOST_VALUES = 20  # values of a column that are shown; the most frequent ones


@dataclass(frozen=True)
class Scored:
    """One model on one data set: per-row scores by evaluator, a list entry a seed."""

    model: str
    data: DataSet
    seeds: tuple[int, ...]
    outputs: tuple[Outputs, ...]
    scores: Mapping[str, tuple[ExampleScores, ...]]

    def of(self, evaluator: Evaluator) -> tuple[ExampleScores, ...] | None:
        """Scores by seed; None where the answers do not carry what the evaluator needs."""
        return self.scores.get(evaluator.name)


def primary_of(data: DataSet) -> str:
    """The metric that decides on a data set."""
    if data.metrics is not None:
        return next(iter(data.metrics))
    return data.entry.primary or registry.STANDARD[data.task][0]


def metrics_of(data: DataSet, wanted: Sequence[str]) -> dict[str, tuple[Evaluator, Metric]]:
    """The metrics of a data set by name, the primary one first; those of other tasks are passed over."""
    if data.metrics is not None:
        return dict(data.metrics)
    if data.entry.lm_eval is not None:  # known when the task has been run
        return {}
    names = [primary_of(data)]
    if wanted:
        known = registry.metric_names(data.task)
        names += [name for name in wanted if name in known or user.is_reference(name)]
    else:
        names += registry.STANDARD[data.task]
        names += [each.name for evaluator in registry.evaluators(data.task) for each in evaluator.metrics]
        names = [name for name in names if name not in BINARY or len(data.labels) == 2]
    return {name: registry.find(name, data.task) for name in dict.fromkeys(names)}


def wanted_outputs(data: DataSet, metrics: Mapping[str, tuple[Evaluator, Metric]]) -> frozenset[str]:
    """What a model has to say, so that the metrics can be computed."""
    needs = {need for evaluator, _ in metrics.values() for need in evaluator.needs}
    if data.task not in ("language_modeling", "custom"):
        needs.add("prediction")
    return frozenset(needs) & {"prediction", "probabilities", "likelihood"}


def score(model: str, data: DataSet, runs: Mapping[int, Outputs], metrics: Mapping[str, Any]) -> Scored:
    """Per-row scores of every seed by every evaluator whose needs the answers meet.

    Raises:
        DataError, ObjectiveError: the answers cannot be scored.
    """
    evaluators = {evaluator.name: evaluator for evaluator, _ in metrics.values()}
    outputs = tuple(runs.values())
    found: dict[str, tuple[ExampleScores, ...]] = {}
    for name, evaluator in evaluators.items():
        if not all(evaluator.needs & FIELDS.keys() <= given(each) for each in outputs):
            continue
        with user.guard(evaluator):
            state = evaluator.prepare(data.train)
            scored = tuple(evaluator.score(data.rows, each, state) for each in outputs)
        groups = data.rows.groups
        found[name] = tuple(each if each.groups is not None else replace(each, groups=groups) for each in scored)
    return Scored(model, data, tuple(runs), outputs, found)


def estimates(
    scored: Scored, metrics: Mapping[str, tuple[Evaluator, Metric]], settings: Settings
) -> Iterator[dict[str, Any]]:
    """A row of the table of scores for every metric, as a whole and by subgroup."""
    for name, (evaluator, metric) in metrics.items():
        scores = scored.of(evaluator)
        if scores is None:
            continue
        yield _row(scored, (name, metric), scores, settings)
    primary, (evaluator, metric) = next(iter(metrics.items()))
    scores = scored.of(evaluator)
    if scores is None:
        return
    for label, kept in subgroups(scored.data):
        small = f"only {int(kept.sum())} rows" if kept.sum() < SMALL else ""
        row = _row(scored, (primary, metric), tuple(part(each, kept) for each in scores), settings)
        yield {**row, "subgroup": label, "small": bool(small), "reason": row["reason"] or small}


def subgroups(data: DataSet) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Every value of every subgroup column, ``column=value``, with the rows that have it, shape (n,)."""
    for name, values in data.columns.items():
        there = np.array([value for value in values.tolist() if value is not None], dtype=object)
        names, counts = np.unique(there.astype(str), return_counts=True)
        for position in np.argsort(-counts, kind="stable")[:MOST_VALUES]:
            yield f"{name}={names[position]}", np.asarray(values == names[position], dtype=bool)


def part(scores: ExampleScores, kept: NDArray[np.bool_]) -> ExampleScores:
    """The scores of the rows marked in ``kept``, shape (n,)."""
    groups = None if scores.groups is None else scores.groups[kept]
    return ExampleScores(scores.ids[kept], {name: each[kept] for name, each in scores.stats.items()}, groups=groups)


def _row(
    scored: Scored, named: tuple[str, Metric], scores: tuple[ExampleScores, ...], settings: Settings
) -> dict[str, Any]:
    name, metric = named
    found = over_seeds([estimate(metric, each, settings) for each in scores], settings)
    return {
        "model": scored.model,
        "dataset": scored.data.name,
        "metric": name,
        **found.as_dict(),
        "direction": metric.direction,
        "subgroup": None,
        "seeds": len(scores),
    }


def over_seeds(each: Sequence[Estimate], settings: Settings) -> Estimate:
    """The mean over training seeds with a t interval over them; of a single seed its own interval over rows.

    The interval over seeds takes the rows as given; how far another sample of rows would move the score is not in it.
    """
    if len(each) == 1:
        return each[0]
    values = np.array([one.value for one in each], dtype=np.float64)
    if not np.isfinite(values).all():
        reason = next((one.reason for one in each if one.reason), "undefined under one of the seeds")
        return Estimate(np.nan, np.nan, np.nan, each[0].n, "mean over seeds", reason)
    spread = float(values.std(ddof=1)) / np.sqrt(len(values))
    room = t_quantile(1 - settings.alpha / 2, len(values) - 1) * spread
    centre = float(values.mean())
    return Estimate(centre, centre - room, centre + room, each[0].n, f"mean of {len(values)} seeds, t over seeds")

"""Rows and a model's outputs in, metrics and a table of per-row statistics out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.config.harness import is_harness
from hpo.config.models import TaskKind
from hpo.data.rows import Rows
from hpo.errors import ConfigurationError, ObjectiveError
from hpo.evaluators import registry, user
from hpo.evaluators.align import align
from hpo.evaluators.classification import BINARY
from hpo.evaluators.measurements import is_measurement
from hpo.evaluators.outputs import FIELDS, given
from hpo.evaluators.protocol import Evaluator, ExampleScores, Metric, Weights
from hpo.objective import Outputs

if TYPE_CHECKING:
    import pandas as pd

LEAST_SCORED = 0.95  # share of the rows that must be scored for a metric to mean the same in two trials
FIRST_NEED: Mapping[TaskKind, str] = {"language_modeling": "likelihood", "custom": ""}


@dataclass(frozen=True)
class Scored:
    """What is known of one set of outputs.

    Attributes:
        metrics: by name as the study spells it; NaN where undefined or where too few rows could be scored.
        table: ``id``, ``group`` where rows have one, one column a statistic, ``<evaluator>.<stat>``; a row an example.
        measurements: ``unscored`` (rows that some evaluator could not score), ``unmatched`` (answers in no class).
        unscored: rows that could not be scored, by evaluator; only evaluators with any.
    """

    metrics: Mapping[str, float]
    table: pd.DataFrame
    measurements: Mapping[str, float] = field(default_factory=dict)
    unscored: Mapping[str, int] = field(default_factory=dict)


class Scorecard:
    """The evaluators of a study, chosen once: by its task and by the metrics it wants.

    Args:
        task: the task of the study.
        labels: the fixed label list; empty unless the task is classification.
        wanted: metrics of objectives and constraints; measurements among them are passed over.
        reference: the training rows, for evaluators that prepare something from them.

    Raises:
        ConfigurationError: the task has no metric of a wanted name.
        ObjectiveError: an evaluator of the user's own cannot be used.
    """

    def __init__(
        self, task: TaskKind, labels: Iterable[str] = (), wanted: Iterable[str] = (), reference: Rows | None = None
    ) -> None:
        self.task = task
        self.labels = tuple(labels)
        names = [name for name in wanted if not is_measurement(name, task) and not is_harness(name)]
        if task == "custom":  # the objective measures its own metrics
            names = [name for name in names if user.is_reference(name)]
        self._wanted = {name: registry.find(name, task) for name in dict.fromkeys(names)}
        standard = {name: registry.find(name, task) for name in registry.STANDARD[task]}
        self._metrics: dict[str, tuple[Evaluator, Metric]] = {**self._wanted, **standard}
        self._check_names()
        evaluators = {each.name: each for each, _ in self._metrics.values()}
        self._evaluators = [(each, _prepared(each, reference)) for each in evaluators.values()]

    @property
    def outputs_needed(self) -> frozenset[str]:
        """Of ``prediction``, ``probabilities`` and ``likelihood``: what the wanted metrics cannot do without."""
        needs = {need for evaluator, _ in self._wanted.values() for need in evaluator.needs if need in FIELDS}
        if not needs or self.task in ("classification", "regression"):
            needs.add(FIRST_NEED.get(self.task, "prediction"))
        return frozenset(needs - {""})

    def score(self, rows: Rows, outputs: Outputs) -> Scored:
        """Score every row, in the order of ``rows``; outputs in another order are matched by id.

        Raises:
            ObjectiveError: the outputs are of other rows, of other labels, or lack what a wanted metric needs.
            DataError: a row carries a label that is not in the label list.
        """
        aligned = align(rows, outputs, self.labels)
        self._check_outputs(given(aligned))
        scores = {
            evaluator.name: _score(evaluator, state, rows, aligned)
            for evaluator, state in self._evaluators
            if evaluator.needs & FIELDS.keys() <= given(aligned)
        }
        ones = np.ones(len(rows))
        metrics = {
            name: _reduce(evaluator, metric, scores[evaluator.name], ones)
            for name, (evaluator, metric) in self._metrics.items()
            if evaluator.name in scores
        }
        return Scored(metrics, _table(rows, scores), _counts(scores), _unscored(scores))

    def _check_names(self) -> None:
        names: dict[str, Evaluator] = {}
        for evaluator, _ in self._metrics.values():
            if names.setdefault(evaluator.name, evaluator) is not evaluator:
                what = f"two evaluators are called {evaluator.name!r}"
                raise ObjectiveError(what, where=user.origin(evaluator), hint="give yours a name of its own")
        binary = [name for name in self._wanted if name in BINARY]
        if binary and self.labels and len(self.labels) != 2:
            what = f"metric {binary[0]} is of two classes, the data have {len(self.labels)}"
            raise ConfigurationError(what, hint=f"take {BINARY[binary[0]]}")

    def _check_outputs(self, have: frozenset[str]) -> None:
        for name, (evaluator, _) in self._wanted.items():
            missing = sorted((evaluator.needs & FIELDS.keys()) - have)
            if missing:
                raise ObjectiveError(
                    f"metric {name} needs {' and '.join(missing)}, which the objective's outputs do not carry",
                    hint=f"give {', '.join(f'Outputs({each}=...)' for key in missing for each in FIELDS[key])}"
                    " or choose another metric",
                )


def aggregate(table: pd.DataFrame, metric: str, task: TaskKind, weights: Weights | None = None) -> float:
    """Compute a metric again from a stored table, without the model.

    Args:
        table: a table of Scored, n rows.
        metric: the metric's name as the study spells it.
        task: the study's task.
        weights: shape (n,), how often each row counts; None: once.

    Returns:
        The metric; NaN where it is undefined, or where fewer than LEAST_SCORED of the weight is scored.

    Raises:
        ConfigurationError: there is no such metric.
        ObjectiveError: the table has no statistics of the metric's evaluator.
    """
    evaluator, found = registry.find(metric, task)
    prefix = f"{evaluator.name}."
    stats = {name.removeprefix(prefix): table[name].to_numpy() for name in table.columns if name.startswith(prefix)}
    if not stats:
        raise ObjectiveError(
            f"the table has no columns {prefix}*, from which {metric} is computed",
            hint="score the rows with outputs that carry " + " and ".join(sorted(evaluator.needs & FIELDS.keys())),
        )
    scores = ExampleScores(table["id"].to_numpy(dtype=object), stats)
    ones = np.ones(len(table)) if weights is None else np.asarray(weights, dtype=np.float64)
    return _reduce(evaluator, found, scores, ones)


def _prepared(evaluator: Evaluator, reference: Rows | None) -> Any:
    with user.guard(evaluator):
        return evaluator.prepare(reference)


def _score(evaluator: Evaluator, state: Any, rows: Rows, outputs: Outputs) -> ExampleScores:
    """The evaluator's scores; what goes wrong in one of the user's own is named as such."""
    with user.guard(evaluator):
        scores = evaluator.score(rows, outputs, state)
        wrong = [name for name, values in scores.stats.items() if np.shape(values) != (len(rows),)]
        wrong += [] if np.asarray(scores.ids).tolist() == rows.ids.tolist() else ["ids"]
    if wrong:
        what = f"evaluator {evaluator.name!r} does not give one value a row: {', '.join(wrong)}"
        raise ObjectiveError(
            what, where=user.origin(evaluator), hint="statistics have shape (n,), in the order of data.ids"
        )
    return scores


def _reduce(evaluator: Evaluator, metric: Metric, scores: ExampleScores, weights: Weights) -> float:
    """The metric over scored rows; NaN where too little is scored to compare with another model's rows."""
    kept, total = ~scores.unscored, weights.sum()
    if total <= 0 or weights[kept].sum() < LEAST_SCORED * total:
        return np.nan
    with user.guard(evaluator):
        return float(metric.reduce({name: values[kept] for name, values in scores.stats.items()}, weights[kept]))


def _table(rows: Rows, scores: Mapping[str, ExampleScores]) -> pd.DataFrame:
    import pandas as pd

    columns: dict[str, Any] = {"id": rows.ids}
    if rows.groups is not None:
        columns["group"] = rows.groups
    for name, each in scores.items():
        columns |= {f"{name}.{stat}": values for stat, values in each.stats.items()}
    return pd.DataFrame(columns)


def _unscored(scores: Mapping[str, ExampleScores]) -> dict[str, int]:
    counts = {name: int(each.unscored.sum()) for name, each in scores.items()}
    return {name: count for name, count in counts.items() if count}


def _counts(scores: Mapping[str, ExampleScores]) -> dict[str, float]:
    unscored = [each.unscored for each in scores.values()]
    unmatched = [each.flags["unmatched"] for each in scores.values() if "unmatched" in each.flags]
    counts = {"unscored": float(np.any(unscored, axis=0).sum())} if unscored else {}
    return counts | ({"unmatched": float(np.any(unmatched, axis=0).sum())} if unmatched else {})

"""Which metrics there are: by task, by name, and from a file of the user's own."""

from __future__ import annotations

import difflib
from collections.abc import Mapping

from hpo.config.models import Direction, TaskKind
from hpo.errors import ConfigurationError
from hpo.evaluators import user
from hpo.evaluators.bleu import Bleu
from hpo.evaluators.chrf import Chrf
from hpo.evaluators.classification import Classification
from hpo.evaluators.confidence import Confidence
from hpo.evaluators.exact_match import ExactMatch
from hpo.evaluators.given_scores import OwnScore, RankingScore
from hpo.evaluators.latency import Latency
from hpo.evaluators.measurements import MEASUREMENTS, REPRODUCIBLE, TRAIN
from hpo.evaluators.multiple_choice import MultipleChoice, NormalizedMultipleChoice
from hpo.evaluators.numeric_answer import NumericAnswer
from hpo.evaluators.outputs import FIELDS, PREDICTED
from hpo.evaluators.pass_at_k import PassAtK
from hpo.evaluators.perplexity import Perplexity
from hpo.evaluators.probabilities import Probabilities
from hpo.evaluators.protocol import Evaluator, Metric
from hpo.evaluators.ratings import DIMENSIONS, Ratings
from hpo.evaluators.regression import Regression
from hpo.evaluators.rouge import Rouge

__all__ = [
    "EVALUATORS",
    "MEASUREMENTS",
    "REPRODUCIBLE",
    "STANDARD",
    "TRAIN",
    "direction",
    "evaluators",
    "find",
    "metric_names",
    "not_predicted",
]

_RATINGS: tuple[Evaluator, ...] = tuple(Ratings(dimension) for dimension in DIMENSIONS)

EVALUATORS: Mapping[TaskKind, tuple[Evaluator, ...]] = {
    "classification": (
        Classification(),
        Probabilities(),
        Confidence(),
        RankingScore(),
        MultipleChoice(),
        NormalizedMultipleChoice(),
        Latency(),
    ),
    "regression": (Regression(), Latency()),
    "instruction": (
        ExactMatch(),
        NumericAnswer(),
        Rouge(),
        Bleu(),
        Chrf(),
        Perplexity(),
        MultipleChoice(),
        NormalizedMultipleChoice(),
        PassAtK(),
        OwnScore(),
        *_RATINGS,
        Latency(),
    ),
    "language_modeling": (Perplexity(), Latency()),
    "custom": (),  # an objective of one's own brings its own metrics
}
STANDARD: Mapping[TaskKind, tuple[str, ...]] = {  # shown in every table of the task, wanted or not
    "classification": ("accuracy", "macro_f1", "mcc", "log_loss", "ece"),
    "regression": ("mae", "rmse", "r2"),
    "instruction": ("exact_match", "token_f1", "loss", "perplexity"),
    "language_modeling": ("loss", "perplexity", "bits_per_byte"),
    "custom": (),
}


def evaluators(task: TaskKind) -> tuple[Evaluator, ...]:
    """The evaluators of a task, the one that says most first."""
    return EVALUATORS[task]


def metric_names(task: TaskKind) -> frozenset[str]:
    """Names of the metrics that can be computed for a task."""
    return frozenset(metric.name for evaluator in EVALUATORS[task] for metric in evaluator.metrics)


def find(metric: str, task: TaskKind) -> tuple[Evaluator, Metric]:
    """The evaluator that computes a metric, and the metric.

    Args:
        metric: a name, or ``mine.py:name`` for an evaluator of one's own (relative to the working directory).
        task: the task of the study.

    Raises:
        ConfigurationError: the task has no such metric.
        ObjectiveError: the file of one's own cannot be used.
    """
    if user.is_reference(metric):
        return user.find(metric)
    for evaluator in EVALUATORS[task]:
        for each in evaluator.metrics:
            if each.name == metric:
                return evaluator, each
    raise _unknown(metric, task)


def not_predicted(metric: str, task: TaskKind) -> list[str]:
    """What a metric needs of the outputs that ready objectives do not give: candidates, ratings and the like.

    >>> not_predicted("macro_f1", "classification"), not_predicted("pass_at_1", "instruction")
    ([], ['samples'])
    """
    return sorted((find(metric, task)[0].needs & FIELDS.keys()) - PREDICTED)


def direction(name: str) -> Direction | None:
    """Which direction of a metric or measurement is better; None where nobody knows."""
    if name in MEASUREMENTS:
        return MEASUREMENTS[name]
    if user.is_reference(name):
        return user.find(name)[1].direction
    known = {
        metric.name: metric.direction for group in EVALUATORS.values() for each in group for metric in each.metrics
    }
    return known.get(name)


def _unknown(metric: str, task: TaskKind) -> ConfigurationError:
    names = sorted(metric_names(task))
    if not names:
        return ConfigurationError(
            f"task {task} has no metrics of its own, so {metric!r} cannot be computed",
            hint="return it from the objective, or name an evaluator as mine.py:name",
        )
    turned = "_".join(reversed(metric.split("_")))  # f1_macro, as scikit-learn spells it
    near = [turned] if turned in names else difflib.get_close_matches(metric, names, n=1)
    guess = f"did you mean {near[0]}? " if near else ""
    return ConfigurationError(
        f"unknown metric {metric!r} for task {task}", hint=f"{guess}there are: {', '.join(names)}"
    )

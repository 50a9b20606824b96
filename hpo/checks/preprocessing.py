"""What a preprocessing strategy does to a model: each out of fold against the original, on the same folds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

from hpo import seeds
from hpo.checks.options import quiet
from hpo.checks.out_of_fold import Change, Floats, Ints, Learner, make_folds, outputs_of, predict
from hpo.config.preparation import AugmentConfig
from hpo.config.transforms import ROW_TRANSFORMS
from hpo.data.augment import augment
from hpo.data.preparation import prepare_texts
from hpo.data.rows import Rows
from hpo.data.transforms import deduplicate
from hpo.evaluators import registry
from hpo.evaluators.content import content
from hpo.evaluators.inference import compare, estimate
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.statistics.multiplicity import adjust
from hpo.statistics.values import Comparison, Estimate, Settings, finite

METRIC = "macro_f1"
DEFAULTS: Mapping[str, tuple[str, ...]] = {
    "lowercase": ("lowercase",),
    "clean": ("fix_encoding", "strip_html", "normalize_whitespace"),
    "bare words": ("lowercase", "remove_punctuation", "normalize_whitespace"),
    "deduplicated": ("deduplicate",),
}
METHODS: tuple[str, ...] = get_args(AugmentConfig.model_fields["method"].annotation)  # of augmentation
SETTINGS = Settings(equivalence_margin=0.01)  # a difference of the metric within it does not matter


@dataclass(frozen=True)
class Asked:
    """How strategies are compared.

    Attributes:
        learner: what is trained; None: the classical baseline.
        settings: confidence, margin of equivalence, resamples, seed.
        folds: number of folds.
        progress: told what is being done.
    """

    learner: Learner | None = None
    settings: Settings = SETTINGS
    folds: int = 5
    progress: Callable[[str], None] = quiet


def effects(rows: Rows, strategies: Mapping[str, Sequence[str]], asked: Asked) -> dict[str, Any]:
    """The effect of each strategy on the score, with its interval and Holm's correction over all of them.

    Every row is predicted by a model of the other folds, which are the same for all strategies, so that a strategy is
    compared with the original as two models are: on the same rows, by the paired test that fits the metric (clustered
    where rows have groups). Transforms of texts change every row; ``deduplicate`` and augmentation change only the rows
    that a model learns from.

    Args:
        rows: n rows with classes.
        strategies: name to transforms (or methods of augmentation), in their order.
        asked: how.

    Raises:
        DataError: the rows have no classes, or cannot be divided into folds.
        ObjectiveError: a transform of the user's own fails.
    """
    seed = asked.settings.seed
    fold = make_folds(rows, asked.folds, seed)
    original = score_of(rows, predict(rows, fold, seed, asked.learner))
    metric = registry.find(METRIC, "classification")[1]
    tried = []
    for name, transforms in strategies.items():
        asked.progress(f"preprocessing: {name}")
        tried.append(_Tried.of(rows, fold, transforms, asked))
    compared = [compare(metric, each.scores, original, asked.settings) for each in tried]
    adjusted = adjust(compared, asked.settings)
    return {
        "metric": METRIC,
        "folds": int(fold.max()) + 1,
        "rows": len(rows),
        "original": interval(estimate(metric, original, asked.settings)),
        "strategies": [
            _row(name, strategies[name], each, (metric, comparison, asked.settings))
            for name, each, comparison in zip(strategies, tried, adjusted, strict=True)
        ],
    }


@dataclass(frozen=True)
class _Tried:
    """Scores of all rows under one strategy, and how many rows it changes."""

    scores: ExampleScores
    changed: int

    @classmethod
    def of(cls, rows: Rows, fold: Ints, transforms: Sequence[str], asked: Asked) -> _Tried:
        texts = [name for name in transforms if name not in ROW_TRANSFORMS and name not in METHODS]
        prepared = prepare_texts(rows, texts)
        training = _training(transforms, asked.settings.seed)
        changed = sum(a != b for a, b in zip(content(rows), content(prepared), strict=True))
        if "deduplicate" in transforms:
            changed += len(rows) - len(deduplicate(prepared))
        changed += sum(len(augment(rows, _method(name), 0)) - len(rows) for name in transforms if name in METHODS)
        probabilities = predict(prepared, fold, asked.settings.seed, asked.learner, training)
        return cls(score_of(rows, probabilities), changed)


def _training(transforms: Sequence[str], seed: int) -> Change | None:
    """What a strategy does to the rows that a model learns from alone; None where it does nothing."""
    steps = [name for name in transforms if name in ROW_TRANSFORMS or name in METHODS]
    if not steps:
        return None

    def change(learnt: Rows) -> Rows:
        for name in steps:
            if name in METHODS:
                learnt = augment(learnt, _method(name), seeds.derive(seed, "checks", name))
            else:
                learnt = learnt.take(deduplicate(learnt))
        return learnt

    return change


def _method(name: str) -> AugmentConfig:
    return AugmentConfig.model_validate({"method": name})


def score_of(rows: Rows, probabilities: Floats) -> ExampleScores:
    """Scores of rows under out-of-fold probabilities, shape (n, k), by the classification evaluator."""
    evaluator = registry.find(METRIC, "classification")[0]
    return evaluator.score(rows, outputs_of(rows, probabilities), evaluator.prepare(None))


def interval(found: Estimate) -> dict[str, Any]:
    """A score and the ends of its interval; missing is None."""
    return {"value": finite(found.value), "ci_low": finite(found.low), "ci_high": finite(found.high)}


def _row(
    name: str, transforms: Sequence[str], tried: _Tried, told: tuple[Metric, Comparison, Settings]
) -> dict[str, Any]:
    metric, comparison, settings = told
    verdict, reason = verdict_of(comparison, tried.changed)
    return {
        "name": name,
        "transforms": list(transforms),
        **interval(estimate(metric, tried.scores, settings)),
        "difference": finite(comparison.difference),
        "difference_low": finite(comparison.low),
        "difference_high": finite(comparison.high),
        "p_value": finite(comparison.p_value),
        "p_adjusted": finite(comparison.p_adjusted),
        "verdict": verdict,
        "reason": reason,
        "rows_changed": tried.changed,
    }


def verdict_of(comparison: Comparison, changed: int) -> tuple[str, str]:
    """The verdict on a strategy in words, and why, from its comparison with the original."""
    if changed == 0:
        return "no difference that matters", "it changes no row"
    if comparison.verdict == "better":
        return ("helps" if comparison.difference > 0 else "hurts"), comparison.reason
    if comparison.verdict == "equivalent":
        return "no difference that matters", comparison.reason
    return "cannot be told", comparison.reason

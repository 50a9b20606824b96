"""Data with a known truth for `python -m benchmarks.calibration`: intervals, and what all settings share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from math import exp, sqrt
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.stats import norm

from hpo.evaluators import counts
from hpo.evaluators.classification import Classification
from hpo.evaluators.inference import estimate
from hpo.evaluators.perplexity import Perplexity
from hpo.evaluators.probabilities import Probabilities
from hpo.evaluators.protocol import ExampleScores
from hpo.evaluators.regression import Regression
from hpo.statistics import agreement, effects, intervals
from hpo.statistics.values import Comparison, EffectSize, Estimate, Settings

Result = Comparison | Estimate | EffectSize

METRICS = {
    metric.name: metric
    for evaluator in (Classification, Probabilities, Regression, Perplexity)
    for metric in evaluator.metrics
}


@dataclass(frozen=True)
class Scenario:
    """One way of drawing data and analysing them.

    Attributes:
        name: method and setting, for people.
        run: draws data and analyses them once.
        truth: of the estimate or the difference.
        null: whether the null hypothesis holds, so that rejections are false.
        textbook: power by the formula, where one is known.
        conservative: at the edge of what a metric can be, an interval has but one side to miss on.
        refused: the package refuses this analysis; its rates show why.
    """

    name: str
    run: Callable[[Generator, Settings], Result]
    truth: float
    null: bool = False
    textbook: float | None = None
    refused: bool = False
    conservative: bool = False


def estimates() -> list[Scenario]:
    """Intervals of one value."""
    return [*_estimates(), *_metrics(), *_effects()]


def scores_of(stats: dict[str, Any], groups: Any = None) -> ExampleScores:
    n = len(next(iter(stats.values())))
    return ExampleScores(
        np.arange(n).astype(object), {key: np.asarray(v, float) for key, v in stats.items()}, groups=groups
    )


def _estimates() -> list[Scenario]:
    def wilson(rng: Generator, settings: Settings, n: int, p: float) -> Result:
        return intervals.mean((rng.random(n) < p).astype(float), None, settings)

    def skewed(rng: Generator, settings: Settings, n: int) -> Result:
        return intervals.mean(rng.exponential(1.0, n), None, settings)

    def grouped(rng: Generator, settings: Settings, clusters: int) -> Result:
        code, effect = clusters_of(rng, clusters)
        return intervals.mean(effect[code] + rng.normal(size=len(code)), code, settings)

    def grouped_binary(rng: Generator, settings: Settings, clusters: int) -> Result:
        code, effect = clusters_of(rng, clusters)
        return intervals.mean(
            (norm.ppf(0.9) * sqrt(1.5) + effect[code] + rng.normal(size=len(code)) > 0) * 1.0, code, settings
        )

    return [
        Scenario("Wilson, n 100, p .95", partial(wilson, n=100, p=0.95), 0.95),
        Scenario("Wilson, n 500, p .7", partial(wilson, n=500, p=0.7), 0.7),
        Scenario("mean (t), exponential, n 100", partial(skewed, n=100), 1.0),
        Scenario("mean (t), exponential, n 500", partial(skewed, n=500), 1.0),
        Scenario("clustered mean, 50 clusters", partial(grouped, clusters=50), 0.0),
        Scenario("clustered accuracy .9, 50 clusters", partial(grouped_binary, clusters=50), 0.9),
    ]


def clusters_of(rng: Generator, clusters: int) -> tuple[Any, Any]:
    """Codes of 1 to 20 rows a cluster and an effect a cluster, variance .5 to 1 of a row's."""
    code = np.repeat(np.arange(clusters), rng.integers(1, 21, clusters))
    return code, rng.normal(0, sqrt(0.5), clusters)


POPULATION = np.array(
    [[0.40, 0.05, 0.03, 0.02], [0.04, 0.20, 0.04, 0.02], [0.02, 0.02, 0.08, 0.01], [0.01, 0.01, 0.01, 0.04]]
)
WIDE = np.hstack([POPULATION, np.zeros((4, 1))])


def labelled(rng: Generator, n: int) -> dict[str, Any]:
    cell = rng.choice(16, n, p=POPULATION.ravel())
    return {"label": cell // 4, "prediction": cell % 4}


def binormal(rng: Generator, n: int, separation: float) -> tuple[Any, Any]:
    label = rng.random(n) < 0.3
    label[:2], label[2:4] = True, False
    return label, rng.normal(size=n) + separation * label


def _metrics() -> list[Scenario]:
    def counted(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        return estimate(METRICS[name], scores_of(labelled(rng, n)), settings)

    def area(rng: Generator, settings: Settings, n: int) -> Result:
        return intervals.auc(*binormal(rng, n, 1.5), settings)

    def ratio(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        return estimate(METRICS[name], scores_of(texts(rng, n, rng.normal(0, 0.3, n), 0.0)), settings)

    def regression(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        target = rng.normal(size=n)
        return estimate(
            METRICS[name], scores_of({"target": target, "prediction": target + 0.5 * rng.normal(size=n)}), settings
        )

    def ece(rng: Generator, settings: Settings, n: int, gap: float) -> Result:
        sure = rng.uniform(0.5, 1, n)
        first = rng.random(n) < 0.5
        right = rng.random(n) < sure - gap
        label = np.where(right, first, ~first)
        return estimate(
            METRICS["ece"],
            scores_of(
                {
                    "label": label,
                    "probability_0": np.where(first, 1 - sure, sure),
                    "probability_1": np.where(first, sure, 1 - sure),
                }
            ),
            settings,
        )

    def kappa(rng: Generator, settings: Settings) -> Result:
        found = labelled(rng, 200)
        return agreement.kappa(found["label"], found["prediction"], settings=settings)

    exact = {"macro_f1": counts.macro("f1"), "weighted_f1": counts.weighted("f1"), "mcc": counts.mcc}
    chance = float(POPULATION.sum(axis=0) @ POPULATION.sum(axis=1))
    return [
        *(
            Scenario(f"{name} (cells, BCa), 4 classes, n {n}", partial(counted, name=name, n=n), float(reduce(WIDE)))
            for name, reduce in exact.items()
            for n in (200, 1000)
        ),
        Scenario("ROC AUC (DeLong, logit), n 150", partial(area, n=150), float(norm.cdf(1.5 / sqrt(2)))),
        Scenario("loss a token (linearised), n 200", partial(ratio, name="loss", n=200), 2.0),
        Scenario("perplexity (linearised), n 200", partial(ratio, name="perplexity", n=200), exp(2.0)),
        Scenario("RMSE (linearised), n 200", partial(regression, name="rmse", n=200), 0.5),
        Scenario("R2 (linearised), n 200", partial(regression, name="r2", n=200), 0.75),
        Scenario("RMSE (BCa), n 40", partial(regression, name="rmse", n=40), 0.5),
        Scenario("ECE .1 (linearised), n 2000", partial(ece, n=2000, gap=0.1), 0.1),
        Scenario("ECE .03 (linearised), n 2000", partial(ece, n=2000, gap=0.03), 0.03, conservative=True),
        Scenario("ECE 0 (linearised), n 2000", partial(ece, n=2000, gap=0.0), 0.0, conservative=True),
        Scenario("kappa (cells, BCa), n 200", kappa, float((np.trace(POPULATION) - chance) / (1 - chance))),
    ]


def texts(rng: Generator, n: int, hard: Any, better: float) -> dict[str, Any]:
    """Texts whose loss a token is 2 - better in the mean, whatever their length, and shared difficulty ``hard``."""
    tokens = rng.integers(5, 80, n)
    return {"nll_sum": tokens * (2 - better + hard + rng.normal(0, 0.2, n)), "n_tokens": tokens}


def _effects() -> list[Scenario]:
    def d_z(rng: Generator, settings: Settings) -> Result:
        base = rng.normal(size=60)
        return effects.d_z(base + rng.normal(0.5, 1, 60), base, settings)

    def cohen_h(rng: Generator, settings: Settings) -> Result:
        a, b = right(rng, 300, 0.85, 0.75)
        return effects.cohen_h(a.mean(), b.mean(), 300, effects.phi(a, b), settings)

    def cliff(rng: Generator, settings: Settings) -> Result:
        return effects.cliffs_delta(rng.normal(1, 1, 20), rng.normal(0, 1, 20), settings)

    h = 2 * np.arcsin(sqrt(0.85)) - 2 * np.arcsin(sqrt(0.75))
    return [
        Scenario("d_z .5, n 60", d_z, 0.5),
        Scenario("Cohen's h, paired, n 300", cohen_h, float(h)),
        Scenario("Cliff's delta, 20 v 20", cliff, float(2 * norm.cdf(1 / sqrt(2)) - 1)),
    ]


def right(rng: Generator, n: int, p_a: float, p_b: float) -> tuple[Any, Any]:
    """Two models' answers, correlated as those of models that find the same items hard (latent correlation .6)."""
    hard = rng.normal(size=n) * sqrt(0.6)
    noise = rng.normal(size=(2, n)) * sqrt(0.4)
    return tuple((norm.ppf(p) + hard + each > 0).astype(float) for p, each in zip((p_a, p_b), noise, strict=True))  # type: ignore[return-value]

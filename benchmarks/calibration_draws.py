"""Data with a known truth, drawn for `python -m benchmarks.calibration`: what is simulated, and what is right."""

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
from hpo.evaluators.inference import compare, compare_seeds, estimate
from hpo.evaluators.perplexity import Perplexity
from hpo.evaluators.probabilities import Probabilities
from hpo.evaluators.protocol import ExampleScores
from hpo.evaluators.regression import Regression
from hpo.statistics import agreement, crossed, effects, intervals, paired, paired_cells, power
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


def scenarios() -> list[Scenario]:
    """All of them."""
    return [
        *_estimates(),
        *_metrics(),
        *_effects(),
        *_proportions(),
        *_means(),
        *_clusters(),
        *_counts(),
        *_areas(),
        *_seeds(),
    ]


def _scores(stats: dict[str, Any], groups: Any = None) -> ExampleScores:
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
        code, effect = _clusters_of(rng, clusters)
        return intervals.mean(effect[code] + rng.normal(size=len(code)), code, settings)

    def grouped_binary(rng: Generator, settings: Settings, clusters: int) -> Result:
        code, effect = _clusters_of(rng, clusters)
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


def _clusters_of(rng: Generator, clusters: int) -> tuple[Any, Any]:
    """Codes of 1 to 20 rows a cluster and an effect a cluster, variance .5 to 1 of a row's."""
    code = np.repeat(np.arange(clusters), rng.integers(1, 21, clusters))
    return code, rng.normal(0, sqrt(0.5), clusters)


POPULATION = np.array(
    [[0.40, 0.05, 0.03, 0.02], [0.04, 0.20, 0.04, 0.02], [0.02, 0.02, 0.08, 0.01], [0.01, 0.01, 0.01, 0.04]]
)
WIDE = np.hstack([POPULATION, np.zeros((4, 1))])


def _labelled(rng: Generator, n: int) -> dict[str, Any]:
    cell = rng.choice(16, n, p=POPULATION.ravel())
    return {"label": cell // 4, "prediction": cell % 4}


def _binormal(rng: Generator, n: int, separation: float) -> tuple[Any, Any]:
    label = rng.random(n) < 0.3
    label[:2], label[2:4] = True, False
    return label, rng.normal(size=n) + separation * label


def _metrics() -> list[Scenario]:
    def counted(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        return estimate(METRICS[name], _scores(_labelled(rng, n)), settings)

    def area(rng: Generator, settings: Settings, n: int) -> Result:
        return intervals.auc(*_binormal(rng, n, 1.5), settings)

    def ratio(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        return estimate(METRICS[name], _scores(_texts(rng, n, rng.normal(0, 0.3, n), 0.0)), settings)

    def regression(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        target = rng.normal(size=n)
        return estimate(
            METRICS[name], _scores({"target": target, "prediction": target + 0.5 * rng.normal(size=n)}), settings
        )

    def ece(rng: Generator, settings: Settings, n: int, gap: float) -> Result:
        sure = rng.uniform(0.5, 1, n)
        first = rng.random(n) < 0.5
        right = rng.random(n) < sure - gap
        label = np.where(right, first, ~first)
        return estimate(
            METRICS["ece"],
            _scores(
                {
                    "label": label,
                    "probability_0": np.where(first, 1 - sure, sure),
                    "probability_1": np.where(first, sure, 1 - sure),
                }
            ),
            settings,
        )

    def kappa(rng: Generator, settings: Settings) -> Result:
        found = _labelled(rng, 200)
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


def _texts(rng: Generator, n: int, hard: Any, better: float) -> dict[str, Any]:
    """Texts whose loss a token is 2 - better in the mean, whatever their length, and shared difficulty ``hard``."""
    tokens = rng.integers(5, 80, n)
    return {"nll_sum": tokens * (2 - better + hard + rng.normal(0, 0.2, n)), "n_tokens": tokens}


def _effects() -> list[Scenario]:
    def d_z(rng: Generator, settings: Settings) -> Result:
        base = rng.normal(size=60)
        return effects.d_z(base + rng.normal(0.5, 1, 60), base, settings)

    def cohen_h(rng: Generator, settings: Settings) -> Result:
        a, b = _right(rng, 300, 0.85, 0.75)
        return effects.cohen_h(a.mean(), b.mean(), 300, effects.phi(a, b), settings)

    def cliff(rng: Generator, settings: Settings) -> Result:
        return effects.cliffs_delta(rng.normal(1, 1, 20), rng.normal(0, 1, 20), settings)

    h = 2 * np.arcsin(sqrt(0.85)) - 2 * np.arcsin(sqrt(0.75))
    return [
        Scenario("d_z .5, n 60", d_z, 0.5),
        Scenario("Cohen's h, paired, n 300", cohen_h, float(h)),
        Scenario("Cliff's delta, 20 v 20", cliff, float(2 * norm.cdf(1 / sqrt(2)) - 1)),
    ]


def _right(rng: Generator, n: int, p_a: float, p_b: float) -> tuple[Any, Any]:
    """Two models' answers, correlated as those of models that find the same items hard (latent correlation .6)."""
    hard = rng.normal(size=n) * sqrt(0.6)
    noise = rng.normal(size=(2, n)) * sqrt(0.4)
    return tuple((norm.ppf(p) + hard + each > 0).astype(float) for p, each in zip((p_a, p_b), noise, strict=True))  # type: ignore[return-value]


def _discordance(p_a: float, p_b: float) -> float:
    """Share of items that exactly one of the models of ``_right`` gets right, by a large sample."""
    a, b = _right(np.random.default_rng(0), 2_000_000, p_a, p_b)
    return float((a != b).mean())


def _proportions() -> list[Scenario]:
    def mcnemar(rng: Generator, settings: Settings, n: int, p: tuple[float, float]) -> Result:
        return paired.means(*_right(rng, n, *p), None, settings)

    n = round(power.paired_proportions_n(0.05, _discordance(0.82, 0.77)))
    return [
        Scenario("McNemar mid-p, Newcombe, n 100", partial(mcnemar, n=100, p=(0.8, 0.8)), 0.0, null=True),
        Scenario("McNemar mid-p, Newcombe, n 500", partial(mcnemar, n=500, p=(0.8, 0.8)), 0.0, null=True),
        Scenario(f"McNemar mid-p, Newcombe, n {n}", partial(mcnemar, n=n, p=(0.82, 0.77)), 0.05, textbook=0.8),
    ]


def _means() -> list[Scenario]:
    def pairs(rng: Generator, settings: Settings, n: int, shift: float) -> Result:
        hard = rng.exponential(1, n)  # losses: skewed, and shared by both models
        return paired.means(hard + rng.exponential(1, n) + shift, hard + rng.exponential(1, n), None, settings)

    def ratio(rng: Generator, settings: Settings, name: str, n: int) -> Result:
        hard = rng.normal(0, 0.3, n)
        return compare(
            METRICS[name],
            *(_scores(_texts(np.random.default_rng(seed), n, hard, 0.0)) for seed in rng.integers(0, 2**31, 2)),
            settings,
        )

    def several(rng: Generator, settings: Settings) -> Result:
        stats = [{"x": rng.exponential(1, 60)} for _ in range(2)]
        return paired.bootstrap(lambda s, w: float(np.log(w @ s["x"] / w.sum())), *stats, settings=settings)

    n, small = round(power.paired_means_n(0.25, sqrt(2))), 20
    return [
        Scenario("paired t, n 60", partial(pairs, n=60, shift=0.0), 0.0, null=True),
        Scenario("paired t, n 500", partial(pairs, n=500, shift=0.0), 0.0, null=True),
        Scenario(f"paired t, n {n}", partial(pairs, n=n, shift=0.25), 0.25, textbook=0.8),
        Scenario(f"sign-flip, n {small}", partial(pairs, n=small, shift=0.0), 0.0, null=True),
        Scenario("sign-flip, n 10", partial(pairs, n=10, shift=0.0), 0.0, null=True),
        Scenario(
            "sign-flip, n 40", partial(pairs, n=40, shift=0.65), 0.65, textbook=float(norm.sf(1.96 - 0.65 * sqrt(20)))
        ),
        Scenario("perplexity, paired (linearised), n 200", partial(ratio, name="perplexity", n=200), 0.0, null=True),
        Scenario("any metric (bootstrap, swapping), n 60", several, 0.0, null=True),
    ]


def _clusters() -> list[Scenario]:
    def robust(rng: Generator, settings: Settings, clusters: int) -> Result:
        code, effect = _clusters_of(rng, clusters)
        noise = rng.normal(size=(2, len(code)))
        return paired.means(effect[code] + noise[0], noise[1], code, settings)

    def counted(rng: Generator, settings: Settings) -> Result:
        label, first, second = _three(rng, 60)
        code = np.repeat(np.arange(60), 6)
        stats = [
            {"label": np.repeat(label, 6), "prediction": _again(rng, np.repeat(each, 6))} for each in (first, second)
        ]
        return compare(METRICS["macro_f1"], *(_scores(each, code) for each in stats), settings)

    return [
        Scenario("cluster-robust, 50 clusters", partial(robust, clusters=50), 0.0, null=True),
        Scenario("cluster-robust, 25 clusters", partial(robust, clusters=25), 0.0, null=True),
        Scenario("cluster sign-flip, 12 clusters", partial(robust, clusters=12), 0.0, null=True),
        Scenario("macro-F1 (linearised), 60 clusters of 6", counted, 0.0, null=True),
    ]


def _again(rng: Generator, prediction: Any) -> Any:
    """Predictions of rows of one cluster: mostly alike."""
    return np.where(rng.random(len(prediction)) < 0.2, rng.integers(0, 4, len(prediction)), prediction)


def _three(rng: Generator, n: int) -> tuple[Any, Any, Any]:
    """Labels and two models' predictions, exchangeable, from POPULATION given the label."""
    label = rng.choice(4, n, p=POPULATION.sum(axis=1))
    given = (POPULATION / POPULATION.sum(axis=1, keepdims=True)).cumsum(axis=1)
    shared, own = rng.random(n), rng.random((2, n))
    alike = rng.random(n) < 0.5  # both models see half of the items in the same way
    drawn = [np.where(alike, shared, each) for each in own]
    first, second = ((each[:, None] > given[label]).sum(axis=1).clip(0, 3) for each in drawn)
    return label, first, second


def _counts() -> list[Scenario]:
    def pair(rng: Generator, settings: Settings, n: int, reduce: Any) -> Result:
        return paired_cells.cells(reduce, *_three(rng, n), settings)

    return [
        Scenario(f"macro-F1, paired cells, n {n}", partial(pair, n=n, reduce=counts.macro("f1")), 0.0, null=True)
        for n in (200, 1000)
    ] + [Scenario("MCC, paired cells, n 300", partial(pair, n=300, reduce=counts.mcc), 0.0, null=True)]


def _areas() -> list[Scenario]:
    def pair(rng: Generator, settings: Settings, n: int, separation: tuple[float, float]) -> Result:
        label, shared = _binormal(rng, n, 0.0)
        a, b = (label * each + sqrt(0.5) * (shared + rng.normal(size=n)) for each in separation)
        return paired.auc(label, a, b, settings)

    truth = float(norm.cdf(1.3 / sqrt(2)) - norm.cdf(1.0 / sqrt(2)))
    return [
        Scenario("DeLong, n 200", partial(pair, n=200, separation=(1.2, 1.2)), 0.0, null=True),
        Scenario("DeLong, n 1000", partial(pair, n=1000, separation=(1.3, 1.0)), truth),
    ]


def _seeds() -> list[Scenario]:
    def scores(rng: Generator, settings: Settings, seeds: int, n: int) -> Result:
        hard = rng.normal(size=n)
        a, b = (
            hard + 0.3 * rng.normal(size=n) + 0.05 * rng.normal(size=(seeds, 1)) + rng.normal(size=(seeds, n))
            for _ in range(2)
        )
        return crossed.compare(a, b, settings)

    def macro_f1(rng: Generator, settings: Settings, seeds: int, n: int) -> Result:
        label = rng.choice(4, n, p=POPULATION.sum(axis=1))
        given = POPULATION / POPULATION.sum(axis=1, keepdims=True)
        sides = [
            [_scores({"label": label, "prediction": each}) for each in _trained(rng, label, given, seeds)]
            for _ in range(2)
        ]
        return compare_seeds(METRICS["macro_f1"], *sides, settings)

    def winner(rng: Generator, settings: Settings, fresh: bool) -> Result:
        """The best of 50 equal configurations (default first) by validation, compared on fresh data or on the same."""
        hard = rng.normal(size=300)
        tried = hard + 0.3 * rng.normal(size=(50, 300)) + 0.05 * rng.normal(size=(50, 1)) + rng.normal(size=(50, 300))
        best = 1 + int(tried[1:].mean(axis=1).argmax())
        return scores(rng, settings, 5, 500) if fresh else paired.means(tried[best], tried[0], None, settings)

    return [
        Scenario("crossed, 5 seeds, n 500", partial(scores, seeds=5, n=500), 0.0, null=True),
        Scenario("crossed, 10 seeds, n 2000", partial(scores, seeds=10, n=2000), 0.0, null=True),
        Scenario("crossed, 3 seeds, n 300", partial(scores, seeds=3, n=300), 0.0, null=True),
        Scenario("crossed macro-F1, 5 seeds, n 500", partial(macro_f1, seeds=5, n=500), 0.0, null=True),
        Scenario("crossed, winner of 50 on fresh seeds and items", partial(winner, fresh=True), 0.0, null=True),
        Scenario(
            "paired t, winner of 50 on its own validation rows", partial(winner, fresh=False), 0.0, True, refused=True
        ),
    ]


def _trained(rng: Generator, label: Any, given: Any, seeds: int) -> list[Any]:
    """Predictions under every seed; a seed is a little better or worse as a whole."""
    shared = rng.random(len(label))
    found = []
    for skill in rng.normal(0, 0.03, seeds):
        table = given + skill * (np.eye(4) - given)
        own = np.where(rng.random(len(label)) < 0.5, shared, rng.random(len(label)))
        found.append((own[:, None] > table.cumsum(axis=1)[label]).sum(axis=1).clip(0, 3))
    return found

"""Data with a known truth for `python -m benchmarks.calibration`: two models, or two configurations, compared."""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import Any

import numpy as np
from numpy.random import Generator
from scipy.stats import norm

from benchmarks.calibration_draws import (
    METRICS,
    POPULATION,
    Result,
    Scenario,
    binormal,
    clusters_of,
    right,
    scores_of,
    texts,
)
from hpo.evaluators import counts
from hpo.evaluators.inference import compare, compare_seeds
from hpo.statistics import crossed, paired, paired_cells, power
from hpo.statistics.values import Settings


def comparisons() -> list[Scenario]:
    """Differences of two, under the null hypothesis and beside it."""
    return [*_proportions(), *_means(), *_clusters(), *_counts(), *_areas(), *_seeds()]


def _discordance(p_a: float, p_b: float) -> float:
    """Share of items that exactly one of the models of ``right`` gets right, by a large sample."""
    a, b = right(np.random.default_rng(0), 2_000_000, p_a, p_b)
    return float((a != b).mean())


def _proportions() -> list[Scenario]:
    def mcnemar(rng: Generator, settings: Settings, n: int, p: tuple[float, float]) -> Result:
        return paired.means(*right(rng, n, *p), None, settings)

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
            *(scores_of(texts(np.random.default_rng(seed), n, hard, 0.0)) for seed in rng.integers(0, 2**31, 2)),
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
        code, effect = clusters_of(rng, clusters)
        noise = rng.normal(size=(2, len(code)))
        return paired.means(effect[code] + noise[0], noise[1], code, settings)

    def counted(rng: Generator, settings: Settings) -> Result:
        label, first, second = _three(rng, 60)
        code = np.repeat(np.arange(60), 6)
        stats = [
            {"label": np.repeat(label, 6), "prediction": _again(rng, np.repeat(each, 6))} for each in (first, second)
        ]
        return compare(METRICS["macro_f1"], *(scores_of(each, code) for each in stats), settings)

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
        label, shared = binormal(rng, n, 0.0)
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
            [scores_of({"label": label, "prediction": each}) for each in _trained(rng, label, given, seeds)]
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

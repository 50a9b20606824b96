"""How long it takes to score stored predictions with every classification metric and its interval.

    python -m benchmarks.scoring           100,000 predictions of ten classes, five times, on one core; a minute
    python -m benchmarks.scoring --json    the same as one JSON object

Seconds are those of the processor, so that other work on the machine does not count.

The peer computes the same metrics with scikit-learn and bootstraps rows, which is what people write; a few of its
resamples are timed and the rest extrapolated. Two models compared on every metric are timed beside it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks import common

TARGET = 5.0  # seconds, all metrics and intervals
LABELS = tuple(f"class {code}" for code in range(10))
PEER_RESAMPLES = 3


def predictions(n: int, seed: int) -> tuple[Any, Any]:
    """Rows and a model's outputs on them: right in about four of five, with probabilities that are too sure."""
    import numpy as np
    import pandas as pd

    from hpo.data.rows import Rows
    from hpo.objective import Outputs

    rng = np.random.default_rng(seed)
    label = np.random.default_rng(0).integers(0, len(LABELS), n)
    probability = rng.dirichlet(np.full(len(LABELS), 0.3), n)
    knows = rng.random(n) < 0.75
    probability[np.arange(n)[knows], label[knows]] += 2
    probability /= probability.sum(axis=1, keepdims=True)
    names = np.array(LABELS, dtype=object)
    ids = np.array([str(row) for row in range(n)], dtype=object)
    rows = Rows(pd.DataFrame({"id": ids, "text": "", "label": names[label]}), "text_label")
    return rows, Outputs(ids, names[probability.argmax(axis=1)], probability, LABELS)


def evaluators() -> list[Any]:
    """Every evaluator of a classification task that classes and probabilities are enough for."""
    from hpo.evaluators.outputs import FIELDS
    from hpo.evaluators.registry import EVALUATORS

    have = {"prediction", "probabilities"}
    return [each for each in EVALUATORS["classification"] if each.needs & FIELDS.keys() <= have]


def ours(n: int, settings: Any) -> tuple[dict[str, float], int]:
    """CPU seconds of scoring and of all intervals, and how many metrics there are."""
    from hpo.evaluators.inference import estimate

    rows, outputs = predictions(n, 1)
    began = time.process_time()
    scores = [(each, each.score(rows, outputs, each.prepare(None))) for each in evaluators()]
    scored = time.process_time()
    slowest: dict[str, float] = {}
    for evaluator, found in scores:
        for metric in evaluator.metrics:
            start = time.process_time()
            estimate(metric, found, settings)
            slowest[metric.name] = time.process_time() - start
    ended = time.process_time()
    name = max(slowest, key=lambda each: slowest[each])
    seconds = {
        "score": scored - began,
        "intervals": ended - scored,
        "all": ended - began,
        f"most: {name}": slowest[name],
    }
    return seconds, len(slowest)


def comparison(n: int, resamples: int) -> float:
    """CPU seconds of comparing two models on every metric."""
    from hpo.evaluators.inference import compare
    from hpo.statistics.values import Settings

    sides = [predictions(n, seed) for seed in (1, 2)]
    began = time.process_time()
    for evaluator in evaluators():
        a, b = (evaluator.score(rows, outputs, None) for rows, outputs in sides)
        for metric in evaluator.metrics:
            compare(metric, a, b, Settings(resamples=resamples))
    return time.process_time() - began


def peer(n: int, resamples: int) -> float:
    """CPU seconds of the plain bootstrap with scikit-learn, extrapolated from PEER_RESAMPLES resamples."""
    import numpy as np

    _, outputs = predictions(n, 1)
    rows, _ = predictions(n, 1)
    label = np.array([LABELS.index(each) for each in rows.frame["label"]])
    probability = outputs.probabilities
    prediction = probability.argmax(axis=1)
    rng = np.random.default_rng(0)
    measures = peer_metrics()
    began = time.process_time()
    for _ in range(PEER_RESAMPLES):
        drawn = rng.integers(0, n, n)
        for measure in measures:
            measure(label[drawn], prediction[drawn], probability[drawn])
    return (time.process_time() - began) / PEER_RESAMPLES * resamples


def peer_metrics() -> list[Callable[[Any, Any, Any], float]]:
    """The metrics that scikit-learn has."""
    from sklearn import metrics as sk

    found: list[Callable[[Any, Any, Any], float]] = [
        lambda y, p, q: sk.accuracy_score(y, p),
        lambda y, p, q: sk.matthews_corrcoef(y, p),
        lambda y, p, q: sk.log_loss(y, q, labels=range(len(LABELS))),
        lambda y, p, q: sk.roc_auc_score(y, q, multi_class="ovr", labels=range(len(LABELS))),
        lambda y, p, q: sk.brier_score_loss(y, q, labels=list(range(len(LABELS)))),
    ]
    for function in (sk.precision_score, sk.recall_score, sk.f1_score):
        for average in ("macro", "micro", "weighted"):
            found.append(lambda y, p, q, f=function, a=average: f(y, p, average=a, zero_division=0))
    return found


def draw(result: Mapping[str, Any]) -> None:
    """The table for people."""
    seconds = {name: common.shown(values, digits=2) for name, values in result["seconds"].items()}
    seconds["compare two models on every metric"] = f"{result['compare_seconds']:.2f}"
    seconds["peer: scikit-learn, rows bootstrapped (extrapolated)"] = f"{result['peer_seconds']:,.0f}"
    common.table(
        f"{result['rows']:,} predictions of ten classes, {result['metrics']} metrics with intervals"
        f" ({result['resamples']:,} resamples): CPU seconds, median (least-greatest)",
        ("what", "CPU seconds"),
        list(seconds.items()),
    )
    spent = result["seconds"]["all"]["median"]
    print(f"\npeer / this: {result['peer_seconds'] / spent:,.0f}")
    print(f"target: at most {result['target_seconds']} s: {'met' if spent <= result['target_seconds'] else 'MISSED'}")


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--resamples", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one JSON object on standard output")
    arguments = parser.parse_args()
    common.use_threads(1)
    from hpo.statistics.values import Settings

    found: list[dict[str, float]] = []
    metrics = 0
    for repeat in range(arguments.repeats + 1):
        common.note(f"round {repeat} of {arguments.repeats}")
        # a seed of its own: no draw of an earlier round is used again
        seconds, metrics = ours(arguments.rows, Settings(resamples=arguments.resamples, seed=repeat))
        found += [seconds] if repeat else []  # the first round imports
    names = [name for name in found[0] if all(name in each for each in found)]
    result = {
        "benchmark": "scoring",
        "machine": common.machine(1, ("hpo", "numpy", "scipy", "scikit-learn")),
        "rows": arguments.rows,
        "resamples": arguments.resamples,
        "metrics": metrics,
        "target_seconds": TARGET,
        "seconds": {name: common.spread(each[name] for each in found) for name in names},
        "compare_seconds": comparison(arguments.rows, arguments.resamples),
        "peer_seconds": peer(arguments.rows, arguments.resamples),
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


if __name__ == "__main__":
    sys.exit(main())

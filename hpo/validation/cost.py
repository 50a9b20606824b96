"""What answers cost: seconds, memory, tokens per second, latency of single rows, money; and the cost-quality front."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.latency import PERCENTILES, quantile
from hpo.objective import Outputs
from hpo.statistics.values import finite
from hpo.training.peak import Peak
from hpo.validation.members import Opened

SINGLE_ROWS = 100  # asked one at a time for the latency
SINGLE_SECONDS = 10.0  # and no longer than this, once there are a few
FEW = 5
LATENCY = "single rows, the model loaded, after a warm-up"


def timed(opened: Opened, rows: Rows, seed: int) -> tuple[Outputs, dict[str, Any]]:
    """Ask for all rows, and what that cost.

    Returns:
        The answers, and: ``seconds`` for all rows in batches, ``peak_memory_gb``, ``tokens_per_second`` (tokens read;
        those of a generated answer are not counted), ``latency_ms`` of a sample of rows asked one at a time.
    """
    if len(rows) > 1:
        opened.ask(rows.take([0]))  # what is done once, at the first question, is no part of the price of an answer
    with Peak() as peak:
        began = time.perf_counter()
        outputs = opened.ask(rows)
        seconds = time.perf_counter() - began
    tokens = opened.tokens(rows) if opened.tokens is not None else None
    cost = {
        "seconds": seconds,
        "peak_memory_gb": peak.gb,
        "tokens_per_second": tokens / seconds if tokens and seconds > 0 else None,
        "latency_ms": _single(opened, rows, seed).tolist(),
        "parameters": opened.parameters,
    }
    return outputs, cost


def _single(opened: Opened, rows: Rows, seed: int) -> NDArray[np.float64]:
    """Milliseconds of single rows, drawn by the seed."""
    drawn = np.random.default_rng(seed).permutation(len(rows))[:SINGLE_ROWS]
    found: list[float] = []
    start = time.perf_counter()
    for place in drawn:
        if len(found) >= FEW and time.perf_counter() - start > SINGLE_SECONDS:
            break
        one = rows.take([int(place)])
        began = time.perf_counter()
        opened.ask(one)
        found.append((time.perf_counter() - began) * 1000)
    return np.array(found, dtype=np.float64)


def cost_row(model: str, dataset: str, costs: Sequence[Mapping[str, Any]], price: float | None) -> dict[str, Any]:
    """A row of the table of costs, the mean over seeds; what was not measured is None."""

    def mean(name: str) -> float | None:
        values = [cost[name] for cost in costs if cost.get(name) is not None]
        return finite(float(np.mean(values))) if values else None

    latencies = np.array([value for cost in costs for value in cost.get("latency_ms", ())], dtype=np.float64)
    found = {each: finite(quantile(latencies, np.ones(len(latencies)), each / 100)) for each in PERCENTILES}
    seconds = mean("seconds")
    return {
        "model": model,
        "dataset": dataset,
        "seconds": seconds,
        "peak_memory_gb": mean("peak_memory_gb"),
        "tokens_per_second": mean("tokens_per_second"),
        **{f"latency_p{each}_ms": value for each, value in found.items()},
        "latency_of": LATENCY if len(latencies) else None,
        "latency_rows": len(latencies),
        "cost_usd": None if seconds is None or price is None else seconds / 3600 * price,
    }


def front(costs: Sequence[Mapping[str, Any]], quality: Mapping[str, tuple[float, str]]) -> list[dict[str, Any]]:
    """Models by quality and by what a thousand rows cost; on the front where no other is better and no dearer.

    Args:
        costs: rows of ``cost_row``, with ``rows`` of the data set added.
        quality: mean primary score over the data sets, and its direction, by model.

    Returns:
        One entry for each model that was measured; the unit is US dollars or seconds for 1,000 rows.
    """
    points: dict[str, tuple[float, float]] = {}
    measured = [row for row in costs if row["seconds"] is not None]
    priced = all(row["cost_usd"] is not None for row in measured)
    for model, (value, direction) in quality.items():
        own = [row for row in measured if row["model"] == model]
        if own and np.isfinite(value):
            spent = sum(row["cost_usd"] if priced else row["seconds"] for row in own)
            rows = sum(row["rows"] for row in own)
            points[model] = (value if direction == "maximize" else -value, 1000 * spent / rows)
    unit = "US dollars for 1,000 rows" if priced and measured else "seconds for 1,000 rows"
    return [
        {
            "model": model,
            "quality": quality[model][0],
            "cost": cost,
            "unit": unit,
            "on_front": not any(_dominates(other, (good, cost)) for other in points.values()),
        }
        for model, (good, cost) in points.items()
    ]


def _dominates(first: tuple[float, float], second: tuple[float, float]) -> bool:
    """Whether the first is at least as good and no dearer, and better in one of the two."""
    return first != second and first[0] >= second[0] and first[1] <= second[1]

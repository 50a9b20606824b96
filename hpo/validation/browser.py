"""The error browser: rows that one model gets right and another wrong, with the text and what each of them said."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.exact_match import ExactMatch
from hpo.validation.scoring import Scored, metrics_of, primary_of

MOST = 2_000  # rows that are shown, over all data sets
TEXT = 2_000  # characters of a text that are kept
Right = NDArray[np.float64]  # 1 right, 0 wrong, NaN cannot be told


def errors(by_data: Mapping[str, Sequence[Scored]], seed: int) -> tuple[list[dict[str, Any]], int]:
    """Rows on which models disagree, and how many there are; beyond MOST a seeded sample, spread over the data sets.

    Of several seeds the first is shown.
    """
    judged = {name: np.array([right(one) for one in scored]) for name, scored in by_data.items() if len(scored) > 1}
    places = {name: disagreements(table) for name, table in judged.items()}
    total = sum(map(len, places.values()))
    generator = np.random.default_rng(seed)
    rows = []
    for name, found in places.items():
        most = len(found) if total <= MOST else math.floor(MOST * len(found) / total)
        drawn = found if len(found) <= most else np.sort(generator.choice(found, most, replace=False))
        rows += [_row(by_data[name], judged[name], int(place)) for place in drawn]
    return rows, total


def disagreements(table: Right) -> NDArray[np.int64]:
    """Positions of the rows that some model gets right and another wrong; ``table`` has the shape (models, n)."""
    return np.flatnonzero((table == 1.0).any(axis=0) & (table == 0.0).any(axis=0))


def right(scored: Scored) -> Right:
    """Which rows a model gets right, shape (n,); NaN where there is no right and wrong.

    What the deciding metric says holds, where it is right or wrong; else the predicted class, or the same text.
    """
    decided = _by_primary(scored)
    if decided is not None:
        return decided
    judge = _JUDGES.get(scored.data.task)
    if judge is None or scored.outputs[0].prediction is None:
        return np.full(len(scored.data.rows), np.nan)
    return judge(scored)


def _by_primary(scored: Scored) -> Right | None:
    """The primary metric's values of single rows, 1 the better; None where it has none, or others than 0 and 1."""
    evaluator, metric = metrics_of(scored.data, ())[primary_of(scored.data)]
    found = scored.of(evaluator)
    if not found or metric.rows is None:
        return None
    kept = ~found[0].unscored
    values = np.full(len(kept), np.nan)
    values[kept] = metric.rows({name: np.asarray(each)[kept] for name, each in found[0].stats.items()})
    if not np.isin(values[~np.isnan(values)], (0.0, 1.0)).all():
        return None
    return values if metric.direction == "maximize" else 1.0 - values


def _classes(scored: Scored) -> Right:
    said, truth = scored.outputs[0].prediction, scored.data.references
    assert said is not None
    return np.array([str(a) == str(b) for a, b in zip(said.tolist(), truth.tolist(), strict=True)], dtype=np.float64)


def _exact(scored: Scored) -> Right:
    found = scored.scores.get(ExactMatch.name)
    if not found:
        return np.full(len(scored.data.rows), np.nan)
    return np.asarray(found[0].stats["exact_match"], dtype=np.float64)


_JUDGES: Mapping[str, Callable[[Scored], Right]] = {"classification": _classes, "instruction": _exact}


def _row(scored: Sequence[Scored], judged: Right, place: int) -> dict[str, Any]:
    data = scored[0].data
    groups = data.rows.groups
    return {
        "dataset": data.name,
        "id": str(data.rows.ids[place]),
        "text": str(data.texts[place])[:TEXT],
        "reference": _said(data.references[place]),
        "outputs": {one.model: _said(_prediction(one, place)) for one in scored},
        "right": {one.model: _truth(line[place]) for one, line in zip(scored, judged, strict=True)},
        "group": None if groups is None else str(groups[place]),
        "subgroups": {name: values[place] for name, values in data.columns.items()},
    }


def _prediction(scored: Scored, place: int) -> Any:
    said = scored.outputs[0].prediction
    return None if said is None else said[place]


def _said(value: Any) -> str | None:
    if value is None or value != value:
        return None
    return f"{value:.6g}" if isinstance(value, float) else str(value)[:TEXT]


def _truth(value: float) -> bool | None:
    return None if math.isnan(value) else bool(value)

"""Which trial is best: the one rule that the driver, the tables and the report go by."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from hpo.config.models import ObjectiveConfig
from hpo.records.record import Record


def value_of(record: Record, name: str) -> float | None:
    """A metric or measurement of a record in its own units; None where it is missing or not a finite number."""
    value = record.metrics.get(name, record.measurements.get(name))
    return float(value) if value is not None and math.isfinite(value) else None


def better(first: float, second: float, objective: ObjectiveConfig) -> bool:
    """Whether ``first`` is strictly better than ``second``."""
    return first > second if objective.direction == "maximize" else first < second


def ranked(records: Iterable[Record], objective: ObjectiveConfig) -> list[Record]:
    """The complete, feasible records that have a value, best first; among equals the lower number."""
    return sorted(
        _candidates(records, (objective,)), key=lambda record: (*_losses(record, (objective,)), record.number)
    )


def champion(records: Iterable[Record], objective: ObjectiveConfig) -> Record | None:
    """The best of ``ranked``, or None where no trial is complete and feasible."""
    return next(iter(ranked(records, objective)), None)


def pareto_front(records: Iterable[Record], objectives: Sequence[ObjectiveConfig]) -> list[Record]:
    """The complete, feasible records that no other one dominates, in the order of the first objective.

    A record dominates another where it is no worse in every objective and better in at least one; equals both stay.
    """
    ordered = sorted(_candidates(records, objectives), key=lambda record: (_losses(record, objectives), record.number))
    front: list[Record] = []
    for record in ordered:  # in lexicographic order only an earlier member of the front can dominate
        losses = _losses(record, objectives)
        if not any(_dominates(_losses(member, objectives), losses) for member in front):
            front.append(record)
    return front


def _candidates(records: Iterable[Record], objectives: Sequence[ObjectiveConfig]) -> list[Record]:
    return [
        record
        for record in records
        if record.state == "complete"
        and record.feasible
        and all(value_of(record, objective.metric) is not None for objective in objectives)
    ]


def _losses(record: Record, objectives: Sequence[ObjectiveConfig]) -> tuple[float, ...]:
    """Values turned so that less is better."""
    values = (value_of(record, objective.metric) for objective in objectives)
    return tuple(
        -value if objective.direction == "maximize" else value
        for value, objective in zip(values, objectives, strict=True)
        if value is not None
    )


def _dominates(first: tuple[float, ...], second: tuple[float, ...]) -> bool:
    return first != second and all(a <= b for a, b in zip(first, second, strict=True))

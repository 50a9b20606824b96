"""Asynchronous successive halving (Li et al. 2020, arXiv 1810.05934), decided by the driver on fractions of a run.

A rung is a fraction of the trial's own length. A trial goes on where its value at the rung is among the best
``1 / reduction_factor`` of the values seen there; with fewer than ``reduction_factor`` values everyone goes on. In
ordered mode the decision for trial i uses trials j <= i only and waits until each has reached the rung or ended,
so it does not depend on which worker was faster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hpo.config.models import Direction, PrunerConfig
from hpo.records.record import Point, Record

_TOLERANCE = 1e-9


@dataclass(frozen=True)
class Decision:
    """A trial at a rung: stop it there, or let it go on."""

    number: int
    rung: float
    stop: bool


@dataclass(frozen=True)
class Halving:
    """The rule; it holds no state, all it needs stands in the records."""

    rungs: tuple[float, ...]
    reduction_factor: int
    metric: str
    direction: Direction
    ordered: bool

    @classmethod
    def of(cls, pruner: PrunerConfig, metric: str, direction: Direction, *, ordered: bool) -> Halving:
        """The rule of a study; without a pruner there are no rungs."""
        rungs: list[float] = []
        rung = pruner.min_fraction
        while pruner.name == "asha" and rung < 1 - _TOLERANCE:
            rungs.append(rung)
            rung *= pruner.reduction_factor
        return cls(tuple(rungs), pruner.reduction_factor, metric, direction, ordered)

    def value(self, record: Record, rung: float) -> float | None:
        """The metric at the first evaluation at or after the rung; None where it has not been reached."""
        point = _at(record, rung)
        return None if point is None else point.metrics.get(self.metric)

    def settled(self, record: Record) -> bool:
        """Whether every rung that the trial has reached is decided."""
        return self._next_rung(record) is None

    def stopped_at(self, record: Record) -> float | None:
        """The rung at which the trial was stopped."""
        return next((rung for rung, stop in record.rungs.items() if stop), None)

    def counted(self, record: Record) -> tuple[Point, ...]:
        """The evaluations that count: all, or those up to the rung at which the trial was stopped."""
        rung = self.stopped_at(record)
        if rung is None:
            return record.curve
        last = next(i for i, point in enumerate(record.curve) if point.fraction >= rung - _TOLERANCE)
        return record.curve[: last + 1]

    def decisions(self, records: Mapping[int, Record]) -> Iterator[Decision]:
        """Decisions that can be made now, one a trial at most, lower numbers first."""
        for number in sorted(records):
            record = records[number]
            rung = None if record.told else self._next_rung(record)
            if rung is not None:
                decision = self._decide(records, record, rung)
                if decision is not None:
                    yield decision

    def _next_rung(self, record: Record) -> float | None:
        if self.stopped_at(record) is not None:
            return None
        for rung in self.rungs:
            point = _at(record, rung)
            if rung not in record.rungs and point is not None:
                return rung if point.fraction < 1 - _TOLERANCE else None  # at its end a run is not stopped
        return None

    def _decide(self, records: Mapping[int, Record], record: Record, rung: float) -> Decision | None:
        own = self.value(record, rung)
        if record.number == 0 or own is None:
            return Decision(record.number, rung, stop=False)
        rivals: list[float] = []
        for number in sorted(records):
            if self.ordered and number > record.number:
                break
            rival = self._settled_value(records[number], rung)
            if rival == "wait" and self.ordered and number != record.number:
                return None
            if isinstance(rival, float):
                rivals.append(rival)
        sign = 1.0 if self.direction == "maximize" else -1.0
        better = sum(sign * value > sign * own for value in rivals)
        places = len(rivals) // self.reduction_factor
        return Decision(record.number, rung, stop=places >= 1 and better >= places)

    def _settled_value(self, record: Record, rung: float) -> float | str | None:
        """The value that a rival shows at a rung, None where it never gets there, "wait" where that is still open."""
        stopped = self.stopped_at(record)
        if stopped is not None and stopped < rung - _TOLERANCE:
            return None
        open_below = any(self._open(record, lower) for lower in self.rungs if lower < rung - _TOLERANCE)
        value = self.value(record, rung)
        if value is not None:
            return "wait" if open_below and not record.told else float(value)
        return None if record.ended and not open_below else "wait"

    def _open(self, record: Record, rung: float) -> bool:
        point = _at(record, rung)
        return point is not None and point.fraction < 1 - _TOLERANCE and rung not in record.rungs


def _at(record: Record, rung: float) -> Point | None:
    """The first evaluation at or after the rung."""
    return next((point for point in record.curve if point.fraction >= rung - _TOLERANCE), None)

"""Asynchronous successive halving (Li et al. 2020, arXiv 1810.05934), decided by the driver on fractions of a run.

A rung is a fraction of the trial's own length. A trial goes on where its value at the rung is among the best
``1 / reduction_factor`` of the values seen there; with fewer than ``reduction_factor`` values everyone goes on. In
ordered mode the decision for trial i uses trials j <= i only and waits until each has reached the rung or ended,
so it does not depend on which worker was faster.
"""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from hpo.config.models import Direction, PrunerConfig
from hpo.records.record import Point, Record

WAIT: Final = "wait"  # what a trial shows at a rung is still open
Shown = float | str | None  # its value there, the greater the better; None: it never gets there; WAIT
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
        return self.next_rung(record) is None

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

    def decisions(self, records: Mapping[int, Record]) -> list[Decision]:
        """Decisions that can be made now, one a trial at most, lower numbers first."""
        rungs = Rungs(self)
        for record in records.values():
            rungs.update(record)
        return rungs.decisions()

    def next_rung(self, record: Record) -> float | None:
        """The rung that the trial has reached and that is not decided."""
        if self.stopped_at(record) is not None:
            return None
        for rung in self.rungs:
            point = _at(record, rung)
            if rung not in record.rungs and point is not None:
                return rung if point.fraction < 1 - _TOLERANCE else None  # at its end a run is not stopped
        return None

    def shown(self, record: Record, rung: float) -> Shown:
        """What a trial shows its rivals at a rung; of a value to be minimised its negative."""
        stopped = self.stopped_at(record)
        if stopped is not None and stopped < rung - _TOLERANCE:
            return None
        open_below = any(self._open(record, lower) for lower in self.rungs if lower < rung - _TOLERANCE)
        value = self.value(record, rung)
        if value is not None:
            signed = float(value) if self.direction == "maximize" else -float(value)
            return WAIT if open_below and not record.told else signed
        return None if record.ended and not open_below else WAIT

    def _open(self, record: Record, rung: float) -> bool:
        point = _at(record, rung)
        return point is not None and point.fraction < 1 - _TOLERANCE and rung not in record.rungs


@dataclass
class _Rung:
    """What each trial shows at a rung; ``values`` holds those of the numbers below ``counted`` in order."""

    shown: dict[int, Shown] = field(default_factory=dict)
    asking: list[int] = field(default_factory=list)  # a heap of the trials that wait for a decision here
    values: list[float] = field(default_factory=list)  # the greater the better
    counted: int = 0
    settled: int = 0  # no number below it waits here
    end: int = 0  # beyond the greatest number

    def show(self, number: int, shown: Shown) -> None:
        """Note what a trial shows now."""
        before = self.shown.get(number)
        self.shown[number] = shown
        self.end = max(self.end, number + 1)
        if shown == WAIT:
            self.settled = min(self.settled, number)
        if number < self.counted and shown != before:
            if isinstance(before, float):
                del self.values[bisect.bisect_left(self.values, before)]
            if isinstance(shown, float):
                bisect.insort(self.values, shown)

    def is_settled(self, number: int) -> bool:
        """Whether no trial below this number waits here."""
        while self.settled < self.end and self.shown.get(self.settled) != WAIT:
            self.settled += 1
        return number <= self.settled

    def rivals(self, end: int) -> list[float]:
        """The values of the numbers below ``end``, in order."""
        if end < self.counted:  # a trial that was run again from a checkpoint comes to a rung a second time
            return sorted(value for n, value in self.shown.items() if n < end and isinstance(value, float))
        for number in range(self.counted, end):
            value = self.shown.get(number)
            if isinstance(value, float):
                bisect.insort(self.values, value)
        self.counted = end
        return self.values


class Rungs:
    """The standing at all rungs, kept up to date one record at a time: a decision costs no look at all trials.

    Args:
        rule: the study's.
    """

    def __init__(self, rule: Halving) -> None:
        self._rule = rule
        self._rungs = {rung: _Rung() for rung in rule.rungs}
        self._asking: dict[int, float] = {}  # the rung at which a trial waits for a decision
        self._free: set[int] = set()  # of these, those that go on whatever the others do

    def update(self, record: Record) -> None:
        """Take a record in, or what has become of it."""
        number = record.number
        for rung, held in self._rungs.items():
            held.show(number, self._rule.shown(record, rung))
        wanted = None if record.told else self._rule.next_rung(record)
        known = self._asking.pop(number, None)
        queued = known == wanted and number not in self._free
        self._free.discard(number)
        if wanted is None:
            return
        self._asking[number] = wanted
        if number == 0 or not isinstance(self._rungs[wanted].shown[number], float):
            self._free.add(number)
        elif not queued:
            heapq.heappush(self._rungs[wanted].asking, number)

    def decisions(self) -> list[Decision]:
        """Decisions that can be made now and were not given before, one a trial at most, lower numbers first."""
        found = [Decision(number, self._asking.pop(number), stop=False) for number in self._free]
        self._free.clear()
        for rung, held in self._rungs.items():
            while held.asking:
                number = held.asking[0]
                if self._asking.get(number) != rung:
                    heapq.heappop(held.asking)
                    continue
                if self._rule.ordered and not held.is_settled(number):
                    break
                heapq.heappop(held.asking)
                del self._asking[number]
                found.append(Decision(number, rung, stop=self._loses(held, number)))
        return sorted(found, key=lambda decision: decision.number)

    def _loses(self, held: _Rung, number: int) -> bool:
        own = held.shown[number]
        assert isinstance(own, float)
        rivals = held.rivals(number + 1 if self._rule.ordered else held.end)
        places = len(rivals) // self._rule.reduction_factor
        return places >= 1 and len(rivals) - bisect.bisect_right(rivals, own) >= places


def _at(record: Record, rung: float) -> Point | None:
    """The first evaluation at or after the rung."""
    place = bisect.bisect_left(record.curve, rung - _TOLERANCE, key=lambda point: point.fraction)
    return record.curve[place] if place < len(record.curve) else None

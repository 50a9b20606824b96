"""A runner on a simulated clock: many workers, no waiting, the same order of events on every machine."""

from __future__ import annotations

import heapq
import itertools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from hpo.errors import TrialFailure
from hpo.objective import Footprint, Progress, Trial
from hpo.runners.protocol import Checkpointed, Ended, Lost, Message, Reference, Reported, Started

Train = Callable[[Trial], Iterator[Progress]]
Seconds = Callable[[Trial, Progress], float]
Table = Mapping[tuple[int, int], float] | Sequence[float]
_STATE = "simulated.json"  # beside a checkpoint: what the trial had used by then


@dataclass(frozen=True)
class Death:
    """A worker that dies: its trial is lost, and it is back after a while.

    Attributes:
        at: simulated seconds.
        worker: its number, from 0.
        away: simulated seconds until it is back.
        reason: what the ``Lost`` message says; only ``died`` and ``stalled`` count against the trial.
    """

    at: float
    worker: int
    away: float = 0.0
    reason: Literal["died", "stalled", "preempted"] = "died"


@dataclass
class _Run:
    """An attempt of a trial on a worker."""

    trial: Trial
    worker: int
    generator: Iterator[Progress]
    since: float  # simulated seconds at the last evaluation, or the start
    step: int = 0  # evaluations so far, those of earlier attempts included
    spent: float = 0.0  # device seconds up to the last evaluation, those of earlier attempts included
    saved: float = 0.0  # the same, up to the last checkpoint
    progress: Progress | None = None  # the evaluation that the clock has not reached yet
    last: Reported | None = None
    pending: int = -1  # place in the queue of what comes next; anything else queued for the attempt is void


class SimulatedRunner:
    """Runs trials on simulated workers.

    Args:
        train: what a trial does; its generator is advanced when the simulated clock reaches its next evaluation.
        seconds: simulated seconds up to an evaluation from the one before it (or from the start): a function of both
            trial and evaluation, a list by evaluation, or a mapping of (trial number, evaluation counted from 1).
        workers: how many trials run at once; or a mapping of simulated seconds to the number from then on. Workers
            with the highest numbers go first, and their trials are lost as preempted.
        deaths: workers that die.
    """

    def __init__(
        self, train: Train, seconds: Seconds | Table, workers: int | Mapping[float, int], deaths: Sequence[Death] = ()
    ) -> None:
        self._train, self._seconds = train, seconds
        self.now = 0.0
        self._order = itertools.count()
        self._queue: list[tuple[float, int, _Run | None, Message]] = []
        self._changes: list[tuple[float, int, Callable[[], list[Message]]]] = []
        self._waiting: dict[int, Trial] = {}
        self._running: dict[int, _Run] = {}
        self._busy: dict[int, int] = {}  # number of the trial, by worker
        self._free: list[int] = []  # a heap: the lowest number is taken first
        self._away: set[int] = set()
        self._workers = 0
        plan = {0.0: workers} if isinstance(workers, int) else dict(workers)
        self._resize(plan.pop(0.0, 0))
        for at, count in plan.items():
            self._plan(at, lambda count=count: self._resize(count))  # type: ignore[misc]
        for death in deaths:
            self._plan(death.at, lambda death=death: self._kill(death))  # type: ignore[misc]

    @property
    def workers(self) -> int:
        """As many as ``capacity``."""
        return self.capacity

    @property
    def capacity(self) -> int:
        """The number of workers that are up."""
        return self._workers - sum(worker < self._workers for worker in self._away)

    def submit(self, trial: Trial) -> None:
        """Start a trial now, or when a worker is free."""
        self._waiting[trial.number] = trial
        self._begin()

    def stop(self, number: int) -> None:
        """End a trial at the present simulated moment; one that waits or has ended is not run."""
        if number in self._waiting:
            self._push(0.0, None, _ended(self._waiting.pop(number), "stopped", None))
        elif (run := self._running.get(number)) is not None:
            _close(run.generator)
            self._next(run, 0.0, _ended(run.trial, "stopped", run.last))

    def messages(self, timeout: float) -> list[Message]:
        """What happens next; the clock jumps to it, so that ``timeout`` is not needed."""
        while (head := self._head()) is not None or (self._waiting and self._changes):
            if self._changes and (head is None or self._changes[0][:2] < head[:2]):
                at, _, change = heapq.heappop(self._changes)
                self.now = max(self.now, at)
                found = change()
                self._begin()
            else:
                self.now, _, run, message = heapq.heappop(self._queue)
                found = self._happen(run, message)
            if found:
                return found
        return []

    def kill(self, number: int) -> None:
        """The worker of a running trial dies at the present simulated moment, and is back at once."""
        death = Death(self.now, self._running[number].worker)
        self._plan(death.at, lambda: self._kill(death))

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Nothing is known of simulated memory."""
        return None

    def reference(self, name: Literal["base", "classical"]) -> Reference | None:
        """There is nothing to compare with."""
        return None

    def close(self, *, wait: bool = True) -> None:
        """Forget everything that runs."""
        for run in self._running.values():
            _close(run.generator)
        for held in (self._queue, self._changes, self._running, self._waiting, self._busy):
            held.clear()

    def _begin(self) -> None:
        while self._waiting and self._free:
            worker = heapq.heappop(self._free)
            if worker >= self._workers or worker in self._away or worker in self._busy:
                continue
            number = next(iter(self._waiting))
            trial = self._waiting.pop(number)
            run = _Run(trial, worker, self._train(trial), self.now)
            if trial.checkpoint is not None and (trial.checkpoint / _STATE).is_file():
                state = json.loads((trial.checkpoint / _STATE).read_text(encoding="utf8"))
                run.step, run.spent, run.saved = state["step"], state["spent"], state["spent"]
            self._running[number], self._busy[worker] = run, number
            self._push(0.0, run, Started(number, trial.attempt, f"simulated-{worker}"))
            self._advance(run)

    def _head(self) -> tuple[float, int, _Run | None, Message] | None:
        """What is first in the queue, once all that is void there has been dropped."""
        while self._queue:
            _, order, run, message = self._queue[0]
            if run is None or isinstance(message, Started) or order == run.pending:
                return self._queue[0]
            heapq.heappop(self._queue)
        return None

    def _happen(self, run: _Run | None, message: Message) -> list[Message]:
        if run is None or isinstance(message, Started):
            return [message]
        if isinstance(message, Reported):
            run.last, run.since, run.spent = message, self.now, message.measurements["device_seconds"]
            found = [message, *self._checkpoint(run)]
            self._advance(run)
            return found
        self._leave(run)
        self._begin()
        return [message]

    def _advance(self, run: _Run) -> None:
        """Train up to the next evaluation, which the clock has yet to reach."""
        trial = run.trial
        try:
            run.progress = next(run.generator, None)
        except TrialFailure as failure:
            return self._next(run, 0.0, _failed(run, failure.reason, str(failure.args[0])))
        except Exception as error:  # a trial may raise anything; the others go on
            return self._next(run, 0.0, _failed(run, "exception", f"{type(error).__name__}: {error}"))
        progress = run.progress
        if progress is None:
            none = _failed(run, "exception", "the objective ended without a single evaluation")
            return self._next(run, 0.0, _ended(trial, "complete", run.last) if run.last else none)
        run.step += 1
        seconds = self._duration(run, progress)
        spent = run.spent + seconds
        measurements = {"train_seconds": spent, "device_seconds": spent, **progress.measurements}
        seen = (progress.examples, progress.fraction, progress.metrics, measurements)
        return self._next(run, seconds, Reported(trial.number, trial.attempt, *seen))

    def _duration(self, run: _Run, progress: Progress) -> float:
        if callable(self._seconds):
            return self._seconds(run.trial, progress)
        if isinstance(self._seconds, Mapping):
            return self._seconds[run.trial.number, run.step]
        return self._seconds[run.step - 1]

    def _checkpoint(self, run: _Run) -> list[Message]:
        """Write what a later attempt needs, at the moment of an evaluation that is not the last."""
        progress = run.progress
        if progress is None or progress.checkpoint is None or progress.fraction >= 1:
            return []
        path = run.trial.folder / f"step-{progress.examples}"
        path.mkdir(parents=True, exist_ok=True)
        progress.checkpoint(path)
        (path / _STATE).write_text(json.dumps({"step": run.step, "spent": run.spent}), encoding="utf8")
        run.saved = run.spent
        return [Checkpointed(run.trial.number, run.trial.attempt, path, progress.examples)]

    def _kill(self, death: Death) -> list[Message]:
        if death.worker >= self._workers or death.worker in self._away:
            return []
        self._away.add(death.worker)
        self._plan(self.now + death.away, lambda: self._return(death.worker))
        return self._lose(death.worker, death.reason, f"simulated worker {death.worker} {death.reason}")

    def _return(self, worker: int) -> list[Message]:
        self._away.discard(worker)
        heapq.heappush(self._free, worker)
        return []

    def _resize(self, count: int) -> list[Message]:
        before, self._workers = self._workers, count
        for worker in range(before, count):
            heapq.heappush(self._free, worker)
        gone = [self._lose(worker, "preempted", "its machine was taken away") for worker in range(count, before)]
        return [message for found in gone for message in found]

    def _lose(self, worker: int, reason: Literal["died", "stalled", "preempted"], message: str) -> list[Message]:
        number = self._busy.get(worker)
        if number is None:
            return []
        run = self._running[number]
        _close(run.generator)
        self._leave(run)
        lost = run.spent - run.saved + self.now - run.since
        return [Lost(number, run.trial.attempt, reason, message, reason != "preempted", lost)]

    def _leave(self, run: _Run) -> None:
        """The worker is done with an attempt."""
        del self._running[run.trial.number], self._busy[run.worker]
        heapq.heappush(self._free, run.worker)
        run.pending = -1

    def _next(self, run: _Run, seconds: float, message: Message) -> None:
        run.pending = self._push(seconds, run, message)

    def _push(self, seconds: float, run: _Run | None, message: Message) -> int:
        order = next(self._order)
        heapq.heappush(self._queue, (self.now + seconds, order, run, message))
        return order

    def _plan(self, at: float, change: Callable[[], list[Message]]) -> None:
        heapq.heappush(self._changes, (at, next(self._order), change))


def _ended(trial: Trial, state: Literal["complete", "stopped", "failed"], last: Reported | None) -> Ended:
    if last is None:
        return Ended(trial.number, trial.attempt, state)
    return Ended(
        trial.number,
        trial.attempt,
        state,
        metrics=last.metrics,
        measurements=last.measurements,
        examples=last.examples,
    )


def _failed(run: _Run, reason: str, message: str) -> Ended:
    ended = _ended(run.trial, "failed", run.last)
    return Ended(
        ended.number, ended.attempt, "failed", reason, message, ended.metrics, ended.measurements, ended.examples
    )


def _close(generator: Iterator[Progress]) -> None:
    close = getattr(generator, "close", None)
    if close is not None:
        close()

"""A runner on a simulated clock: many workers, no waiting, the same order of events on every machine."""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal

from hpo.errors import TrialFailure
from hpo.objective import Footprint, Progress, Trial
from hpo.runners.protocol import Ended, Message, Reference, Reported, Started

Train = Callable[[Trial], Iterator[Progress]]
Seconds = Callable[[Trial, Progress], float]


class SimulatedRunner:
    """Runs trials on ``workers`` simulated workers.

    Args:
        train: what a trial does; its generator is advanced when the simulated clock reaches its next evaluation.
        seconds: simulated seconds from one evaluation of a trial to the next.
        workers: how many trials run at once.
    """

    def __init__(self, train: Train, seconds: Seconds, workers: int) -> None:
        self._train, self._seconds, self._workers = train, seconds, workers
        self.now = 0.0
        self._queue: list[tuple[float, int, Message]] = []
        self._order = itertools.count()
        self._waiting: deque[Trial] = deque()
        self._running: dict[int, tuple[Trial, Iterator[Progress], Reported | None]] = {}

    @property
    def capacity(self) -> int:
        """The number of workers."""
        return self._workers

    def submit(self, trial: Trial) -> None:
        """Start a trial now, or when a worker is free."""
        self._waiting.append(trial)
        self._begin()

    def stop(self, number: int) -> None:
        """End a trial at the present simulated moment."""
        if number in self._running:
            trial, _, last = self._running[number]
            self._queue = [entry for entry in self._queue if entry[2].number != number]
            heapq.heapify(self._queue)
            self._push(0.0, _ended(trial, "stopped", last))

    def messages(self, timeout: float) -> list[Message]:
        """The next message; the clock jumps to it."""
        if not self._queue:
            return []
        self.now, _, message = heapq.heappop(self._queue)
        if isinstance(message, Ended):
            self._running.pop(message.number)
            self._begin()
        elif isinstance(message, Reported):
            trial, run, _ = self._running[message.number]
            self._running[message.number] = (trial, run, message)
            self._advance(message.number)
        return [message]

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Nothing is known of simulated memory."""
        return None

    def reference(self, name: Literal["base", "classical"]) -> Reference | None:
        """There is nothing to compare with."""
        return None

    def close(self, *, wait: bool = True) -> None:
        """Forget everything that runs."""
        self._queue.clear()
        self._running.clear()

    def _begin(self) -> None:
        while self._waiting and len(self._running) < self._workers:
            trial = self._waiting.popleft()
            self._running[trial.number] = (trial, self._train(trial), None)
            self._push(0.0, Started(trial.number, trial.attempt, "simulated"))
            self._advance(trial.number)

    def _advance(self, number: int) -> None:
        trial, run, last = self._running[number]
        try:
            progress = next(run, None)
        except TrialFailure as failure:
            ended = replace(_ended(trial, "failed", last), reason=failure.reason, message=str(failure.args[0]))
            return self._push(0.0, ended)
        if progress is None:
            return self._push(0.0, _ended(trial, "complete", last))
        spent = (last.measurements["device_seconds"] if last else 0.0) + self._seconds(trial, progress)
        measurements = {"train_seconds": spent, "device_seconds": spent, **progress.measurements}
        report = Reported(
            trial.number, trial.attempt, progress.examples, progress.fraction, progress.metrics, measurements
        )
        return self._push(self._seconds(trial, progress), report)

    def _push(self, seconds: float, message: Message) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), message))


def _ended(trial: Trial, state: Literal["complete", "stopped", "failed"], last: Reported | None) -> Ended:
    seen = (
        {} if last is None else {"metrics": last.metrics, "measurements": last.measurements, "examples": last.examples}
    )
    return Ended(trial.number, trial.attempt, state, **seen)  # type: ignore[arg-type]

"""Listens to a runner, and holds what it tells against the order in which the driver takes it in."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from hpo.objective import Trial
from hpo.records.folder import RunFolder
from hpo.runners.protocol import Checkpointed, Ended, Lost, Message, Reported, Runner, Started

_QUIET_SECONDS = 0.3  # how long a test listens for what must not come
_Told = TypeVar("_Told", Started, Reported, Ended, Lost, Checkpointed)


class Heard:
    """A runner, and all that it has told."""

    def __init__(self, runner: Runner, folder: RunFolder, patience: float) -> None:
        self.runner, self.folder, self.patience = runner, folder, patience
        self.messages: list[Message] = []

    def submit(self, number: int, *, attempt: int = 1, checkpoint: Path | None = None, **params: Any) -> None:
        """Submit a rehearsal with a folder of its attempt."""
        folder = self.folder.trial(number) / f"attempt-{attempt}"
        folder.mkdir(parents=True)
        self.runner.submit(Trial(number, params, 1, folder, attempt, checkpoint, params))

    def until(self, wanted: Callable[[], bool]) -> None:
        """Listen until it is so."""
        deadline = time.monotonic() + self.patience
        while not wanted():
            check(time.monotonic() < deadline, f"waited {self.patience:g} s; the last told: {self.messages[-3:]}")
            self.messages += self.runner.messages(0.2)

    def end(self, number: int, attempt: int = 1) -> Ended:
        """The end of an attempt, once it has been told."""
        self.until(lambda: any(m.attempt == attempt for m in self.kind(Ended, number)))
        return next(m for m in self.kind(Ended, number) if m.attempt == attempt)

    def quiet(self) -> None:
        """Listen a while longer; ``check_order`` finds what must not have come."""
        deadline = time.monotonic() + _QUIET_SECONDS
        while time.monotonic() < deadline:
            self.messages += self.runner.messages(0.05)

    def of(self, number: int) -> list[Message]:
        """All that was told of a trial."""
        return [m for m in self.messages if m.number == number]

    def kind(self, kind: type[_Told], number: int) -> list[_Told]:
        """What was told of a trial by one kind of message."""
        return [m for m in self.messages if isinstance(m, kind) and m.number == number]

    def reports(self, number: int, attempt: int = 1) -> list[Reported]:
        """The evaluations of an attempt."""
        return [m for m in self.kind(Reported, number) if m.attempt == attempt]


def check_order(messages: Sequence[Message]) -> None:
    """Whether messages keep the order in which the driver takes them in.

    Raises:
        AssertionError: an attempt starts twice or after its progress, its examples fall, it ends twice, something
            follows its end, or an earlier attempt speaks after a later one.
    """
    over: set[tuple[int, int]] = set()
    last: dict[int, Message] = {}
    examples: dict[tuple[int, int], int] = {}
    for message in messages:
        attempt, before = (message.number, message.attempt), last.get(message.number)
        check(attempt not in over, f"{message} follows the end of its attempt")
        check(before is None or before.attempt <= message.attempt, f"{message} of an earlier attempt follows {before}")
        begun = before is not None and before.attempt == message.attempt
        check(
            begun is not isinstance(message, Started) or isinstance(message, Ended | Lost), f"{message} after {before}"
        )
        if isinstance(message, Reported):
            check(message.examples > examples.get(attempt, 0), f"{message} is not beyond the evaluation before it")
            examples[attempt] = message.examples
        if isinstance(message, Ended | Lost):
            over.add(attempt)
        last[message.number] = message


def check(holds: bool, otherwise: str) -> None:
    """An assertion with its reason, also where pytest does not rewrite assertions."""
    if not holds:
        raise AssertionError(otherwise)


def seconds(call: Callable[[], object]) -> float:
    """Wall time of a call."""
    began = time.monotonic()
    call()
    return time.monotonic() - began

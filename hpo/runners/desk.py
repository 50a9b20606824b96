"""A worker in a thread of its own: commands go in, news comes out, and neither side waits for the other."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hpo.errors import HpoError, full_disk
from hpo.objective import Trial
from hpo.runners.protocol import Message
from hpo.runners.worker import Worker


@dataclass(frozen=True)
class Admit:
    """Train this trial."""

    trial: Trial


@dataclass(frozen=True)
class Evict:
    """Stop this trial."""

    number: int


@dataclass(frozen=True)
class Question:
    """Answer with ``Worker.<method>(argument)``."""

    method: str  # probe, reference
    argument: Any


Command = Admit | Evict | Question


@dataclass(frozen=True)
class Placed:
    """The process is there; its session is being opened."""


@dataclass(frozen=True)
class Opened:
    """The session is open."""

    process: int


@dataclass(frozen=True)
class Answer:
    """To a question."""

    value: Any


@dataclass(frozen=True)
class Refused:
    """Something is wrong with the study or the machine that no other worker would do better."""

    error: HpoError


@dataclass(frozen=True)
class Broken:
    """The worker has met a fault of its own and is of no more use."""

    message: str


@dataclass(frozen=True)
class Terminated:
    """The process was asked to end (SIGTERM): a machine that is taken away gives this notice."""


News = Message | Placed | Opened | Answer | Refused | Broken | Terminated


class Desk:
    """Holds a worker; ``put`` and ``take`` may be called from any thread.

    Args:
        open_worker: opens the session; called in the worker's thread, which is the only one that trains.
        process: this process's id, told when the worker is open.
    """

    def __init__(self, open_worker: Callable[[], Worker], process: int) -> None:
        self._open = open_worker
        self._process = process
        self._commands: queue.SimpleQueue[Command] = queue.SimpleQueue()
        self._news: queue.SimpleQueue[News] = queue.SimpleQueue()
        self._news.put(Placed())
        threading.Thread(target=self._serve, name="worker", daemon=True).start()

    def put(self, command: Command) -> None:
        """Hand in a command; it is obeyed at the worker's next message, or at once where it is idle."""
        self._commands.put(command)

    def take(self, seconds: float) -> list[News]:
        """All the news there is; waits at most so long for the first."""
        try:
            found = [self._news.get(timeout=seconds)]
        except queue.Empty:
            return []
        while not self._news.empty():
            found.append(self._news.get())
        return found

    def report(self, news: News) -> None:
        """Put in news from beside the worker."""
        self._news.put(news)

    def _serve(self) -> None:
        try:
            worker = self._open()
            self._news.put(Opened(self._process))
            while True:
                self._obey(worker, self._commands.get())
                for message in worker.messages():
                    self._news.put(message)
                    while not self._commands.empty():
                        self._obey(worker, self._commands.get())
        except HpoError as error:
            self._news.put(Refused(error))
        except OSError as error:
            full = full_disk(error, "a worker cannot write a file")
            self._news.put(_broken(error) if full is None else Refused(full))
        except BaseException as error:  # nothing must end this thread unseen: the driver would wait for ever
            self._news.put(_broken(error))

    def _obey(self, worker: Worker, command: Command) -> None:
        if isinstance(command, Admit):
            worker.admit(command.trial)
        elif isinstance(command, Evict):
            worker.evict(command.number)
        else:
            self._news.put(Answer(getattr(worker, command.method)(command.argument)))


def _broken(error: BaseException) -> Broken:
    last = traceback.extract_tb(error.__traceback__)[-1]
    traceback.print_exception(error)
    return Broken(f"{type(error).__name__}: {error} ({last.name}, line {last.lineno})")

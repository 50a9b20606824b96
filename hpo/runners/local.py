"""The local runner: one worker in the driver's own process, one trial at a time, no Ray needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from hpo.objective import Footprint, Trial
from hpo.records.folder import RunFolder
from hpo.runners.protocol import Message, Reference
from hpo.runners.worker import Worker


class LocalRunner:
    """Advances the worker's training whenever messages are asked for; nothing runs behind the driver's back.

    Args:
        worker: the one that trains.
        folder: the study's; checkpoints that lie only at its URL are brought here.
    """

    def __init__(self, worker: Worker, folder: RunFolder | None = None) -> None:
        self._worker = worker
        self._folder = folder
        self._stream: Iterator[Message] | None = None

    @property
    def workers(self) -> int:
        """As many as ``capacity``."""
        return self.capacity

    @property
    def capacity(self) -> int:
        """One device, one trial."""
        return 1

    def submit(self, trial: Trial) -> None:
        """Queue a trial; it trains when messages are next asked for."""
        if trial.checkpoint is not None and self._folder is not None:
            self._folder.fetch(self._folder.relative(trial.checkpoint))
        self._worker.admit(trial)

    def stop(self, number: int) -> None:
        """Close the trial's training; its Ended message is the next one."""
        self._worker.evict(number)

    def messages(self, timeout: float) -> list[Message]:
        """Train until the next message; ``timeout`` cannot interrupt a training step and is not used."""
        if self._stream is None:
            self._stream = self._worker.messages()
        message = next(self._stream, None)
        if message is None:
            self._stream = None
            return []
        return [message]

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Measure on this process's device."""
        return self._worker.probe(params)

    def reference(self, name: Literal["base", "classical"]) -> Reference | None:
        """Score in this process."""
        return self._worker.reference(name)

    def close(self, *, wait: bool = True) -> None:
        """Close the session."""
        self._worker.close()

"""The journal: one JSON object a line, appended before anything else is told."""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hpo.errors import StorageError
from hpo.records.record import StudyState
from hpo.records.segments import Mirror

SCHEMA = 1
DURABLE = frozenset({"journal", "open", "ask", "tell"})  # these, and all before them, survive a loss of power
QUIET = frozenset({"progress", "scores", "decision"})  # written to the URL with the next event that is none of them


class Journal:
    """The one writer of ``journal.jsonl``; opening it cuts off a line that a killed writer left half written.

    Args:
        path: the file.
        mirror: keeps a copy at a URL in step; what has not got there does not count as written.

    Raises:
        StorageError: the file cannot be written, or a later version wrote it.
    """

    def __init__(self, path: Path, mirror: Mirror | None = None) -> None:
        self.path = path
        self._mirror = mirror
        try:
            _cut_torn_line(path)
            self._file = path.open("ab")
        except OSError as error:
            raise StorageError(f"the journal cannot be written: {error.strerror}", where=str(path)) from error
        if path.stat().st_size == 0:
            self.append({"event": "journal", "schema": SCHEMA})

    def append(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Write one event, stamped with the time; when this returns it survives the death of the process.

        Raises:
            StorageError: the disk is full or gone; the events before this one are intact.
        """
        stamped: dict[str, Any] = {"event": event["event"], "time": time.time(), **finite(event)}
        try:
            self._file.write(json.dumps(stamped, allow_nan=False).encode() + b"\n")
            self._file.flush()
            if stamped["event"] in DURABLE:
                os.fdatasync(self._file.fileno())
        except OSError as error:
            raise StorageError(
                f"the journal cannot be written: {error.strerror}",
                where=str(self.path),
                hint="free space on the disk, then type the same command again: nothing told so far is lost",
            ) from error
        if self._mirror is not None and stamped["event"] not in QUIET:
            self._mirror.push()
        return stamped

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def finite(value: Any) -> Any:
    """``value`` with NaN and infinities as None and NumPy numbers as Python's, so that JSON can hold it."""
    if isinstance(value, Mapping):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(item) for item in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def read(path: Path) -> Iterator[dict[str, Any]]:
    """The events of a journal in order, without a half-written last line.

    Raises:
        StorageError: the file is not a journal, is damaged inside, or a later version wrote it.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                return
            event = _parse(path, number, line)
            if number == 1 and event.get("schema") != SCHEMA:
                raise StorageError(
                    f"written with schema {event.get('schema')}, this version reads schema {SCHEMA}",
                    where=f"{path}:1",
                    hint="use the version that wrote it, or begin a new study",
                )
            yield event


def load_state(path: Path) -> StudyState:
    """The fold over a journal; an absent journal gives the empty state."""
    state = StudyState()
    if path.exists():
        for event in read(path):
            state.apply(event)
    return state


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        event = json.loads(line)
        if isinstance(event, dict) and "event" in event:
            return event
    except ValueError:
        pass
    raise StorageError("not a line of a journal", where=f"{path}:{number}", hint="restore the file from a copy")


def _cut_torn_line(path: Path) -> None:
    if not path.exists():
        return
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                file.truncate(start + at + 1)
                return
            end = start
        file.truncate(0)

"""One driver a study: a file lock on the run folder, and a lease with a heartbeat in the study's attributes."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import threading
import time
import uuid
from pathlib import Path
from typing import IO, Any, Protocol

import psutil

from hpo.errors import StorageError
from hpo.records.remote import Remote

KEY = "hpo:lease"
BEAT_SECONDS = 10.0
EXPIRY_SECONDS = 45.0


class Attributes(Protocol):
    """Where a lease is written: a study's attributes, or a place at a URL."""

    def attribute(self, key: str) -> Any:
        """The value of ``key``, or None."""

    def set_attribute(self, key: str, value: Any) -> None:
        """Set ``key``; None takes it away."""


class RemoteAttributes:
    """The attributes of a run folder at a URL: one small file each."""

    def __init__(self, remote: Remote) -> None:
        self._remote = remote

    def attribute(self, key: str) -> Any:
        """The value of ``key``, or None."""
        content = self._remote.read(_file(key))
        return None if content is None else json.loads(content)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set ``key``; None takes it away."""
        if value is None:
            self._remote.remove(_file(key))
        else:
            self._remote.write(_file(key), json.dumps(value).encode())


class FolderLock:
    """An flock on ``<run folder>/lock``; the kernel releases it when its holder dies.

    Raises:
        StorageError: another driver holds it, or the folder cannot be written.
    """

    def __init__(self, root: Path) -> None:
        self.path = root / "lock"
        try:
            root.mkdir(parents=True, exist_ok=True)
            self._file: IO[str] = self.path.open("a+")
        except OSError as error:
            raise StorageError(
                f"the run folder cannot be written: {error.strerror}",
                where=str(root),
                hint="name another folder in runs:",
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.close()
            raise StorageError(
                "another driver runs this study",
                where=str(root),
                hint=f"wait for it, stop it, or give this study another name; hpo status {root} shows what it does",
            ) from error

    def release(self) -> None:
        """Give the lock back."""
        self._file.close()


class Lease:
    """The right to drive a study, renewed by a thread; for storages that drivers on several machines can reach.

    Raises:
        StorageError: another driver holds the lease and is alive, as far as can be told from here.
    """

    def __init__(self, store: Attributes) -> None:
        self._store = store
        self._owner = {"token": uuid.uuid4().hex, "host": socket.gethostname(), **_process()}
        self._acquire()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, name="lease", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> bool:
        """Whether another driver has taken the study over (after this one was silent for too long)."""
        return bool((self._store.attribute(KEY) or {}).get("token") != self._owner["token"])

    def release(self) -> None:
        """Stop the heartbeat and give the lease back."""
        self._stop.set()
        self._thread.join()
        if not self.lost:
            self._store.set_attribute(KEY, None)

    def _acquire(self) -> None:
        held = self._store.attribute(KEY)
        if held and _alive(held):
            raise StorageError(
                f"another driver runs this study, on {held['host']} (process {held['pid']})",
                hint=f"wait for it or stop it; a dead one is forgotten after {EXPIRY_SECONDS:.0f} s",
            )
        self._write()
        if self.lost:
            raise StorageError("another driver took this study at the same moment", hint="run one driver only")

    def _write(self) -> None:
        self._store.set_attribute(KEY, {**self._owner, "time": time.time()})

    def _beat(self) -> None:
        while not self._stop.wait(BEAT_SECONDS):
            with contextlib.suppress(Exception):  # an unreachable server: the driver's own writes report it
                if not self.lost:
                    self._write()


def _file(key: str) -> str:
    return f"{key.partition(':')[2]}.json"


def _process() -> dict[str, Any]:
    return {"pid": os.getpid(), "born": psutil.Process().create_time()}


def _alive(held: dict[str, Any]) -> bool:
    if held["host"] != socket.gethostname():
        return bool(time.time() - held["time"] < EXPIRY_SECONDS)
    try:
        return bool(abs(psutil.Process(held["pid"]).create_time() - held["born"]) < 1.0)
    except psutil.NoSuchProcess:
        return False

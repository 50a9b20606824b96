"""The most memory that is in use while something runs."""

from __future__ import annotations

import threading
from types import TracebackType
from typing import Self

from hpo.training.measure import GIB, resident_bytes

INTERVAL = 0.02  # seconds between two looks at the process's size


class Peak:
    """Measures within ``with``: on CUDA the device's own peak; on a CPU the process's size, looked at every 20 ms."""

    def __init__(self) -> None:
        self._most = 0
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        if _cuda():
            import torch

            torch.cuda.reset_peak_memory_stats()
        self._most = resident_bytes()
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()
        self._most = max(self._most, resident_bytes())

    @property
    def gb(self) -> float:
        """The peak, GiB."""
        if _cuda():
            import torch

            return float(torch.cuda.max_memory_allocated()) / GIB
        return self._most / GIB

    def _look(self) -> None:
        while not self._over.wait(INTERVAL):
            self._most = max(self._most, resident_bytes())


def _cuda() -> bool:
    """Whether torch is loaded and works on a CUDA device; it is not loaded to find out."""
    import sys

    torch = sys.modules.get("torch")
    return bool(torch is not None and torch.cuda.is_available() and torch.cuda.is_initialized())

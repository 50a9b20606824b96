"""One tree of exceptions; every error says what is wrong, where, and how to mend it.

HpoError                     exit code 1
├── ConfigurationError       exit code 2: study.yaml, arguments, overrides; holds every fault at once
│   └── DataError            exit code 2: a data file, a column, a label, a split
├── ModelError               exit code 2: a folder that is not a model, weights that cannot be read
├── ObjectiveError           exit code 2: an objective, evaluator or rows file that cannot be used
├── StorageError             exit code 2: the Optuna storage or the run folder cannot be used
├── GateFailed               exit code 3: a data gate failed
├── NoTrialCompleted         exit code 4: the search ended without a completed trial
└── TrialFailure             never leaves a worker: why one trial failed
"""

from __future__ import annotations

import errno
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: where it stands, what it is, and how to mend it."""

    where: str
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}{self.what}" + (f"\n    hint: {self.hint}" if self.hint else "")


class HpoError(Exception):
    """Base of all errors this package raises on purpose.

    Args:
        what: one sentence that says what is wrong.
        where: file and line, option or URL (without secrets) it concerns.
        hint: what to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        self.faults: tuple[Fault, ...] = (Fault(where, what, hint),)
        super().__init__(what)

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)

    @classmethod
    def of(cls, faults: Iterable[Fault]) -> Self:
        """One error that carries all ``faults`` (at least one)."""
        collected = tuple(faults)
        error = cls(collected[0].what)
        error.faults = collected
        return error


class ConfigurationError(HpoError):
    """The study file, its overrides or the arguments are wrong."""

    exit_code = 2


class DataError(ConfigurationError):
    """A data file, a column, a label or a split cannot be used."""


class ModelError(HpoError):
    """The model cannot be loaded."""

    exit_code = 2


class ObjectiveError(HpoError):
    """A file of the user's own (objective, evaluator, rows) cannot be used."""

    exit_code = 2


class StorageError(HpoError):
    """The Optuna storage or the run folder cannot be used."""

    exit_code = 2


class GateFailed(HpoError):
    """A data gate failed."""

    exit_code = 3


class NoTrialCompleted(HpoError):
    """The search ended without a single completed trial."""

    exit_code = 4


class TrialFailure(HpoError):
    """Why one trial failed.

    Args:
        reason: a short stable word for tables: ``out_of_memory``, ``diverged``, ``nan``, ``exception``, ``died``.
        what: the message for people.
    """

    def __init__(self, reason: str, what: str) -> None:
        self.reason = reason
        super().__init__(what)

    def __reduce__(self) -> tuple[type[TrialFailure], tuple[str, str]]:
        return (type(self), (self.reason, self.args[0]))


_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def full_disk(error: OSError, what: str) -> StorageError | None:
    """The clear error where a disk takes no more; None where something else is wrong.

    Args:
        error: of the write.
        what: what cannot be done, such as ``a file cannot be written``.
    """
    if error.errno not in _FULL:
        return None
    hint = "free some space, or write to another disk; the same command again goes on"
    return StorageError(f"{what}: {error.strerror}", where=str(error.filename or ""), hint=hint)


def first_line(error: BaseException) -> str:
    """The first line of what a foreign exception says; its type where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]

"""Who answers: every model of a validation file on every data set, as members that are opened one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hpo.errors import DataError, ModelError
from hpo.objective import Outputs
from hpo.validation.data import DataSet
from hpo.validation.labels import check_labels
from hpo.validation.models import SOURCES, ModelEntry, ValidationConfig

if TYPE_CHECKING:
    from hpo.data.rows import Rows

Kind = Literal["hub", "folder", "adapter", "run", "predictions", "classical", "people"]


@dataclass(frozen=True)
class Opened:
    """A model in place.

    Attributes:
        ask: rows to answers.
        tokens: rows to the tokens that are read of them; None where nobody counts.
        parameters: values in all weights, where it is known.
        close: gives the memory back.
    """

    ask: Callable[[Rows], Outputs]
    tokens: Callable[[Rows], int] | None = None
    parameters: int | None = None
    close: Callable[[], None] = lambda: None


@dataclass(frozen=True)
class Member:
    """One trained model of an entry: its seed, what decides its answers, how it is opened.

    Attributes:
        seed: of its training; 0 where there is one only.
        identity: of everything but the rows that decides the answers; stored answers are good while it is the same.
        open: loads it.
        labels: the classes it answers with, where they are known before it is opened.
    """

    seed: int
    identity: Mapping[str, Any]
    open: Callable[[], Opened]
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Context:
    """What every source is handed."""

    config: ValidationConfig
    work: Path  # folder for what has to be trained
    threads: int = 1
    outputs: frozenset[str] = frozenset()  # what the metrics of the data set at hand are computed from


@dataclass(frozen=True)
class Found:
    """An entry on a data set: its members, or the outputs that a file holds."""

    kind: Kind
    source: str
    members: tuple[Member, ...] = ()
    runs: Mapping[int, Outputs] | None = None  # by seed
    warnings: tuple[str, ...] = ()
    chosen_on: Callable[[str], bool] | None = None  # whether the study that made it had rows of this fingerprint


def source_of(entry: ModelEntry, data: DataSet) -> tuple[str, str | None]:
    """Which source an entry has, and its value for a data set; None where it names none for this one."""
    kind = next(name for name in reversed(SOURCES) if getattr(entry, name))
    value = getattr(entry, kind)
    return kind, value.get(data.name) if isinstance(value, dict) else str(value)


def find(entry: ModelEntry, data: DataSet, context: Context) -> Found | None:
    """Whoever answers for an entry on a data set; None where the entry is not meant for it.

    Raises:
        HpoError: the source cannot be used, or answers with other classes than the data set has.
    """
    kind, value = source_of(entry, data)
    if value is None or (entry.datasets and data.name not in entry.datasets):
        return None
    with _named(entry, data):
        found = _FINDERS[kind](entry, value, data, context)
        for member in found.members:
            check_labels(entry, data, member.labels)
    return found


def _predictions(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    from hpo.validation.stored import read_runs

    kind: Kind = "people" if entry.kind == "people" else "predictions"
    return Found(kind, value, runs=read_runs(Path(value), entry, data))


def _run(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    from hpo.validation.from_run import members

    return members(entry, value, data, context)


def _classical(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    from hpo.validation.classical import members

    return members(entry, data, context)


def _model(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    from hpo.validation.from_model import members

    return members(entry, value, data, context)


def _adapter(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    from hpo.validation.from_adapter import members

    return members(entry, value, data, context)


_FINDERS: Mapping[str, Callable[[ModelEntry, str, DataSet, Context], Found]] = {
    "predictions": _predictions,
    "run": _run,
    "classical": _classical,
    "model": _model,
    "adapter": _adapter,
}


@contextmanager
def _named(entry: ModelEntry, data: DataSet) -> Iterator[None]:
    """Say which model and which data set a fault is about, where it does not say itself."""
    try:
        yield
    except (DataError, ModelError) as error:
        where = f"model {entry.name} on {data.name}"
        error.faults = tuple(fault if fault.where else replace(fault, where=where) for fault in error.faults)
        raise

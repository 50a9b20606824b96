"""What a model of a validation file is on a data set: members that are opened one at a time, or answers of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hpo.errors import HpoError
from hpo.objective import Outputs
from hpo.validation.models import ModelEntry, ValidationConfig

if TYPE_CHECKING:
    from hpo.data.rows import Rows
    from hpo.validation.data import DataSet

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


@contextmanager
def blamed(entry: ModelEntry, data: DataSet) -> Iterator[None]:
    """Say which model and which data set an error inside is about, where it does not say itself."""
    try:
        yield
    except HpoError as error:
        where = f"model {entry.name} on {data.name}"
        error.faults = tuple(fault if fault.where else replace(fault, where=where) for fault in error.faults)
        raise

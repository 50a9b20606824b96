"""The Runner seam: trials go down, messages come up. Nothing above it knows where a trial runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from hpo.objective import Footprint, Trial

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Started:
    """A worker has begun an attempt of a trial."""

    number: int
    attempt: int
    worker: str


@dataclass(frozen=True)
class Reported:
    """One evaluation of a running trial; ``measurements`` are cumulative."""

    number: int
    attempt: int
    examples: int
    fraction: float
    metrics: Mapping[str, float]
    measurements: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Checkpointed:
    """All that a later attempt needs lies complete in ``path``."""

    number: int
    attempt: int
    path: Path
    examples: int


@dataclass(frozen=True)
class Ended:
    """An attempt is over. ``complete`` metrics are those of the kept evaluation; ``stopped`` answers a stop."""

    number: int
    attempt: int
    state: Literal["complete", "stopped", "failed"]
    reason: str = ""
    message: str = ""
    metrics: Mapping[str, float] = field(default_factory=dict)
    measurements: Mapping[str, float] = field(default_factory=dict)
    examples: int = 0
    artifact: Path | None = None
    scores: pd.DataFrame | None = None  # id, group, one column a statistic, of the kept evaluation


@dataclass(frozen=True)
class Lost:
    """The worker of a trial is gone, the trial is not: it is to be submitted again and goes on from its checkpoint."""

    number: int
    attempt: int
    reason: Literal["died", "stalled", "preempted"]
    message: str  # what is known of the death, for people
    counts: bool = True  # against the trial: a node that was taken away, or an end that was asked for, does not
    device_seconds: float = 0.0  # spent since the last checkpoint, and lost


Message = Started | Reported | Checkpointed | Ended | Lost


@dataclass(frozen=True)
class Reference:
    """What the search is compared with: the untuned base, or the classical baseline."""

    name: Literal["base", "classical"]
    metrics: Mapping[str, float]
    measurements: Mapping[str, float] = field(default_factory=dict)
    scores: pd.DataFrame | None = None


class Runner(Protocol):
    """Runs trials. The driver is its only user and calls it from one thread."""

    @property
    def workers(self) -> int:
        """How many trials it means to run at once, at least 1; what a study's lookahead is made for."""
        ...

    @property
    def capacity(self) -> int:
        """How many trials can run now; 0 where no worker is ready, and trials that are submitted wait for one."""
        ...

    def submit(self, trial: Trial) -> None:
        """Begin a trial (or a further attempt of it) as soon as a worker is free."""
        ...

    def stop(self, number: int) -> None:
        """Ask for a trial to end; an Ended message follows (complete, where it was faster than the request)."""
        ...

    def messages(self, timeout: float) -> list[Message]:
        """What has happened, in order per trial; waits at most ``timeout`` seconds for the first."""
        ...

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Ask a worker what a configuration would take; None where it cannot be told."""
        ...

    def reference(self, name: Literal["base", "classical"]) -> Reference | None:
        """Score what the search is compared with; None where the objective has no such thing."""
        ...

    def close(self, *, wait: bool = True) -> None:
        """End the workers; with ``wait=False`` at once."""
        ...

"""What is known of one trial, and of a whole study: a fold over the journal's events, shared by driver and readers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

State = Literal["running", "complete", "pruned", "failed"]
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Point:
    """One evaluation of a trial."""

    examples: int
    fraction: float
    metrics: Mapping[str, float]
    measurements: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Record:
    """One trial: what was asked, what has been seen, how it ended."""

    number: int
    params: Mapping[str, Any]  # as Optuna holds them (ratios as ratios)
    settings: Mapping[str, Any]  # absolute values of the space's parameters, constants included
    source: str  # default, known, startup, tpe, gp, random, grid
    asked: float  # seconds since the epoch
    state: State = "running"
    reason: str = ""  # of a failed or pruned trial: out_of_memory, diverged, nan, exception, died, asha
    message: str = ""
    feasible: bool | None = None  # None while running or failed
    violation: str = ""  # "<constraint>: by how much"
    constraints: tuple[float, ...] = ()  # > 0 is violated; the study's constraints in order, then memory
    metrics: Mapping[str, float] = field(default_factory=dict)  # of the kept evaluation (pruned: of the last)
    measurements: Mapping[str, float] = field(default_factory=dict)
    examples: int = 0
    curve: tuple[Point, ...] = ()
    started: float | None = None
    finished: float | None = None
    worker: str = ""
    attempts: int = 0
    deaths: int = 0  # driver deaths since the last checkpoint
    losses: int = 0  # workers lost in it since the last checkpoint, those not counted that were taken away
    checkpoint: str | None = None  # relative to the run folder
    saved_seconds: float = 0.0  # device seconds that its attempts had taken up to the checkpoint
    artifact: str | None = None  # relative to the run folder
    rungs: Mapping[float, bool] = field(default_factory=dict)  # halving decisions: rung -> stop
    result: Event | None = None  # the worker's word on how it ended; its place in the study may wait for a decision
    told: bool = False

    @property
    def running(self) -> bool:
        """Whether the study still waits for it."""
        return self.state == "running"

    @property
    def ended(self) -> bool:
        """Whether no worker has to do with it any more."""
        return self.result is not None or not self.running


@dataclass
class StudyState:
    """The fold over the journal: records by number, references, totals. ``apply`` is the only way it changes."""

    study: str = ""
    identity: Mapping[str, str] = field(default_factory=dict)  # hash by part of the study file
    lookahead: int = 1
    warm: tuple[Event, ...] = ()  # finished trials of an earlier study that the sampler begins with
    records: dict[int, Record] = field(default_factory=dict)
    references: dict[str, Event] = field(default_factory=dict)  # base, classical
    footprint: Event | None = None
    data_checks: Event | None = None  # the last one
    seconds: float = 0.0  # wall time of earlier calls of this study
    device_seconds: float = 0.0  # spent by all attempts of all trials
    opened: float | None = None
    last: float | None = None  # time of the last event
    stopped: str = ""  # why the last call ended; empty while one runs

    def apply(self, event: Event) -> None:
        """Take one event in; an event of an unknown kind is ignored (a later version wrote it)."""
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler is not None:
            handler(event)
        self.last = event.get("time", self.last)

    def _change(self, number: int, **changes: Any) -> None:
        self.records[number] = replace(self.records[number], **changes)

    def _on_open(self, event: Event) -> None:
        if self.opened is not None and self.last is not None and not self.stopped:  # the last driver died
            self.seconds += max(0.0, self.last - self.opened)
            for record in list(self.records.values()):
                if record.running and not record.ended and record.attempts:
                    self._change(record.number, deaths=record.deaths + 1)
        self.study, self.identity = event["study"], event["identity"]
        self.lookahead = event["lookahead"]
        self.opened, self.stopped = event["time"], ""

    def _on_close(self, event: Event) -> None:
        self.seconds += event["seconds"]
        self.stopped = event["reason"]

    def _on_ask(self, event: Event) -> None:
        number = event["number"]
        self.records[number] = Record(
            number=number,
            params=event["params"],
            settings=event["settings"],
            source=event["source"],
            asked=event["time"],
        )

    def _on_start(self, event: Event) -> None:
        record = self.records[event["number"]]
        self._change(
            record.number, attempts=event["attempt"], worker=event["worker"], started=record.started or event["time"]
        )

    def _on_progress(self, event: Event) -> None:
        record = self.records[event["number"]]
        point = Point(event["examples"], event["fraction"], event["metrics"], event["measurements"])
        kept = tuple(p for p in record.curve if p.fraction < point.fraction)
        self._change(record.number, curve=(*kept, point), examples=point.examples)

    def _on_checkpoint(self, event: Event) -> None:
        record = self.records[event["number"]]
        spent = record.curve[-1].measurements.get("device_seconds", 0.0) if record.curve else 0.0
        self._change(record.number, checkpoint=event["path"], saved_seconds=spent, deaths=0, losses=0)

    def _on_lost(self, event: Event) -> None:
        """A worker is gone, and what its trial did since the last checkpoint has been paid for and is lost."""
        self.device_seconds += event["device_seconds"]
        record = self.records[event["number"]]
        attempts = max(record.attempts, event["attempt"])  # of one that died at once nothing else may be known
        self._change(record.number, losses=record.losses + bool(event["counts"]), attempts=attempts)

    def _on_result(self, event: Event) -> None:
        """A worker's word on an attempt; the record's own state changes only with ``tell``."""
        self.device_seconds += event["measurements"].get("device_seconds", 0.0)
        self._change(event["number"], result=event, artifact=event["artifact"])

    def _on_decision(self, event: Event) -> None:
        record = self.records[event["number"]]
        self._change(record.number, rungs={**record.rungs, event["fraction"]: event["stop"]})

    def _on_tell(self, event: Event) -> None:
        """The trial's place in the study is settled; all that the tables show of its end stands here."""
        number = event["number"]
        curve = tuple(p for p in self.records[number].curve if p.examples <= event["examples"])
        names = ("state", "reason", "message", "feasible", "violation", "metrics", "measurements", "examples")
        self._change(
            number,
            **{name: event[name] for name in names},
            constraints=tuple(event["constraints"]),
            curve=curve,
            finished=event["time"],
            told=True,
        )

    def _on_reference(self, event: Event) -> None:
        self.references[event["name"]] = event

    def _on_footprint(self, event: Event) -> None:
        self.footprint = event

    def _on_data_checks(self, event: Event) -> None:
        self.data_checks = event

    def _on_warm(self, event: Event) -> None:
        self.warm = tuple(event["trials"])

"""A worker: one session, its evaluators, and the messages that go up to the driver. Every runner holds the same one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from hpo.config.harness import is_harness
from hpo.config.knowledge import ready_objectives
from hpo.errors import HpoError, ObjectiveError, TrialFailure
from hpo.evaluators.overfitting import gap
from hpo.objective import Failed, Footprint, Objective, Outputs, Progress, Progressed, Session, Task, Trial
from hpo.runners.protocol import Ended, Message, Reference, Started
from hpo.trial import Rules, Run

if TYPE_CHECKING:
    import pandas as pd

    from hpo.evaluators.score import Scorecard

_Found = TypeVar("_Found")
_CLASSICAL = {"classification": "sklearn_classifier", "regression": "sklearn_regressor"}


class Worker:
    """Turns the events of a session into messages.

    Args:
        name: for the tables, such as ``local``.
        session: a resident base model, or whatever the objective keeps.
        task: what the session was opened with.
        scorecard: scores outputs on the validation rows; None for objectives that measure themselves.
        rules: how trials are judged and paid.
    """

    def __init__(self, name: str, session: Session, task: Task, scorecard: Scorecard | None, rules: Rules) -> None:
        self.name = name
        self._session = session
        self._task = task
        self._scorecard = scorecard
        self._rules = rules
        self._runs: dict[int, Run] = {}
        self._new: list[Trial] = []
        self._stopping: list[int] = []

    def admit(self, trial: Trial) -> None:
        """Take a trial in."""
        self._new.append(trial)
        self._session.admit(trial)

    def evict(self, number: int) -> None:
        """Stop a trial; an Ended message follows, unless it has ended already."""
        self._session.evict(number)
        self._stopping.append(number)

    def messages(self) -> Iterator[Message]:
        """Train, and tell what happens, until no trial is left."""
        events = self._session.events()
        yield from self._begin()
        while (event := next(events, None)) is not None:
            run = self._runs.get(event.number)
            if run is not None:
                if isinstance(event, Progressed):
                    yield from self._evaluate(run, event.progress)
                elif isinstance(event, Failed):
                    yield self._end(run.failed(event.reason, event.message))
                else:
                    yield self._end(run.completed())
            yield from self._stopped()
            yield from self._begin()
        yield from self._stopped()

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Memory and time of a configuration on this worker's device."""
        return self._session.probe(params)

    def reference(self, name: Literal["base", "classical"]) -> Reference | None:
        """Score the untuned base, or the classical baseline, on the validation rows; None where there is none."""
        if self._scorecard is None or self._task.validation is None:
            return None
        began = time.perf_counter()
        outputs = self._base() if name == "base" else self._classical()
        if outputs is None:
            return None
        seconds = time.perf_counter() - began
        scored, metrics, table = self._score(Progress(0, 1.0, outputs))
        if name == "base":
            scored, metrics = self._close(replace(scored, closing=self._session.base_closing), metrics)
        measurements = {**scored.measurements, "device_seconds": seconds * self._rules.devices}
        return Reference(name, metrics, measurements, table)

    def close(self) -> None:
        """Give the session's memory back."""
        self._session.close()

    def _begin(self) -> Iterator[Message]:
        for trial in self._new:
            self._runs[trial.number] = Run(trial, self._rules)
            yield Started(trial.number, trial.attempt, self.name)
        self._new.clear()

    def _stopped(self) -> Iterator[Message]:
        for number in self._stopping:
            run = self._runs.get(number)
            if run is not None:
                yield self._end(run.stopped())
        self._stopping.clear()

    def _end(self, message: Ended) -> Ended:
        del self._runs[message.number]
        return message

    def _evaluate(self, run: Run, progress: Progress) -> Iterator[Message]:
        began = time.perf_counter()
        try:
            progress, metrics, table = self._score(progress)
            closing = run.closes(progress, metrics)
            if closing:
                progress, metrics = self._close(progress, metrics)
        except HpoError as error:
            self._session.evict(run.trial.number)
            yield self._end(run.failed(error.reason if isinstance(error, TrialFailure) else "exception", str(error)))
            return
        run.paused += time.perf_counter() - began
        lenient = progress.measurements.get("unscored") and progress.fraction < 1
        fault = "" if lenient else run.unusable(metrics, closing=closing)
        report = run.take(progress, metrics, table) if not fault else None
        if report is None:
            self._session.evict(run.trial.number)
            yield self._end(run.failed("nan", fault))
            return
        yield report
        if run.trial.number in self._stopping:
            return
        if run.out_of_patience:
            self._session.evict(run.trial.number)
            yield self._end(run.completed())
            return
        checkpoint = run.checkpoint(progress)
        if checkpoint is not None:
            yield checkpoint

    def _score(self, progress: Progress) -> tuple[Progress, dict[str, float], pd.DataFrame | None]:
        """Metrics and per-row scores of an evaluation, and the evaluation with the counts of unscored rows added."""
        progress = _plain(progress)
        metrics = dict(progress.metrics)
        if set(metrics) == {"value"}:  # a plain function that returned one number
            metrics = {self._rules.primary.metric: metrics["value"]}
        if progress.outputs is None or self._scorecard is None:
            return progress, metrics, None
        if self._task.validation is None:
            raise ObjectiveError("gave outputs, but the study has no validation rows", hint="add a data block")
        scored = self._scorecard.score(self._task.validation, progress.outputs)
        counted = replace(progress, measurements={**progress.measurements, **scored.measurements})
        return counted, {**metrics, **scored.metrics}, scored.table

    def _close(self, progress: Progress, metrics: dict[str, float]) -> tuple[Progress, dict[str, float]]:
        """The evaluation with what is measured only where it may be the one that counts."""
        found: dict[str, float] = {}
        if progress.train_outputs is not None and self._scorecard is not None and self._task.train is not None:
            outputs = _called(progress.train_outputs)
            found |= gap(self._scorecard, self._task.train, outputs, metrics, self._rules.primary)
        if progress.closing is not None:
            found |= _numbers(_called(progress.closing))
        own = {name: value for name, value in found.items() if is_harness(name)}
        measured = {name: value for name, value in found.items() if name not in own}
        return replace(progress, measurements={**measured, **progress.measurements}), {**metrics, **own}

    def _base(self) -> Outputs | None:
        assert self._task.validation is not None
        try:
            return self._session.predict(None, self._task.validation)
        except ObjectiveError:  # an objective made of a function has no base
            return None

    def _classical(self) -> Outputs | None:
        name = _CLASSICAL.get(self._task.kind)
        if name is None or self._task.train is None:
            return None
        objective: Objective = ready_objectives()[name].load().open_objective(self._task)
        folder = self._task.cache
        assert folder is not None
        last = None
        for progress in objective.train(Trial(0, {}, self._task.seed, folder)):
            last = progress.outputs
        return last


def _plain(progress: Progress) -> Progress:
    """The evaluation with Python's own numbers: an author's may be a library's, which not every process can read."""
    return replace(
        progress,
        examples=int(progress.examples),
        fraction=float(progress.fraction),
        metrics=_numbers(progress.metrics),
        measurements=_numbers(progress.measurements),
    )


def _numbers(given: Mapping[str, Any]) -> dict[str, float]:
    found = {}
    for name, value in given.items():
        try:
            found[str(name)] = float(value)
        except (TypeError, ValueError):
            raise TrialFailure("exception", f"the objective gave {name}={value!r}, which is no number") from None
    return found


def _called(author: Callable[[], _Found]) -> _Found:
    """What an objective's own function returns.

    Raises:
        ObjectiveError: in place of any exception that is not already an HpoError.
    """
    try:
        return author()
    except HpoError:
        raise
    except Exception as error:
        raise ObjectiveError(f"the objective failed at its last evaluation: {type(error).__name__}: {error}") from error

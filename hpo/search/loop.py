"""The search: asks for configurations, hands them to a runner, decides, tells. A generator of journal events.

Each event is in the journal before it is yielded, and before Optuna is told; the state is the fold over the journal,
so a search that was killed anywhere goes on from what it wrote.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

from hpo import seeds
from hpo.config.models import StudyConfig
from hpo.objective import Trial
from hpo.records import Event, Journal, Record, RunFolder, StudyState
from hpo.records.scores import write_scores
from hpo.runners.protocol import Checkpointed, Ended, Lost, Message, Reported, Runner, Started
from hpo.search.ask import Asker, Proposal
from hpo.search.budget import Spent, exhausted
from hpo.search.halving import Halving, Rungs
from hpo.search.storage import StudyStore
from hpo.search.tell import tell_event, tell_store
from hpo.space import SearchSpace

MAX_DEATHS = 5  # driver deaths in one trial without a new checkpoint, after which the trial is given up
SAME_FAILURES = 3  # the default and the next two trials failing alike stop the study
LOOKAHEAD_PER_WORKER = 4  # see docs/scale.md: what ordered mode costs by lookahead
_POLL_SECONDS = 0.5


def default_lookahead(workers: int, trials: int | None) -> int:
    """The lookahead of a study that names none, well below its budget of ``trials``; a constant from its start on."""
    wanted = LOOKAHEAD_PER_WORKER * workers
    return 1 if workers == 1 else max(workers, min(wanted, trials // 3 if trials else wanted))


@dataclass(frozen=True)
class Parts:
    """What a search is made of; all opened by ``hpo.search.study``."""

    config: StudyConfig
    space: SearchSpace
    folder: RunFolder
    journal: Journal
    store: StudyStore
    runner: Runner


class Search:
    """One call of a study. ``state`` can be read at any time; ``interrupt`` lets what runs finish and asks no more."""

    def __init__(self, parts: Parts, state: StudyState) -> None:
        self.config, self.space, self.folder = parts.config, parts.space, parts.folder
        self._journal, self._store, self._runner = parts.journal, parts.store, parts.runner
        self.state = state
        self.reason = ""  # why no more trials are asked
        self._asker = Asker(parts.config, parts.space)
        self._halving = Halving.of(
            parts.config.pruner,
            parts.config.primary.metric,
            parts.config.primary.direction,
            ordered=parts.config.sampler.ordered,
        )
        self._rungs = Rungs(self._halving)
        self._in_flight: set[int] = set()
        self._told = 0  # all trials below this number have been told
        self._unsettled: set[int] = set()  # trials of which something was written since they were last looked at
        self._unseen: set[int] = set()  # the same, since they were last shown to the asker
        self._seen_running = self._seen_told = 0  # in ordered mode: trials below these have been shown to the asker

    def begin(self) -> None:
        """Take in what is known before the first trial: an earlier study's trials, the memory probe."""
        if self.state.warm:
            self._asker = Asker(self.config, self.space, self.state.warm)
        if self.state.footprint is not None:
            self._asker.filter.coefficients = dict(self.state.footprint["coefficients"])

    def interrupt(self) -> None:
        """Ask no more; what runs is finished and told."""
        self.reason = "interrupted"

    def run(self) -> Iterator[Event]:
        """Search until the budget is used, the space is exhausted, or ``interrupt`` was called."""
        yield from self._catch_up()
        while True:
            yield from self._fill()
            if self.reason and not self._in_flight and self._first_untold() == len(self.state.records):
                return
            for message in self._runner.messages(_POLL_SECONDS):
                yield from self._take(message)
            yield from self._decide()
            yield from self._settle()

    def write(self, kind: str, **fields: Any) -> Event:
        """Append one event to the journal and fold it in."""
        event = self._journal.append({"event": kind, **fields})
        self.state.apply(event)
        if event.get("number") in self.state.records:
            self._note(self.state.records[event["number"]])
        return event

    def spent(self) -> Spent:
        """Time and money of all calls so far."""
        seconds = self.state.seconds + time.time() - (self.state.opened or time.time())
        return Spent(seconds, self.state.device_seconds, self.config.price_per_device_hour)

    def _note(self, record: Record) -> None:
        """A record has changed: only such ones are looked at again."""
        self._rungs.update(record)
        self._unsettled.add(record.number)
        self._unseen.add(record.number)

    def _first_untold(self) -> int:
        while self._told in self.state.records and self.state.records[self._told].told:
            self._told += 1
        return self._told

    def _catch_up(self) -> Iterator[Event]:
        """Bring the storage to what the journal says, and begin again what was in flight, from its checkpoints."""
        for number in sorted(self.state.records):
            record = self.state.records[number]
            self._note(record)
            self._create(record)
            if record.told:
                self._report(record)
                tell_store(self._store, self.config, record)
            elif not record.ended and self._halving.stopped_at(record) is not None:
                yield from self._end(Ended(number, record.attempts, "stopped"))
            elif not record.ended and record.deaths >= MAX_DEATHS:
                yield from self._give_up(record)
            elif not record.ended:
                self._submit(record)
        yield from self._decide()
        yield from self._settle()

    def _fill(self) -> Iterator[Event]:
        while not self.reason and len(self._in_flight) < max(1, self._runner.capacity):  # one may wait for a worker
            number = len(self.state.records)
            horizon = number - self.state.lookahead  # trials up to here are seen as told, in ordered mode
            ordered = self.config.sampler.ordered
            if ordered and self._first_untold() <= horizon:
                return
            seen = self._told_up_to(horizon if ordered else number) if self.config.budget.plateau else []
            self.reason = exhausted(self.config.budget, number, self.spent(), seen, self.config.primary)
            if self.reason:
                return
            self._show(number, horizon if ordered else number)
            proposal = self._asker.propose(number)
            if proposal is None:
                self.reason = "the search space is exhausted"
                return
            yield from self._start(proposal)

    def _told_up_to(self, horizon: int) -> list[Record]:
        return [record for number, record in self.state.records.items() if record.told and number <= horizon]

    def _show(self, number: int, horizon: int) -> None:
        """Let the asker see trials up to ``horizon`` as told, and the rest below ``number`` as running."""
        records = self.state.records
        if not self.config.sampler.ordered:
            for n in sorted(self._unseen):
                self._asker.show(records[n])
            self._unseen.clear()
            return
        for n in range(self._seen_told, horizon + 1):
            self._asker.show(records[n])
        self._seen_told = max(self._seen_told, horizon + 1)
        for n in range(max(self._seen_running, self._seen_told), number):
            self._asker.show(replace(records[n], told=False))
        self._seen_running = number

    def _start(self, proposal: Proposal) -> Iterator[Event]:
        number = proposal.number
        yield self.write(
            "ask", number=number, params=proposal.params, settings=proposal.settings, source=proposal.source
        )
        self._create(self.state.records[number])
        if proposal.fits:
            self._submit(self.state.records[number])
            return
        memory = self._asker.filter.memory_gb(proposal.settings)
        message = f"predicted {memory:.2f} GiB, {self._asker.filter.limit_gb:.2f} GiB may be used"
        yield from self._end(Ended(number, 0, "failed", "does_not_fit", message))
        yield from self._settle()

    def _create(self, record: Record) -> None:
        attributes = {"source": record.source, **{k: v for k, v in record.settings.items() if k not in record.params}}
        self._store.create(record.number, record.params, self.space.distributions(record.params), attributes)

    def _submit(self, record: Record) -> None:
        attempt = record.attempts + 1
        folder = self.folder.trial(record.number) / f"attempt-{attempt}"  # what an earlier one may still write is apart
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = self.folder.root / record.checkpoint if record.checkpoint else None
        trial = Trial(
            number=record.number,
            params={**self.config.training.model_dump(), **record.settings},
            seed=seeds.derive(self.config.sampler.seed, record.number, "train"),
            folder=folder,
            attempt=attempt,
            checkpoint=checkpoint if record.checkpoint and self.folder.holds(record.checkpoint) else None,
            searched=dict(record.settings),
        )
        self._in_flight.add(record.number)
        self._runner.submit(trial)

    def _take(self, message: Message) -> Iterator[Event]:
        record = self.state.records[message.number]
        if message.attempt < record.attempts or record.ended:
            return  # of an attempt that is over
        if isinstance(message, Started):
            yield self.write("start", number=record.number, attempt=message.attempt, worker=message.worker)
        elif isinstance(message, Ended):
            yield from self._end(message)
        elif isinstance(message, Lost):
            yield from self._lose(message)
        elif self._halving.stopped_at(record) is None:  # what a trial does after its stop is discarded
            yield from self._progress(message)

    def _progress(self, message: Reported | Checkpointed) -> Iterator[Event]:
        if isinstance(message, Reported):
            yield self.write("progress", **_fields(message))
            return
        old = self.state.records[message.number].checkpoint
        path = self.folder.relative(message.path)
        self.folder.publish(path)
        yield self.write(
            "checkpoint", number=message.number, attempt=message.attempt, path=path, examples=message.examples
        )
        if old is not None and old != path:
            self.folder.remove(old)

    def _end(self, message: Ended) -> Iterator[Event]:
        self._in_flight.discard(message.number)
        saved = self.state.records[message.number].saved_seconds
        if saved and "device_seconds" not in message.measurements:  # ended without a worker, but not without cost
            message = replace(message, measurements={**message.measurements, "device_seconds": saved})
        if message.scores is not None:
            path = write_scores(self.folder.scores(message.number), message.scores, seed=message.number)
            self.folder.publish(self.folder.relative(path))
            yield self.write("scores", number=message.number, path=self.folder.relative(path))
        artifact = self.folder.relative(message.artifact) if message.artifact is not None else None
        if artifact is not None:
            self.folder.publish(artifact)
        yield self.write("result", **{**_fields(message), "artifact": artifact})

    def _lose(self, message: Lost) -> Iterator[Event]:
        """A worker is gone: its trial goes on elsewhere from its checkpoint, unless it keeps losing workers."""
        self._in_flight.discard(message.number)
        yield self.write("lost", **_fields(message))
        record = self.state.records[message.number]
        if self._halving.stopped_at(record) is not None:
            yield from self._end(Ended(record.number, record.attempts, "stopped"))
        elif record.losses >= self.config.runner.tries:
            what = f"{record.losses} workers lost in this trial without a new checkpoint; the last: {message.message}"
            yield from self._end(Ended(record.number, record.attempts, "failed", message.reason, what))
        else:
            self._submit(record)

    def _give_up(self, record: Record) -> Iterator[Event]:
        what = f"the driver died {record.deaths} times in this trial without a new checkpoint"
        yield from self._end(Ended(record.number, record.attempts, "failed", "died", what))

    def _decide(self) -> Iterator[Event]:
        while decisions := self._rungs.decisions():
            for decision in decisions:
                yield self.write("decision", number=decision.number, fraction=decision.rung, stop=decision.stop)
                if decision.stop and decision.number in self._in_flight:
                    self._runner.stop(decision.number)

    def _settle(self) -> Iterator[Event]:
        """Tell every trial whose worker is done with it and whose decisions are made."""
        changed, self._unsettled = sorted(self._unsettled), set()
        for number in changed:
            record = self.state.records[number]
            if record.told or not self._halving.settled(record):
                continue
            self._report(record)
            if record.result is not None:
                yield self.write("tell", **tell_event(self.config, record, self._halving))
                tell_store(self._store, self.config, self.state.records[number])
                self._check_failures()

    def _report(self, record: Record) -> None:
        """Show Optuna the trial's curve; studies of several objectives have none there."""
        if len(self.config.objectives) == 1:
            for point in self._halving.counted(record):
                self._store.report(record.number, point.examples, point.metrics.get(self.config.primary.metric))

    def _check_failures(self) -> None:
        first = [self.state.records[n] for n in range(SAME_FAILURES) if n in self.state.records]
        if len(first) == SAME_FAILURES and all(r.state == "failed" and r.reason == first[0].reason for r in first):
            self.reason = f"the first {SAME_FAILURES} trials failed alike: {first[0].reason}: {first[0].message}"


def _fields(message: Reported | Ended | Lost) -> dict[str, Any]:
    """A message's fields, as the journal names them; per-row scores have a file of their own."""
    return {field.name: getattr(message, field.name) for field in fields(message) if field.name != "scores"}

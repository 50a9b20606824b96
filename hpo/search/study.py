"""Opens a study: the run folder, the one driver's locks, the storage, the runner; and closes it all again."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import TYPE_CHECKING, Self

from hpo.config.identity import describe_difference, identity
from hpo.config.models import StudyConfig
from hpo.config.resolved import resolved_yaml
from hpo.errors import StorageError
from hpo.records import Event, Journal, StudyState, load_state
from hpo.records.artifacts import Artifacts
from hpo.records.environment import write_environment
from hpo.records.place import run_folder
from hpo.records.scores import write_scores
from hpo.records.segments import Mirror, join
from hpo.records.tables import Tables
from hpo.runners.opening import open_runner
from hpo.search.best import write_best
from hpo.search.data_checks import Checked
from hpo.search.lease import FolderLock, Lease, RemoteAttributes
from hpo.search.loop import Parts, Search, default_lookahead
from hpo.search.samplers import check_sampler
from hpo.search.storage import StudyStore, copy_database, open_storage
from hpo.search.warm_start import earlier_trials
from hpo.space import SearchSpace

if TYPE_CHECKING:
    from hpo.data.rows import Splits
    from hpo.runners.ray_cluster import Joining

IDENTITY = "hpo:identity"


class Study:
    """One call of ``python -m hpo.run``; a context manager. ``events`` does the work, piece by piece.

    Args:
        config: the study file.
        splits: its rows; None for an objective that needs none.
        checked: what ``hpo.search.data_checks`` found in the rows.
        joining: a connection to a Ray cluster that has been begun.

    Raises (on entering):
        StorageError: the folder or storage cannot be used, another driver runs, or the study is not the same.
        ModelError, ObjectiveError: the objective cannot be opened.
    """

    def __init__(
        self,
        config: StudyConfig,
        splits: Splits | None,
        checked: Checked | None = None,
        joining: Joining | None = None,
    ) -> None:
        self.config = config
        self._joining = joining
        self._checked = checked
        self.folder = run_folder(config)
        self._splits = splits
        self._parts = ExitStack()
        self.state = StudyState()
        self.outcome = "error"  # how this call ended, for the journal

    def __enter__(self) -> Self:
        fresh = not self.folder.root.exists()
        try:
            self._open()
        except BaseException:
            self._parts.close()
            if fresh and not self.folder.journal.exists():  # nothing has begun: leave nothing behind
                shutil.rmtree(self.folder.root, ignore_errors=True)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close()

    @property
    def search(self) -> Search:
        """The running search."""
        return self._search

    def events(self) -> Iterator[Event]:
        """Run the study; every event is in the journal before it is yielded."""
        yield self._search.write(
            "open", study=self.config.study, identity=self._identity, pid=os.getpid(), lookahead=self._lookahead
        )
        self._parts.callback(self._close_journal)  # from here on a call that ends leaves its reason
        if self._checked is not None and self._checked.is_news(self.state.data_checks):
            yield self._search.write("data_checks", **self._checked.event)
        yield from self._prepare()
        artifacts, tables = Artifacts(self.folder, self.config), Tables(self.folder)
        artifacts.settle(self.state)
        for event in self._search.run():
            if event["event"] == "tell":
                artifacts.settle(self.state)
            tables.write(self.state)
            yield event
        self.outcome = self._search.reason or "finished"

    def _open(self) -> None:
        check_sampler(self.config.sampler)
        space = SearchSpace.of(self.config.search_space, self.config.training.model_dump())
        self._identity = identity(self.config, self._splits.fingerprint if self._splits else "")
        lock = FolderLock(self.folder.root)
        self._parts.callback(lock.release)
        mirror = self._open_remote()
        self.state = load_state(self.folder.journal)
        self._check_same(self.state.identity)
        storage = open_storage(self.config.storage, self.folder.database)
        store = StudyStore(storage, self.config.study, [o.direction for o in self.config.objectives])
        self._parts.callback(store.close)
        self._check_store(store)
        lease = Lease(store)
        self._parts.callback(lease.release)
        runner = open_runner(self._with_lookahead(), self._splits, self.folder, self._joining)
        self._parts.callback(runner.close)
        self._write_inputs()
        journal = Journal(self.folder.journal, mirror)
        self._parts.callback(journal.close)
        self._runner = runner
        given = self._with_lookahead().sampler.lookahead
        self._lookahead = given or default_lookahead(runner.workers, self.config.budget.trials)
        self._warm_up(space)
        self._search = Search(Parts(self.config, space, self.folder, journal, store, runner), self.state)

    def _open_remote(self) -> Mirror | None:
        """Of a run folder at a URL: the right to drive it, and what an earlier driver left there."""
        remote = self.folder.remote
        if remote is None:
            return None
        remote.check()
        lease = Lease(RemoteAttributes(remote))
        self._parts.callback(lease.release)
        join(remote, self.folder.journal)
        self.folder.fetch(self.folder.relative(self.folder.environment))  # the first call's stays
        self._parts.callback(self._publish_database)
        return Mirror(remote, self.folder.journal)

    def _publish_database(self) -> None:
        """A copy of Optuna's storage for readers elsewhere; a study goes on without it, from the journal."""
        if self.state.opened is None or self.config.storage is not None or not self.folder.database.exists():
            return
        fresh = self.folder.database.with_suffix(".copy")
        copy_database(self.folder.database, fresh)
        if self.folder.remote is not None:
            self.folder.remote.put(fresh, self.folder.relative(self.folder.database))
        fresh.unlink()

    def _check_same(self, earlier: object) -> None:
        if earlier and earlier != self._identity:
            parts = ", ".join(describe_difference(dict(earlier), self._identity))  # type: ignore[call-overload]
            raise StorageError(
                f"a different study of this name is there already: {parts} changed",
                where=self.folder.place,
                hint=f"begin a new one that starts warm: --set study={self.config.study}-2 "
                f"--set warm_start={self.folder.place}",
            )
        lookahead = self.config.sampler.lookahead
        if earlier and lookahead is not None and lookahead != self.state.lookahead:
            raise StorageError(
                f"this study was begun with lookahead {self.state.lookahead}, not {lookahead}",
                where=self.folder.place,
            )

    def _with_lookahead(self) -> StudyConfig:
        """The study with the lookahead it was begun with, whatever the number of workers is now."""
        if not self.state.identity:
            return self.config
        sampler = self.config.sampler.model_copy(update={"lookahead": self.state.lookahead})
        return self.config.model_copy(update={"sampler": sampler})

    def _check_store(self, store: StudyStore) -> None:
        held = store.attribute(IDENTITY)
        if held is not None and held != self._identity:
            self._check_same(held)
        if len(store) > len(self.state.records):
            raise StorageError(
                f"the storage holds {len(store)} trials of study {self.config.study!r}, the run folder knows "
                f"{len(self.state.records)}",
                where=self.folder.place,
                hint="name the run folder that belongs to it in runs:, or give this study another name",
            )
        store.set_attribute(IDENTITY, self._identity)

    def _write_inputs(self) -> None:
        self.folder.study_yaml.write_text(resolved_yaml(self.config), encoding="utf8")
        write_environment(self.folder.environment, self.config.sampler.seed)
        if self._checked is not None:
            self._checked.write(self.folder.data_checks)
        if self._splits is not None and not self.folder.data.exists():
            from hpo.data import save_splits
            from hpo.data.preparation import write_preparation

            save_splits(self._splits, self.folder.data)
            if self.config.data is not None:
                write_preparation(self._splits.train, self.config, self.folder.data / "preparation.json")
        for path in (self.folder.study_yaml, self.folder.environment, self.folder.data_checks, self.folder.data):
            self.folder.publish(self.folder.relative(path))

    def _warm_up(self, space: SearchSpace) -> None:
        self._warm = earlier_trials(self.config, space) if self.config.warm_start and not self.state.identity else []

    def _prepare(self) -> Iterator[Event]:
        """What is done once a study: earlier trials, the memory probe, the references."""
        if self._warm:
            yield self._search.write("warm", trials=self._warm)
        if self.state.footprint is None:
            footprint = self._runner.probe(self.config.training.model_dump())
            if footprint is not None:
                yield self._search.write("footprint", coefficients=footprint.model)
        self._search.begin()
        for name in ("base", "classical"):
            if getattr(self.config.baselines, name) and name not in self.state.references:
                yield from self._score_reference(name)

    def _score_reference(self, name: str) -> Iterator[Event]:
        reference = self._runner.reference("base" if name == "base" else "classical")
        if reference is not None:
            if reference.scores is not None:
                path = write_scores(self.folder.scores(name), reference.scores, seed=self.config.sampler.seed)
                self.folder.publish(self.folder.relative(path))
            yield self._search.write(
                "reference", name=name, metrics=reference.metrics, measurements=reference.measurements
            )

    def _close_journal(self) -> None:
        Tables(self.folder).write(self.state, now=True)
        Artifacts(self.folder, self.config).finish(self.state)
        write_best(self.folder, self.config, self.state)
        opened = self.state.opened or time.time()
        self.folder.publish(self.folder.relative(self.folder.best_yaml))
        self._search.write("close", reason=self.outcome, seconds=time.time() - opened)
        self.folder.publish(self.folder.relative(self.folder.journal))  # whole, beside its segments, for people

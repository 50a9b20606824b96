"""Optuna's storage: opened fast and soundly, written one whole trial at a time, never with a secret in a message."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.storages import BaseStorage
from optuna.storages._rdb import models
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from hpo.config.models import Direction
from hpo.config.urls import masked as masked  # shown in errors here, and by those who open storages
from hpo.errors import StorageError

CONNECT_SECONDS = 4  # a server that does not answer is reported within 5 s


def open_storage(url: str | None, database: Path) -> BaseStorage:
    """Open (and create where needed) the storage behind ``url``, or the SQLite file ``database`` where there is none.

    ``journal:///path`` opens Optuna's journal file, for NFS.

    Raises:
        StorageError: it cannot be reached or is of a schema that this Optuna does not read. No password is shown.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # the terminal shows the search in our own words
    url = url or f"sqlite:///{database}"
    try:
        if url.startswith("journal://"):
            backend = JournalFileBackend(url.removeprefix("journal://"))
            return optuna.storages.JournalStorage(backend)
        return _WholeTrials(url, engine_kwargs=_engine_options(url))
    except Exception as error:  # drivers raise what they like; the user needs one sentence
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise StorageError(
            f"the Optuna storage cannot be opened: {masked(first_line)}", where=masked(url), hint=_hint(url, error)
        ) from None


def _engine_options(url: str) -> dict[str, Any]:
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")
        return {"creator": lambda: _connect_sqlite(path)}
    if url.startswith("postgresql"):
        return {"pool_pre_ping": True, "connect_args": {"connect_timeout": CONNECT_SECONDS}}
    return {"pool_pre_ping": True}


def _connect_sqlite(path: str) -> sqlite3.Connection:
    """WAL with synchronous=NORMAL: 271 -> 21 ms a trial; what a loss of power takes back, the journal restores."""
    connection = sqlite3.connect(path, timeout=30, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    return connection


def copy_database(database: Path, copy: Path) -> None:
    """Copy an SQLite file as of one moment, also while it is written to."""
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(copy)) as target:
        source.backup(target)


def _hint(url: str, error: Exception) -> str:
    if isinstance(error, ImportError) or "No module named" in str(error):
        return "install the database driver, for PostgreSQL: pip install -c constraints.txt '.[postgres]'"
    if url.startswith("sqlite"):
        return "check that the folder exists and can be written, and that the disk is not full"
    if "://" not in url:
        return "a storage is a URL, such as sqlite:///study.db or postgresql+psycopg://user:${PASSWORD}@host/hpo"
    return "check host, port, user, password and database, and that the server runs"


def running_trial(
    params: Mapping[str, Any], distributions: dict[str, BaseDistribution], attributes: dict[str, Any]
) -> FrozenTrial:
    """A whole RUNNING trial, to be written in one transaction; the storage gives it its number."""
    return FrozenTrial(
        number=-1,
        trial_id=-1,
        state=TrialState.RUNNING,
        value=None,
        datetime_start=datetime.now(),
        datetime_complete=None,
        params=dict(params),
        distributions=distributions,
        user_attrs=attributes,
        system_attrs={},
        intermediate_values={},
    )


class _WholeTrials(optuna.storages.RDBStorage):
    """Writes the rows of a new trial in one go: Optuna looks its trial up again for each parameter and attribute.

    The method is Optuna's own; where a version has no such method, or other models, it writes them its own way.
    """

    def _get_prepared_new_trial(self, study_id: int, template_trial: FrozenTrial | None, session: Any) -> Any:
        rows = None if template_trial is None else _rows(template_trial)
        if template_trial is None or rows is None:
            return super()._get_prepared_new_trial(study_id, template_trial, session)
        trial = models.TrialModel(
            study_id=study_id, number=None, state=TrialState.RUNNING, datetime_start=template_trial.datetime_start
        )
        session.add(trial)
        session.flush()
        for row in rows:
            row.trial_id = trial.trial_id
        session.add_all(rows)
        trial.number = trial.count_past_trials(session)
        session.add(trial)
        return trial


def _rows(trial: FrozenTrial) -> list[Any] | None:
    """The rows of a running trial without values; None where this Optuna's models differ."""
    try:
        return [
            *(
                models.TrialParamModel(
                    param_name=name,
                    param_value=distribution.to_internal_repr(trial.params[name]),
                    distribution_json=distribution_to_json(distribution),
                )
                for name, distribution in trial.distributions.items()
            ),
            *(models.TrialUserAttributeModel(key=k, value_json=json.dumps(v)) for k, v in trial.user_attrs.items()),
        ]
    except (AttributeError, TypeError):
        return None


class StudyStore:
    """One Optuna study, written by number: a trial is created whole, and told once.

    Raises (all methods):
        StorageError: the storage can no longer be written.
    """

    def __init__(self, storage: BaseStorage, name: str, directions: Sequence[Direction]) -> None:
        self.storage = storage
        self.name = name
        study = optuna.create_study(storage=storage, study_name=name, directions=list(directions), load_if_exists=True)
        if [d.name.lower() for d in study.directions] != list(directions):
            raise StorageError(
                f"the Optuna study {name!r} in this storage has other directions",
                hint="give the study another name, or name another storage",
            )
        self.study_id = study._study_id
        trials = storage.get_all_trials(self.study_id, deepcopy=False)
        self._ids = {trial.number: trial._trial_id for trial in trials}
        self._finished = {trial.number for trial in trials if trial.state.is_finished()}
        self._steps = {trial.number: set(trial.intermediate_values) for trial in trials}

    def __len__(self) -> int:
        return len(self._ids)

    def attribute(self, key: str) -> Any:
        """A user attribute of the study, or None."""
        return self.storage.get_study_user_attrs(self.study_id).get(key)

    def set_attribute(self, key: str, value: Any) -> None:
        """Set a user attribute of the study."""
        self.storage.set_study_user_attr(self.study_id, key, value)

    def create(
        self,
        number: int,
        params: Mapping[str, Any],
        distributions: dict[str, BaseDistribution],
        attributes: dict[str, Any],
    ) -> None:
        """Write a RUNNING trial in one transaction; a number that exists already is left alone."""
        if number in self._ids:
            return
        template = running_trial(params, distributions, attributes)
        trial_id = self.storage.create_new_trial(self.study_id, template_trial=template)
        try:
            given = self.storage.get_trial_id_from_study_id_trial_number(self.study_id, number)
        except KeyError:
            given = None
        if given != trial_id:
            raise StorageError(
                f"the Optuna study {self.name!r} holds trials that this run folder does not know",
                hint="another program writes to this study: use a storage or a study name of its own",
            )
        self._ids[number] = trial_id

    def report(self, number: int, step: int, value: float | None) -> None:
        """One point of a trial's curve, for the dashboard; repeated steps and missing values are left out."""
        steps = self._steps.setdefault(number, set())
        if value is not None and number not in self._finished and step not in steps:
            self.storage.set_trial_intermediate_value(self._ids[number], step, value)
            steps.add(step)

    def tell(
        self,
        number: int,
        state: TrialState,
        values: Sequence[float] | None,
        constraints: Sequence[float],
        attributes: Mapping[str, Any],
    ) -> None:
        """Finish a trial; told twice, it stays as it was told first."""
        if number in self._finished:
            return
        trial_id = self._ids[number]
        # optuna-dashboard 0.21 reads this list and not the newer named keys; both together would count twice.
        self.storage.set_trial_system_attr(trial_id, "constraints", list(constraints))
        for key, value in attributes.items():
            self.storage.set_trial_user_attr(trial_id, key, value)
        self.storage.set_trial_state_values(trial_id, state=state, values=values)
        self._finished.add(number)

    def is_finished(self, number: int) -> bool:
        """Whether the storage holds the trial's end."""
        return number in self._finished

    def close(self) -> None:
        """Give the connections back."""
        self.storage.remove_session()
        engine = getattr(self.storage, "engine", None)
        if engine is not None:
            engine.dispose()

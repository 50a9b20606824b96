"""Storages are opened fast and soundly, and say plainly when they cannot be."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from hpo.errors import StorageError
from hpo.search.lease import FolderLock, Lease
from hpo.search.storage import StudyStore, masked, open_storage

DISTRIBUTIONS = {"x": optuna.distributions.FloatDistribution(0, 1)}


def store(path: Path, url: str | None = None) -> StudyStore:
    return StudyStore(open_storage(url, path / "study.db"), "bench", ["minimize"])


def test_sqlite_is_in_wal_mode(tmp_path: Path) -> None:
    store(tmp_path).close()
    assert sqlite3.connect(tmp_path / "study.db").execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_trial_is_written_whole_and_told_once(tmp_path: Path) -> None:
    held = store(tmp_path)
    held.create(0, {"x": 0.5}, DISTRIBUTIONS, {"source": "default"})
    held.create(0, {"x": 0.9}, DISTRIBUTIONS, {})
    held.report(0, 10, 2.0)
    held.report(0, 10, 3.0)
    held.tell(0, TrialState.COMPLETE, [1.5], [-1.0], {"state": "complete"})
    held.tell(0, TrialState.FAIL, None, [1.0], {})
    [trial] = optuna.load_study(study_name="bench", storage=held.storage).get_trials()
    assert (trial.state, trial.values, trial.params) == (TrialState.COMPLETE, [1.5], {"x": 0.5})
    assert trial.intermediate_values == {10: 2.0}
    assert trial.system_attrs == {"constraints": [-1.0]}


def test_a_foreign_trial_in_the_study_is_an_error(tmp_path: Path) -> None:
    held = store(tmp_path)
    optuna.load_study(study_name="bench", storage=held.storage).ask()
    with pytest.raises(StorageError, match="trials that this run folder does not know"):
        held.create(0, {"x": 0.5}, DISTRIBUTIONS, {})


def test_other_directions_under_the_same_name_are_an_error(tmp_path: Path) -> None:
    store(tmp_path).close()
    with pytest.raises(StorageError, match="other directions"):
        StudyStore(open_storage(None, tmp_path / "study.db"), "bench", ["maximize"])


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://ana:s3cret@127.0.0.1:1/hpo",
        "postgresql+psycopg://ana:s3cret@192.0.2.1:5432/hpo",
        "nonsense",
        "mysql+nodriver://ana:s3cret@127.0.0.1/hpo",
        "sqlite:////no/such/folder/study.db",
    ],
)
def test_an_unreachable_storage_is_one_error_within_five_seconds_without_the_password(tmp_path: Path, url: str) -> None:
    began = time.monotonic()
    with pytest.raises(StorageError) as caught:
        open_storage(url, tmp_path / "study.db")
    assert time.monotonic() - began < 5
    assert "s3cret" not in str(caught.value) and caught.value.__cause__ is None
    assert caught.value.faults[0].hint


def test_passwords_are_masked() -> None:
    assert masked("at postgresql://a:b@h/d and redis://c:d@e") == "at postgresql://a:***@h/d and redis://c:***@e"


def test_a_second_driver_of_the_folder_is_refused(tmp_path: Path) -> None:
    first = FolderLock(tmp_path)
    with pytest.raises(StorageError, match="another driver runs this study"):
        FolderLock(tmp_path)
    first.release()
    FolderLock(tmp_path).release()


def test_a_second_driver_of_the_study_is_refused_while_the_first_lives(tmp_path: Path) -> None:
    lease = Lease(store(tmp_path))
    with pytest.raises(StorageError, match="another driver runs this study"):
        Lease(store(tmp_path))
    lease.release()
    Lease(store(tmp_path)).release()


def test_the_lease_of_a_dead_process_is_taken_over_at_once(tmp_path: Path) -> None:
    held = store(tmp_path)
    Lease(held)._stop.set()
    stale = {**held.attribute("hpo:lease"), "pid": 2**22 + 1}
    held.set_attribute("hpo:lease", stale)
    lease = Lease(held)
    assert held.attribute("hpo:lease")["pid"] == os.getpid() and not lease.lost
    lease.release()
    assert held.attribute("hpo:lease") is None


def test_the_lease_of_a_silent_host_expires(tmp_path: Path) -> None:
    held = store(tmp_path)
    other = {"token": "t", "host": "another-host", "pid": 1, "born": 0.0}
    held.set_attribute("hpo:lease", {**other, "time": time.time() - 30})
    with pytest.raises(StorageError, match="another-host"):
        Lease(held)
    held.set_attribute("hpo:lease", {**other, "time": time.time() - 60})
    Lease(held).release()


def test_an_unwritable_run_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        FolderLock(tmp_path / "file")


def test_a_journal_file_serves_as_storage(tmp_path: Path) -> None:
    held = store(tmp_path, f"journal://{tmp_path}/optuna.log")
    held.create(0, {"x": 0.5}, DISTRIBUTIONS, {})
    held.tell(0, TrialState.COMPLETE, [1.0], [-1.0], {})
    held.close()
    assert len(store(tmp_path, f"journal://{tmp_path}/optuna.log")) == 1


def test_postgresql_holds_a_study(tmp_path: Path, postgres_url: str) -> None:
    held = store(tmp_path, postgres_url)
    lease = Lease(held)
    held.create(0, {"x": 0.5}, DISTRIBUTIONS, {})
    held.report(0, 1, 0.7)
    held.tell(0, TrialState.COMPLETE, [1.0], [-1.0], {})
    with pytest.raises(StorageError, match="another driver"):
        Lease(store(tmp_path, postgres_url))
    lease.release()
    held.close()
    [trial] = optuna.load_study(study_name="bench", storage=open_storage(postgres_url, tmp_path)).get_trials()
    assert trial.state is TrialState.COMPLETE and trial.params == {"x": 0.5}


def test_a_wrong_password_is_not_shown(tmp_path: Path, postgres_url: str) -> None:
    wrong = postgres_url.replace(masked_password(postgres_url), "wr0ng")
    with pytest.raises(StorageError) as caught:
        open_storage(wrong, tmp_path / "study.db")
    assert "wr0ng" not in str(caught.value)


def masked_password(url: str) -> str:
    return url.split("://")[1].split("@")[0].split(":")[1]

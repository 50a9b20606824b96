"""``hpo status`` tells from the run folder alone what a study is doing."""

import fcntl
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.records.folder import RunFolder
from hpo.records.opening import open_run
from hpo.records.record import StudyState
from hpo.records.status import activity, status

Command = Callable[..., "subprocess.CompletedProcess[str]"]


def test_a_study_whose_driver_holds_the_lock_is_running(tickets: Any, tmp_path: Path) -> None:
    folder = tickets.write(tmp_path / "tickets", close=None)
    _, config, state = open_run(folder.root)
    with (folder.root / "lock").open("a+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = status(config, state, folder, tickets.START + 100)
    assert found["state"] == "running"
    running = found["running"][0]
    assert (running["trial"], running["fraction"], running["primary"]) == (5, 0.5, 0.61)
    assert running["last_sign_of_life_seconds"] == pytest.approx(43.5)
    assert found["cost"]["seconds"] == 100 and found["seconds_left"] == pytest.approx(20)


def test_a_journal_without_end_whose_lock_is_free_has_died(tickets: Any, tmp_path: Path) -> None:
    folder = tickets.write(tmp_path / "tickets", close=None)
    (folder.root / "lock").touch()
    _, config, state = open_run(folder.root)
    found = status(config, state, folder, tickets.START + 100)
    assert found["state"] == "died" and found["running"] == [] and found["seconds_left"] is None


@pytest.mark.parametrize(
    ("reason", "expected"),
    [("interrupted", "interrupted"), ("error", "failed"), ("budget of 6 trials used", "finished")],
)
def test_the_reason_of_the_end_tells_finished_from_interrupted(
    tickets: Any, tmp_path: Path, reason: str, expected: str
) -> None:
    folder = tickets.write(tmp_path / "tickets", close=reason)
    assert activity(open_run(folder.root)[2], folder) == expected


def test_a_folder_without_events_has_not_started(tmp_path: Path) -> None:
    assert activity(StudyState(), RunFolder(tmp_path)) == "not started"


def test_failures_are_grouped_by_reason(tickets: Any, tmp_path: Path) -> None:
    folder = tickets.write(tmp_path / "tickets")
    _, config, state = open_run(folder.root)
    groups = status(config, state, folder, tickets.START)["failures"]
    assert [(group["reason"], group["count"], group["trials"]) for group in groups] == [("diverged", 1, [2])]


def test_the_resolved_study_is_read_where_its_files_and_variables_are_absent(tickets: Any, tmp_path: Path) -> None:
    storage = "postgresql://ana:${NO_SUCH_PASSWORD}@db/hpo"
    folder = tickets.write(tmp_path / "tickets", data={"train": "/gone/rows.jsonl"}, storage=storage)
    assert open_run(folder.root)[1].storage == storage


def test_the_command_prints_what_people_need(tickets: Any, tmp_path: Path, run_hpo: Command) -> None:
    tickets.write(tmp_path / "runs" / "tickets")
    done = run_hpo("status", "runs/tickets")
    assert done.returncode == 0, done.stderr
    assert "study tickets: finished (budget of 6 trials used), last event " in done.stdout
    assert "failed: 1 trial diverged (2): loss is NaN" in done.stdout
    assert (
        max(map(len, done.stdout.splitlines())) <= 160
        and "infeasible" in done.stdout
        and "Best is trial 1" in done.stdout
        and "\x1b" not in done.stdout
    )


def test_json_is_one_object_with_the_same_numbers(tickets: Any, tmp_path: Path, run_hpo: Command) -> None:
    tickets.write(tmp_path / "runs" / "tickets")
    done = run_hpo("status", "runs/tickets", "--json")
    found = json.loads(done.stdout)
    assert (
        found["state"] == "finished"
        and found["best"] == 1
        and found["last"][-1]["violation"] == "latency_ms <= 20 by 3.5"
    )


def test_a_folder_that_is_no_run_names_those_there_are(tickets: Any, tmp_path: Path, run_hpo: Command) -> None:
    tickets.write(tmp_path / "runs" / "tickets")
    done = run_hpo("status", "runs/ticket")
    assert done.returncode == 2 and done.stdout == ""
    assert "runs/ticket: the run folder does not exist" in done.stderr
    assert "hint: there are: runs/tickets" in done.stderr


def test_a_damaged_study_file_is_one_clear_error(tickets: Any, tmp_path: Path, run_hpo: Command) -> None:
    folder = tickets.write(tmp_path / "runs" / "tickets")
    folder.study_yaml.write_text("study: [", encoding="utf8")
    done = run_hpo("status", "runs/tickets")
    assert done.returncode == 2 and "study.yaml: the resolved study file cannot be read" in done.stderr
    assert "Traceback" not in done.stderr

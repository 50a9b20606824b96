"""``hpo dashboard``: what Optuna's dashboard shows of a study, up to the page in a real browser."""

import io
import json
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpo.errors import ConfigurationError
from hpo.records.folder import RunFolder
from hpo.records.opening import open_run
from hpo.report.dashboard import opened, publish
from hpo.report.note import YOURS, merged, study_note
from hpo.report.server import dashboard_server

pytest.importorskip("optuna_dashboard", reason="needs the extra 'dashboard'")
Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def run_folder(tickets: Any, tmp_path: Path) -> RunFolder:
    """The small study with its Optuna storage, scores of the best trial and an adapter, as the driver leaves them."""
    folder: RunFolder = tickets.write(tmp_path / "runs" / "tickets")
    _fill_storage(folder, tickets.folded(tickets.events()))
    folder.data.mkdir()
    pd.DataFrame({"id": ["1", "2"], "label": ["billing", "bugs <b>"]}).to_parquet(folder.data / "train.parquet")
    folder.scores(1).parent.mkdir()
    scores = {
        "id": ["1", "2", "3"],
        "classification.label": [0.0, 1.0, 1.0],
        "classification.prediction": [0.0, 1.0, 0.0],
    }
    pd.DataFrame(scores).to_parquet(folder.scores(1))
    folder.best.mkdir()
    (folder.best / "adapter_config.json").write_text("{}")
    return folder


def _fill_storage(folder: RunFolder, state: Any) -> None:
    from optuna.distributions import CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState

    from hpo.search.storage import StudyStore, open_storage

    space = {
        "learning_rate": FloatDistribution(1e-5, 1e-2, log=True),
        "batch_size": CategoricalDistribution([8, 16, 32]),
    }
    states = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED, "failed": TrialState.FAIL}
    store = StudyStore(open_storage(None, folder.database), "tickets", ["maximize"])
    for record in state.records.values():
        store.create(record.number, {name: record.params[name] for name in space}, space, {})
        for point in record.curve:
            store.report(record.number, point.examples, point.metrics["accuracy"])
        if record.told:
            values = [record.metrics["accuracy"]] if record.state == "complete" else None
            store.tell(record.number, states[record.state], values, record.constraints, {})
    store.close()


@contextmanager
def serving(folder: RunFolder) -> Iterator[str]:
    """The server in a thread; yields the address of the study's page."""
    _, config, state = open_run(folder.root)
    publish(config, state, folder)
    with dashboard_server(config, folder, "127.0.0.1", 0) as (server, address):
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield address
        finally:
            server.shutdown()
            thread.join()


def get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=30) as answer:
        content: bytes = answer.read()
    return content


def test_the_dashboard_holds_note_curves_feasibility_and_artifacts(run_folder: RunFolder) -> None:
    with serving(run_folder) as address:
        base, study = address.split("/dashboard/")[0], address.rsplit("/", 1)[1]
        shown = json.loads(get(f"{base}/api/studies/{study}"))
        trials = {trial["number"]: trial for trial in shown["trials"]}
        assert "# tickets" in shown["note"]["body"] and "0.7512" in shown["note"]["body"]
        assert shown["objective_names"] == ["accuracy"]
        assert trials[4]["constraints"] == [3.5] and trials[1]["constraints"] == [-1.0]
        assert trials[3]["intermediate_values"] == [{"step": 200, "value": 0.11}]
        assert [trial["number"] for trial in shown["best_trials"]] == [1]  # trial 4 is higher, but infeasible
        files = {one["filename"]: one for one in trials[1]["artifacts"]}
        link = f"{base}/artifacts/{study}/{trials[1]['trial_id']}"
        archive = zipfile.ZipFile(io.BytesIO(get(f"{link}/{files['best.zip']['artifact_id']}")))
        picture = get(f"{link}/{files['confusion_matrix.svg']['artifact_id']}").decode()
    assert archive.read("best/adapter_config.json") == b"{}"
    assert "bugs &lt;b&gt;" in picture and "accuracy 0.7512" in picture


def test_publishing_again_changes_nothing_and_keeps_what_people_wrote(run_folder: RunFolder) -> None:
    from optuna_dashboard import get_note, save_note

    _, config, state = open_run(run_folder.root)
    publish(config, state, run_folder)
    with opened(config, run_folder) as study:
        save_note(study, get_note(study) + "\nshipped on Friday\n")
        before = study._storage.get_study_system_attrs(study._study_id)
    for _ in range(2):
        publish(config, state, run_folder)
    with opened(config, run_folder) as study:
        after = study._storage.get_study_system_attrs(study._study_id)
        assert get_note(study).rstrip().endswith("shipped on Friday")
    changed = {key for key in {*before, *after} if before.get(key) != after.get(key)}
    assert all("note" in key for key in changed)
    assert len(list((run_folder.root / "dashboard").iterdir())) == 2


def test_a_new_best_takes_the_artifacts_over(run_folder: RunFolder) -> None:
    _, config, state = open_run(run_folder.root)
    publish(config, state, run_folder)
    del state.records[1]  # as if trial 0 were the best
    publish(config, state, run_folder)
    with opened(config, run_folder) as study:
        attributes = study._storage.get_study_system_attrs(study._study_id)
    links = {key: json.loads(value) for key, value in attributes.items() if key.startswith("dashboard:artifacts:")}
    assert {key.split(":")[2] for key, value in links.items() if value} == {"1"}  # Optuna's id of trial 0
    assert len(list((run_folder.root / "dashboard").iterdir())) == 1  # trial 0 has no scores, so no picture


def test_a_model_too_large_to_attach_is_named_instead(run_folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    from optuna_dashboard import get_note

    monkeypatch.setattr("hpo.report.dashboard.ARCHIVE_LIMIT", 1)
    _, config, state = open_run(run_folder.root)
    publish(config, state, run_folder)
    with opened(config, run_folder) as study:
        assert "too large to be attached" in get_note(study)


def test_a_note_written_before_ours_is_kept_below() -> None:
    assert merged("ours\n", "theirs") == f"ours\n\n---\n\n{YOURS}\n\ntheirs\n"
    assert merged("new\n", merged("ours\n", "theirs")) == f"new\n\n---\n\n{YOURS}\n\ntheirs\n"


def test_text_from_outside_is_no_markup_in_the_note(tickets: Any, tmp_path: Path) -> None:
    config = tickets.config(objective="mine.py:<img src=x>|")
    note = study_note(config, tickets.folded(tickets.events()), RunFolder(tmp_path))
    assert "<img" not in note and "&lt;img src=x&gt;\\|" in note


def test_the_command_prints_the_address_and_ends_with_ctrl_c(run_folder: RunFolder) -> None:
    code = "import sys; from hpo.commands import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "dashboard", str(run_folder.root), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        address = process.stdout.readline().split(": ")[1].strip()
        assert b"<!DOCTYPE html>" in get(address) or b"<html" in get(address)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=30) == 0
        assert process.stderr.read() == ""


def test_a_taken_port_is_a_clear_error(run_folder: RunFolder, run_hpo: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = run_hpo("dashboard", "runs/tickets", "--port", str(port))
    assert done.returncode == 2 and f"port {port} is taken by another program" in done.stderr
    assert f"--port {port + 1}" in done.stderr and "Traceback" not in done.stderr


def test_without_the_dashboard_the_extra_is_named(run_folder: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    _, config, state = open_run(run_folder.root)
    monkeypatch.setitem(sys.modules, "optuna_dashboard", None)
    publish(config, state, run_folder)  # at the end of a study: nothing to do, and no error
    with (
        pytest.raises(ConfigurationError, match="not installed") as caught,
        dashboard_server(config, run_folder, "127.0.0.1", 0),
    ):
        pass
    assert "[dashboard]" in caught.value.faults[0].hint


def test_a_study_that_never_began_is_a_clear_error(tickets: Any, tmp_path: Path, run_hpo: Command) -> None:
    tickets.write(tmp_path / "runs" / "tickets")
    done = run_hpo("dashboard", "runs/tickets", "--port", "0")
    assert done.returncode == 2 and "there is no Optuna study 'tickets' yet" in done.stderr


def rendered(page: str, profile: Path) -> str:
    """The page's document after its scripts have run, in a real browser with an empty profile."""
    chromium = shutil.which("chromium")
    assert chromium is not None
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    return subprocess.run(
        [chromium, *options, f"--user-data-dir={profile}", "--virtual-time-budget=10000", "--dump-dom", page],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    ).stdout


@pytest.mark.browser
def test_a_browser_shows_the_note_and_the_best_trials_artifacts(run_folder: RunFolder, tmp_path: Path) -> None:
    with serving(run_folder) as address:
        note = rendered(f"{address}/note", tmp_path / "first")
        trial = rendered(f"{address}/trials?numbers=1", tmp_path / "second")
    assert "classical baseline" in note and "0.5202 ahead of the default configuration" in note
    assert "confusion_matrix.svg" in trial and "best.zip" in trial and "learning_rate" in trial

"""``hpo submit`` against a real cluster with a token: it runs, resumes, refuses, tells the truth, and leaks nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.ray_cluster import RayCluster
from hpo.commands.submit_output import ended_in_words
from hpo.records import load_state
from hpo.runners.ray_jobs import Job

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]

OBJECTIVE = """
import os, time
from helper import square
from hpo.objective import Progress

def objective(params, trial):
    for i in range(1, 5):
        time.sleep(params["pause"])
        yield Progress(examples=i, fraction=i / 4, metrics={"loss": square(params["x"] - 1) + 1 / i},
                       measurements={"secret": len(os.environ.get("WORD", "")),
                                     "password": len(os.environ.get("PASS", ""))})

def broken(params):
    raise RuntimeError("no such device")
"""
STUDY = """
study: NAME
objective: own.py
search_space:
  x: {type: uniform, low: -3, high: 3, default: 0}
  pause: {type: constant, value: 0}
objectives: [{metric: loss, direction: minimize}]
sampler: {name: random}
budget: {trials: 3}
pruner: {name: none}
runner: {name: local}
loggers: {tensorboard: false}
"""
SECRET, PASSWORD = "sesame-7f3a91-open", "elderberry-20c5"


@pytest.fixture(scope="module")
def cluster() -> Iterator[RayCluster]:
    """A head that takes jobs, whose shell finds this Python and whose dashboard answers; a second node; a CPU each."""
    path = os.environ["PATH"]
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    try:
        with RayCluster(cpus=1, dashboard=True) as started:
            started.add_node(cpus=1)
            _wait_for_jobs(started)
            yield started
    finally:
        os.environ["PATH"] = path


def _wait_for_jobs(cluster: RayCluster) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            _get(f"{cluster.dashboard}/api/jobs/", cluster.token)
            return
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)


def _get(url: str, token: str) -> str:
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=5) as answer:
        return str(answer.read(), "utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Callable[..., Path]:
    """Write a study, named so that every test has its own."""

    def write(name: str, **changes: str) -> Path:
        (tmp_path / "own.py").write_text(OBJECTIVE)
        (tmp_path / "helper.py").write_text("def square(value):\n    return value * value\n")
        text = STUDY.replace("NAME", name)
        for old, new in changes.items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / f"{name}.yaml").write_text(text)
        return tmp_path / f"{name}.yaml"

    return write


@pytest.fixture
def submit(run_hpo: Any, cluster: RayCluster, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """``hpo submit`` as a person types it: with the token, an address, a durable folder and the helper file."""

    def call(*words: str | Path, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        given = ("--address", cluster.dashboard, "--set", f"runs={tmp_path}/runs", "--include", "helper.py")
        done: subprocess.CompletedProcess[str] = run_hpo(
            "submit", *words, *given, env={**_token(cluster), **(env or {})}
        )
        return done

    return call


def _token(cluster: RayCluster) -> dict[str, str]:
    return {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": cluster.token}


def trials(study: Path) -> dict[int, Any]:
    return load_state(study.parent / "runs" / study.stem / "journal.jsonl").records


def _heed_ctrl_c() -> None:
    """Undo what a shell does to commands in the background, should the tests be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def ray_job(cluster: RayCluster, *words: str) -> str:
    """Ray's own command, as we tell people to type it."""
    ray = str(Path(sys.executable).with_name("ray"))
    done = subprocess.run([ray, "job", *words], env=cluster.environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_a_study_is_packed_runs_and_is_followed_and_the_same_command_resumes(
    project: Callable[..., Path], submit: Any, cluster: RayCluster
) -> None:
    study = project("tickets")
    # when it is submitted
    done = submit(study.name)
    # then what goes along is told, its progress is shown, and the exact next commands are
    assert done.returncode == 0, done.stdout + done.stderr
    assert "packed: 3 files" in done.stdout and "nothing else goes along" in done.stdout
    for name in ("tickets.yaml", "own.py", "helper.py", "trial 2  complete", "search ended"):
        assert name in done.stdout
    assert f"ray job logs --follow --address {cluster.dashboard} tickets-1" in done.stdout
    assert f"ray job stop --address {cluster.dashboard} tickets-1" in done.stdout
    # and the run folder has every trial
    assert {number: each.state for number, each in trials(study).items()} == dict.fromkeys(range(3), "complete")
    # when the same command comes again with more to do and on the cluster's workers, then it goes on under another name
    workers = "runner={name: ray, max_workers: 2}"
    again = submit(study.name, "--set", "budget.trials=5", "--set", workers, "--json")
    assert "Traceback" not in again.stderr, again.stderr
    assert again.returncode == 0, again.stderr
    found = json.loads(again.stdout)
    assert (found["job"], found["status"], found["exit_code"]) == ("tickets-2", "succeeded", 0)
    assert [each["name"] for each in found["packed"]] == ["tickets.yaml", "own.py", "helper.py"]
    assert len(trials(study)) == 5
    assert "Ray at" in again.stderr and {trials(study)[n].worker.rpartition("/")[2] for n in (3, 4)} <= {"w1", "w2"}
    assert '"tickets-2"' in _get(f"{cluster.dashboard}/api/jobs/", cluster.token)


def test_ctrl_c_ends_the_following_and_not_the_job_and_a_second_driver_is_refused(
    project: Callable[..., Path], submit: Any, cluster: RayCluster, tmp_path: Path
) -> None:
    changes = {"value: 0": "value: 0.4", "trials: 3": "trials: 40", "name: local": "name: auto"}
    study = project("patient", **changes)
    # given a job that is followed
    process = subprocess.Popen(
        [sys.executable, "-m", "hpo.commands", "submit", study.name, "--address", cluster.dashboard,
         "--set", f"runs={tmp_path}/runs", "--include", "helper.py"],
        cwd=tmp_path, env=cluster.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        preexec_fn=_heed_ctrl_c,
    )  # fmt: skip
    assert process.stdout is not None
    assert any("trial 0" in line for line in process.stdout)
    # when Ctrl-C is pressed
    process.send_signal(signal.SIGINT)
    _, told = process.communicate(timeout=30)
    # then that is said, and the job goes on
    assert process.returncode == 130
    assert "the job patient-1 goes on" in told
    assert json.loads(_get(f"{cluster.dashboard}/api/jobs/patient-1", cluster.token))["status"] == "RUNNING"
    # and a second one is refused, with the way to follow and to stop the first
    second = submit(study.name)
    assert second.returncode == 2
    assert "already runs on this cluster, as the job patient-1" in second.stderr
    # when it is stopped as we tell people to, then the study can be resumed
    ray_job(cluster, "stop", "--address", cluster.dashboard, "patient-1")
    printed = json.loads(_get(f"{cluster.dashboard}/api/jobs/patient-1/logs", cluster.token))["logs"]
    assert "Traceback" not in printed and printed.rstrip().endswith("terminated"), printed
    finished = len([each for each in trials(study).values() if each.state == "complete"])
    third = submit(study.name, "--set", f"budget.trials={finished + 2}", "--no-wait", "--json")
    assert third.returncode == 0, third.stdout + third.stderr
    # and without waiting the command returns at once
    found = json.loads(third.stdout)
    assert found["job"] == "patient-2" and found["exit_code"] is None and found["status"] in ("pending", "running")
    assert "search ended" in ray_job(cluster, "logs", "--follow", "--address", cluster.dashboard, "patient-2")
    assert len([each for each in trials(study).values() if each.state == "complete"]) == finished + 2


def test_the_exit_code_is_that_of_the_study(project: Callable[..., Path], submit: Any) -> None:
    study = project("doomed", **{"own.py": "own.py:broken"})
    done = submit(study.name, "--json")
    assert done.returncode == 4, done.stderr  # no trial completed
    assert json.loads(done.stdout)["exit_code"] == 4
    assert json.loads(done.stdout)["status"] == "failed"


def test_a_secret_reaches_the_trials_and_no_file_or_output_of_ours(
    project: Callable[..., Path], submit: Any, cluster: RayCluster, tmp_path: Path
) -> None:
    # given a study whose trials need one secret, and whose file another
    storage = f"storage: sqlite:///{tmp_path}/${{PASS}}.db\nloggers:"
    study = project("quiet", **{"name: local": "name: ray", "trials: 3": "trials: 2", "loggers:": storage})
    names = ("--env", "WORD", "--env", "PASS")
    done = submit(study.name, *names, env={"WORD": SECRET, "PASS": PASSWORD})
    assert done.returncode == 0, done.stdout + done.stderr
    # then the trials have the one, and the driver alone has the other
    assert {each.measurements["secret"] for each in trials(study).values()} == {len(SECRET)}
    assert {each.measurements["password"] for each in trials(study).values()} == {0}
    assert (tmp_path / f"{PASSWORD}.db").is_file()
    assert "WORD, PASS, sealed with the cluster's token" in done.stdout
    # and neither the run folder, nor what was printed, nor Ray's files and what it tells of the job show one
    told = _get(f"{cluster.dashboard}/api/jobs/", cluster.token)
    for secret in (SECRET, PASSWORD):
        assert secret not in done.stdout + done.stderr + told
        assert _files_with(secret, tmp_path) == set()
        assert _files_with(secret, cluster.folder) == set()
    # though Ray keeps what it is handed, in both places
    assert "HPO_SEALED" in told
    assert {path.name.split(".")[0] for path in _files_with("HPO_SEALED", cluster.folder)} == {"runtime_env_agent"}


def _files_with(text: str, folder: Path) -> set[Path]:
    found = set()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and text.encode() in path.read_bytes():
            found.add(path)
    return found


@pytest.mark.parametrize(
    ("status", "code", "told"),
    [
        ("SUCCEEDED", 0, "job tickets-1: succeeded"),
        ("FAILED", 4, "job tickets-1: failed"),
        ("STOPPED", None, "job tickets-1: stopped; the same command goes on where the study stands"),
        ("FAILED", 137, "job tickets-1: ended by signal 9; the same command goes on where the study stands"),
    ],
)
def test_a_job_that_a_signal_ended_can_be_gone_on_with(status: str, code: int | None, told: str) -> None:
    assert ended_in_words(Job("tickets-1", status, code, "", {})) == told


def test_a_missing_token_a_wrong_one_and_a_dead_address_are_one_error_each(
    project: Callable[..., Path], run_hpo: Any, cluster: RayCluster, tmp_path: Path
) -> None:
    study = project("locked")
    words = ("submit", study.name, "--set", f"runs={tmp_path}/runs", "--address")
    cases = (
        (cluster.dashboard, {}, "asks for a token, and none is given"),
        (cluster.dashboard, {"RAY_AUTH_TOKEN": "wrong" * 8}, "does not accept the token"),
        (cluster.dashboard, {"RAY_AUTH_TOKEN_PATH": "/nowhere"}, "token's file cannot be read"),
        (cluster.dashboard, {"RAY_AUTH_MODE": "token"}, "asks for a token, and there is none"),
        ("http://127.0.0.1:9", _token(cluster), "no Ray dashboard answers"),
        ("ray://127.0.0.1:10001", _token(cluster), "is no HTTP address"),
    )
    for address, env, message in cases:
        began = time.monotonic()
        done = run_hpo(*words, address, env=env)
        assert done.returncode == 2 and message in done.stderr, done.stderr
        assert "Traceback" not in done.stderr and time.monotonic() - began < 15
    assert not (tmp_path / "runs").exists()


def test_the_token_may_lie_in_a_file_and_the_address_in_the_environment(
    project: Callable[..., Path], run_hpo: Any, cluster: RayCluster, tmp_path: Path
) -> None:
    given = ("--set", f"runs={tmp_path}/runs", "--include", "helper.py", "--no-wait")
    (tmp_path / "token").write_text(cluster.token + "\n")
    env = {"RAY_AUTH_TOKEN_PATH": str(tmp_path / "token"), "RAY_API_SERVER_ADDRESS": cluster.dashboard}
    done = run_hpo("submit", project("tidy").name, *given, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    # and --address has the last word over the environment, which Ray's own client would prefer
    env["RAY_API_SERVER_ADDRESS"] = "http://127.0.0.1:9"
    done = run_hpo("submit", project("named").name, *given, "--address", cluster.dashboard, env=env)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_cluster_without_hpo_is_told_and_install_sends_it_along(
    project: Callable[..., Path], submit: Any, tmp_path: Path
) -> None:
    # given a cluster whose Python has all libraries and not this package
    study = project("bare")
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin" / "python"
    base, libraries = Path(sys.base_prefix) / "bin" / "python3", sysconfig.get_path("purelib")
    python.write_text(f'#!/bin/sh\nPYTHONPATH="$PYTHONPATH:{libraries}" exec {base} "$@"\n')
    python.chmod(0o755)
    env = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
    # then the reason and the two ways out are told
    done = submit(study.name, "--env", "PATH", env=env)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "hpo is not installed on the cluster" in done.stderr and "--install" in done.stderr
    # and with --install it runs, with the package as it is here
    done = submit(study.name, "--env", "PATH", "--install", env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(trials(study)) == 3

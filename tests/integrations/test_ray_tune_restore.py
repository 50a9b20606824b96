"""A driver of Ray Tune that is killed and restored: every trial is accounted for, and none is told twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

pytest.importorskip("ray")
from ray import tune

from hpo.integrations.ray_tune import StudyScheduler, StudySearch
from tests.integrations.ten_trials import SPACE, XS, Ten, asha, loss

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]
DRIVER = Path(__file__).with_name("tune_driver.py")


def start(address: str, folder: Path, how: str, root: Path, saves: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(root), "TUNE_GLOBAL_CHECKPOINT_S": saves}
    command = [sys.executable, str(DRIVER), address, str(folder), how]
    with (folder / f"{how}.log").open("wb") as log:
        return subprocess.Popen(command, env=environment, cwd=root, stdout=log, stderr=log, start_new_session=True)


def trials_in(folder: Path) -> list[FrozenTrial]:
    url = f"sqlite:///{folder / 'killed' / 'study.db'}"
    return optuna.load_study(study_name="killed", storage=url).trials


def wait_until(folder: Path, ended: int) -> None:
    """Until so many trials have been told."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (folder / "killed" / "study.db").exists():
            try:
                if sum(trial.state.is_finished() for trial in trials_in(folder)) >= ended:
                    return
            except Exception:  # the driver is about to make the tables
                pass
        time.sleep(0.05)
    raise AssertionError((folder / "start.log").read_text())


@pytest.mark.parametrize("saves", ["0.3", "1000"], ids=["saved_often", "saved_once"])
def test_a_killed_driver_goes_on_with_what_was_in_flight(saves: str, cluster: str, tmp_path: Path, root: Path) -> None:
    # given a driver that is killed when three of ten trials have ended, and how many seconds Tune's own state lags
    driver = start(cluster, tmp_path, "start", root, saves)
    wait_until(tmp_path, 3)
    os.kill(driver.pid, signal.SIGKILL)
    assert driver.wait(30) == -signal.SIGKILL
    before = trials_in(tmp_path)
    in_flight = {trial.number for trial in before if trial.state is TrialState.RUNNING}
    assert in_flight
    # when Tune restores the experiment
    restored = start(cluster, tmp_path, "restore", root, saves)
    assert restored.wait(120) == 0, (tmp_path / "restore.log").read_text()
    after = trials_in(tmp_path)
    # then what had been told stays as it was, even where Tune ran it once more
    for earlier in before:
        if earlier.number not in in_flight:
            assert after[earlier.number] == earlier
    # and what was in flight was finished as the same trials
    for number in in_flight:
        assert after[number].params == before[number].params
        assert after[number].user_attrs["restarts"] == 1
    # and no trial is left running, none is missing, none is there twice
    assert {trial.state for trial in after} == {TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL}
    assert [trial.params["x"] for trial in after[:10]] == list(XS)
    complete = [trial for trial in after if trial.state is TrialState.COMPLETE]
    assert all(trial.value == pytest.approx(loss(trial.params["x"], 9)) for trial in complete)
    # and Tune, which no longer knew what ended after its last save, ran as many more
    assert len(after) == 10 if saves == "0.3" else 10 < len(after) <= 13


class Crash(tune.Callback):
    """Ends the driver with an error at the second report of the third trial, while the environment says so."""

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        if "TEST_CRASH" in os.environ and len(trials) == 3 and result["training_iteration"] == 2:
            raise RuntimeError("the driver crashed")


def test_trials_that_a_restored_experiment_skips_have_failed(
    cluster: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a driver that crashed while its third trial ran
    monkeypatch.setenv("TUNE_GLOBAL_CHECKPOINT_S", "0")
    monkeypatch.setenv("TEST_CRASH", "1")
    search = StudySearch(SPACE, metric="loss", mode="min", known=[{"x": x} for x in (0.5, 0.1, 0.01, 0.4)])
    tuner = tune.Tuner(
        Ten,
        tune_config=tune.TuneConfig(
            num_samples=4, max_concurrent_trials=1, search_alg=search, scheduler=StudyScheduler(search, asha())
        ),
        run_config=tune.RunConfig(name="killed", storage_path=str(tmp_path), verbose=0, callbacks=[Crash()]),
    )
    with pytest.raises(Exception, match="the driver crashed"):
        tuner.fit()
    assert [trial.state.name for trial in trials_in(tmp_path)] == ["COMPLETE", "COMPLETE", "RUNNING"]
    # when Tune takes the experiment up without it
    monkeypatch.delenv("TEST_CRASH")
    tune.Tuner.restore(str(tmp_path / "killed"), Ten, resume_unfinished=False).fit()
    # then it has failed, with what it had shown, and the experiment goes on
    trials = trials_in(tmp_path)
    assert [trial.params["x"] for trial in trials] == [0.5, 0.1, 0.01, 0.4]
    assert (trials[2].state, trials[2].user_attrs["reason"]) == (TrialState.FAIL, "cut")
    assert trials[2].user_attrs["message"] == "Tune took the experiment up again without this trial"
    assert trials[3].state.is_finished()

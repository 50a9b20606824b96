"""Every runner keeps the contract that the driver relies on."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from hpo.config.models import RunnerConfig, StudyConfig
from hpo.objective import Resources, Task
from hpo.records.folder import RunFolder
from hpo.runners.local import LocalRunner
from hpo.runners.protocol import Runner, Started
from hpo.runners.simulated import SimulatedRunner
from hpo.runners.working import open_worker
from hpo.sessions import FunctionObjective
from hpo.testing import RunnerContract, rehearsal


class TestLocal(RunnerContract):
    timely = False  # its docstring says so: it trains when it is asked for messages

    def open_runner(self, config: StudyConfig, folder: RunFolder, capacity: int) -> Runner:
        return LocalRunner(open_worker("local", config, None, folder, Resources()))


class TestSimulated(RunnerContract):
    capacity = 3
    judges = False  # it does not score
    timely = False  # its clock jumps to the next message

    def open_runner(self, config: StudyConfig, folder: RunFolder, capacity: int) -> Runner:
        train = FunctionObjective(rehearsal, Task()).train
        return SimulatedRunner(train, lambda trial, progress: 1.0, capacity)

    def lose_worker(self, runner: Runner, started: Started) -> None:
        assert isinstance(runner, SimulatedRunner)
        runner.kill(started.number)


@pytest.fixture(scope="module")
def own_ray() -> Iterator[Any]:
    """One Ray on this machine for all the runners of this module, ended with it."""
    for name, value in (("RAY_AUTH_MODE", "token"), ("RAY_AUTH_TOKEN", secrets.token_hex(16))):
        os.environ.setdefault(name, value)  # Ray reads them once a process
    from hpo.runners.ray_cluster import imported

    ray = imported()
    ray.init(
        "local", num_cpus=3, include_dashboard=False, object_store_memory=80 * 2**20, log_to_driver=False,
        logging_level="ERROR",
    )  # fmt: skip
    yield ray
    ray.shutdown()


@pytest.mark.ray
@pytest.mark.xdist_group("ray")
@pytest.mark.usefixtures("own_ray")
class TestRay(RunnerContract):
    capacity = 2
    patience = 120.0

    def open_runner(self, config: StudyConfig, folder: RunFolder, capacity: int) -> Runner:
        from hpo.runners.ray_opening import open_ray_runner

        runner = RunnerConfig(name="ray", max_workers=capacity, cpus_per_trial=1)
        return open_ray_runner(config.model_copy(update={"runner": runner}), None, folder)

    def lose_worker(self, runner: Runner, started: Started) -> None:
        from hpo.runners.ray import RayRunner

        assert isinstance(runner, RayRunner)
        held = next(seat for seat in runner._seats if seat.trial and seat.trial.number == started.number)
        os.kill(held.process, signal.SIGKILL)

"""Every runner keeps the contract that the driver relies on."""

from __future__ import annotations

from hpo.config.models import StudyConfig
from hpo.objective import Resources, Task
from hpo.records.folder import RunFolder
from hpo.runners.local import LocalRunner
from hpo.runners.opening import open_worker
from hpo.runners.protocol import Runner, Started
from hpo.runners.simulated import SimulatedRunner
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

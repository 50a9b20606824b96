"""The simulated clock: durations from tables, workers that die, come and go; the same every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.objective import Task, Trial
from hpo.runners.protocol import Ended, Lost, Message, Reported, Started
from hpo.runners.simulated import Death, SimulatedRunner
from hpo.sessions import FunctionObjective
from hpo.testing import rehearsal

TRAIN = FunctionObjective(rehearsal, Task()).train


def submit(runner: SimulatedRunner, folder: Path, *numbers: int, **params: Any) -> None:
    for number in numbers:
        runner.submit(Trial(number, params, 1, folder / str(number), searched=params))


def told(runner: SimulatedRunner) -> list[tuple[float, Message]]:
    found: list[tuple[float, Message]] = []
    while messages := runner.messages(0.0):
        found += [(runner.now, message) for message in messages]
    return found


def ends(messages: list[tuple[float, Message]]) -> dict[int, float]:
    return {message.number: at for at, message in messages if isinstance(message, Ended)}


def test_seconds_may_stand_in_a_list_by_evaluation(tmp_path: Path) -> None:
    runner = SimulatedRunner(TRAIN, [1.0, 2.0, 4.0, 8.0], 1)
    submit(runner, tmp_path, 0)
    assert [at for at, message in told(runner) if isinstance(message, Reported)] == [1.0, 3.0, 7.0, 15.0]


def test_seconds_may_stand_in_a_table_by_trial_and_evaluation(tmp_path: Path) -> None:
    table = {(number, step): number * 10.0 + step for number in (0, 1) for step in (1, 2, 3, 4)}
    runner = SimulatedRunner(TRAIN, table, 2)
    submit(runner, tmp_path, 0, 1)
    assert ends(told(runner)) == {0: 10.0, 1: 50.0}


def test_a_dead_worker_loses_its_trial_and_what_it_had_not_saved(tmp_path: Path) -> None:
    runner = SimulatedRunner(TRAIN, lambda trial, progress: 10.0, 2, [Death(25.0, 1, away=100.0)])
    submit(runner, tmp_path, 0, 1)
    messages = told(runner)
    assert [(at, m) for at, m in messages if isinstance(m, Lost)] == [
        (25.0, Lost(1, 1, "died", "simulated worker 1 died", True, 5.0))
    ]
    assert ends(messages) == {0: 40.0}
    assert runner.capacity == 1


def test_a_worker_comes_back_after_its_death(tmp_path: Path) -> None:
    runner = SimulatedRunner(TRAIN, lambda trial, progress: 10.0, 1, [Death(15.0, 0, away=7.0)])
    submit(runner, tmp_path, 0)
    while not isinstance(runner.messages(0.0)[0], Lost):
        pass
    submit(runner, tmp_path, 0)
    again = told(runner)
    assert [at for at, m in again if isinstance(m, Started)] == [22.0] and ends(again) == {0: 62.0}


def test_machines_come_and_go_by_plan(tmp_path: Path) -> None:
    runner = SimulatedRunner(TRAIN, lambda trial, progress: 10.0, {0.0: 1, 5.0: 3, 25.0: 1})
    submit(runner, tmp_path, 0, 1, 2)
    messages = told(runner)
    begun = {m.number: at for at, m in messages if isinstance(m, Started)}
    assert begun == {0: 0.0, 1: 5.0, 2: 5.0}
    lost = {m.number: (at, m.reason, m.counts) for at, m in messages if isinstance(m, Lost)}
    assert lost == {1: (25.0, "preempted", False), 2: (25.0, "preempted", False)}
    assert ends(messages) == {0: 40.0}


def test_ten_thousand_stops_cost_no_more_each_than_ten(tmp_path: Path) -> None:
    runner = SimulatedRunner(TRAIN, lambda trial, progress: 1.0, 10_000)
    numbers = range(10_000)
    submit(runner, tmp_path, *numbers, steps=5)
    for number in numbers:
        runner.stop(number)
    assert len(runner._queue) <= 3 * len(numbers)
    found = told(runner)
    assert {m.number for _, m in found if isinstance(m, Ended) and m.state == "stopped"} == set(numbers)
    assert not [m for _, m in found if isinstance(m, Reported)]

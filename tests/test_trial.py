"""A worker keeps the evaluation that counts, stops early by the rule, and goes on from checkpoints."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.config.models import ObjectiveConfig
from hpo.config.training import EarlyStopping
from hpo.objective import Footprint, Outputs, Progress, Task, Trial
from hpo.runners.local import LocalRunner
from hpo.runners.protocol import Checkpointed, Ended, Message, Reported, Started
from hpo.runners.worker import Worker
from hpo.sessions import GeneratorSession
from hpo.trial import Rules


class Scripted:
    """An Objective that shows the accuracies it is given, saves them, and can go on from a checkpoint."""

    def __init__(self, *accuracies: float, error: Exception | None = None) -> None:
        self.accuracies, self.error = accuracies, error
        self.closed = 0

    def train(self, trial: Trial) -> Iterator[Progress]:
        done = int((trial.checkpoint / "at").read_text()) if trial.checkpoint else 0
        try:
            for i in range(done, len(self.accuracies)):
                yield Progress(
                    examples=10 * (i + 1),
                    fraction=(i + 1) / len(self.accuracies),
                    metrics={"accuracy": self.accuracies[i]},
                    measurements={"train_tokens": 100.0 * (i + 1)},
                    save=lambda folder, i=i: (folder / "weights").write_text(str(i)),  # type: ignore[misc]
                    checkpoint=lambda folder, i=i: (folder / "at").write_text(str(i + 1)),  # type: ignore[misc]
                )
            if self.error:
                raise self.error
        finally:
            self.closed += 1

    def predict(self, artifact: Path | None, rows: Any) -> Outputs:
        raise AssertionError("not needed here")

    def probe(self, params: Any) -> Footprint | None:
        return None

    def close(self) -> None:
        pass


def worker(objective: Scripted, early: EarlyStopping | None = None) -> LocalRunner:
    primary = ObjectiveConfig(metric="accuracy", direction="maximize")
    rules = Rules(primary, ("accuracy",), early, price_per_device_hour=3.6)
    return LocalRunner(Worker("local", GeneratorSession(objective), Task(), None, rules))


def messages(runner: LocalRunner) -> list[Message]:
    return [message for batch in iter(lambda: runner.messages(0), []) for message in batch]


def run(objective: Scripted, folder: Path, early: EarlyStopping | None = None, **trial: Any) -> list[Message]:
    runner = worker(objective, early)
    runner.submit(Trial(0, {}, 0, folder, **trial))
    return messages(runner)


def test_without_early_stopping_the_last_evaluation_counts(tmp_path: Path) -> None:
    *_, end = run(Scripted(0.2, 0.9, 0.5), tmp_path)
    assert isinstance(end, Ended) and end.state == "complete"
    assert (end.metrics["accuracy"], end.examples) == (0.5, 30)
    assert end.artifact is not None and (end.artifact / "weights").read_text() == "2"


def test_with_early_stopping_the_best_evaluation_counts_and_patience_ends_the_run(tmp_path: Path) -> None:
    objective = Scripted(0.2, 0.9, 0.5, 0.6, 0.95)
    *before, end = run(objective, tmp_path, EarlyStopping(patience=2))
    assert isinstance(end, Ended) and end.state == "complete"
    assert (end.metrics["accuracy"], end.examples) == (0.9, 20)
    assert end.artifact is not None and (end.artifact / "weights").read_text() == "1"
    assert [m.metrics["accuracy"] for m in before if isinstance(m, Reported)] == [0.2, 0.9, 0.5, 0.6]
    assert objective.closed == 1


def test_an_improvement_below_min_delta_does_not_count(tmp_path: Path) -> None:
    *_, end = run(Scripted(0.50, 0.505, 0.509, 0.9), tmp_path, EarlyStopping(patience=2, min_delta=0.01))
    assert isinstance(end, Ended) and end.metrics["accuracy"] == 0.50


def test_a_stop_closes_the_training_and_is_answered(tmp_path: Path) -> None:
    objective = Scripted(0.2, 0.3, 0.4)
    runner = worker(objective)
    runner.submit(Trial(0, {}, 0, tmp_path))
    while not isinstance(runner.messages(0)[0], Reported):
        pass
    runner.stop(0)
    assert objective.closed == 1
    rest = messages(runner)
    assert [type(m) for m in rest] == [Ended] and rest[0].state == "stopped"  # type: ignore[union-attr]


def test_the_next_trial_begins_after_one_that_broke(tmp_path: Path) -> None:
    runner = worker(Scripted(0.2, error=ValueError("no such column")))
    runner.submit(Trial(0, {}, 0, tmp_path))
    runner.submit(Trial(1, {}, 0, tmp_path))
    ends = [m for m in messages(runner) if isinstance(m, Ended)]
    assert [(e.number, e.state, e.reason) for e in ends] == [(0, "failed", "exception"), (1, "failed", "exception")]
    assert ends[0].message == "ValueError: no such column"


@pytest.mark.parametrize("error", [MemoryError("x"), type("OutOfMemoryError", (RuntimeError,), {})("CUDA")])
def test_out_of_memory_is_told_from_other_errors(tmp_path: Path, error: Exception) -> None:
    *_, end = run(Scripted(error=error), tmp_path)
    assert isinstance(end, Ended) and end.reason == "out_of_memory"


def test_a_metric_that_is_no_number_fails_the_trial_at_once(tmp_path: Path) -> None:
    *before, end = run(Scripted(0.2, float("nan"), 0.9), tmp_path)
    assert isinstance(end, Ended) and (end.state, end.reason, end.message) == ("failed", "nan", "accuracy is nan")
    assert sum(isinstance(m, Reported) for m in before) == 1


def test_going_on_from_a_checkpoint_equals_an_undisturbed_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hpo.trial._CHECKPOINT_SHARE", 1e9)  # a checkpoint at every evaluation
    script, rule = (0.2, 0.9, 0.5, 0.6, 0.7), EarlyStopping(patience=3)
    (tmp_path / "calm").mkdir()
    *_, calm = run(Scripted(*script), tmp_path / "calm", rule)
    first = worker(Scripted(*script), rule)
    (tmp_path / "killed").mkdir()
    first.submit(Trial(0, {}, 0, tmp_path / "killed"))
    checkpoint = None
    while checkpoint is None or checkpoint.examples < 30:
        [message] = first.messages(0)
        checkpoint = message if isinstance(message, Checkpointed) else checkpoint
    *_, resumed = run(Scripted(*script), tmp_path / "killed", rule, attempt=2, checkpoint=checkpoint.path)
    assert isinstance(calm, Ended) and isinstance(resumed, Ended)
    assert (resumed.metrics, resumed.examples, resumed.state) == (calm.metrics, calm.examples, calm.state)
    assert resumed.artifact is not None and (resumed.artifact / "weights").read_text() == "1"
    assert resumed.measurements["train_tokens"] == calm.measurements["train_tokens"]


def test_what_a_run_cost_is_measured(tmp_path: Path) -> None:
    messages_seen = run(Scripted(0.2, 0.3), tmp_path)
    assert isinstance(messages_seen[0], Started)
    *_, end = messages_seen
    assert isinstance(end, Ended)
    spent = end.measurements
    assert 0 < spent["train_seconds"] <= spent["device_seconds"] < 60
    assert spent["cost_usd"] == pytest.approx(spent["device_seconds"] / 1000)
    assert spent["tokens_per_second"] == pytest.approx(200 / spent["train_seconds"])
    assert spent["peak_memory_gb"] > 0.01


def test_the_clock_of_a_trial_admitted_later_counts_its_training(tmp_path: Path) -> None:
    class Slow(Scripted):
        def train(self, trial: Trial) -> Iterator[Progress]:
            time.sleep(0.05)
            yield from super().train(trial)

    runner = worker(Slow(0.5))
    runner.submit(Trial(0, {}, 0, tmp_path))
    ends: list[Ended] = []
    while len(ends) < 2:
        for message in runner.messages(0):
            if isinstance(message, Ended):
                ends.append(message)
                runner.submit(Trial(1, {}, 0, tmp_path))
    assert all(end.measurements["train_seconds"] >= 0.05 for end in ends)

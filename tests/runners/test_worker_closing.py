"""What is measured only where an evaluation may count: when it is asked for, what it becomes, what its failure is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpo.config.models import ObjectiveConfig
from hpo.config.training import EarlyStopping
from hpo.data.rows import Rows
from hpo.errors import TrialFailure
from hpo.evaluators.score import Scorecard
from hpo.objective import Footprint, Outputs, Progress, Task, Trial
from hpo.runners.local import LocalRunner
from hpo.runners.protocol import Ended, Message, Reported
from hpo.runners.worker import Worker
from hpo.sessions import GeneratorSession
from hpo.trial import Rules

EXAM = "lm_eval:exam:acc"
LABELS = ("no", "yes")


def rows(n: int) -> Rows:
    labels = [LABELS[i % 2] for i in range(n)]
    return Rows(pd.DataFrame({"id": [str(i) for i in range(n)], "text": labels, "label": labels}), "text_label")


def outputs(right: int, n: int) -> Outputs:
    """Of n rows the first ``right`` are answered rightly."""
    answers = [LABELS[i % 2 if i < right else 1 - i % 2] for i in range(n)]
    return Outputs(rows(n).ids, np.array(answers, dtype=object), labels=LABELS)


class Scripted:
    """Shows how many of ten validation rows it gets right; of the ten training rows always nine."""

    def __init__(self, *right: int, closing: Callable[[int], Mapping[str, float]] | None = None) -> None:
        self.right, self.asked = right, list[int]()
        self._closing = closing or (lambda at: {"forgetting": at / 10, EXAM: at / 4})

    def train(self, trial: Trial) -> Iterator[Progress]:
        for at, right in enumerate(self.right, 1):
            yield Progress(
                examples=at,
                fraction=at / len(self.right),
                outputs=outputs(right, 10),
                train_outputs=lambda: outputs(9, 10),
                closing=lambda at=at: self._measured(at),  # type: ignore[misc]
            )

    def _measured(self, at: int) -> Mapping[str, float]:
        self.asked.append(at)
        return self._closing(at)

    def predict(self, artifact: Path | None, given: Any) -> Outputs:
        return outputs(2, 10)

    def base_closing(self) -> Mapping[str, float]:
        return {"forgetting": 0.0, EXAM: 0.25}

    def probe(self, params: Any) -> Footprint | None:
        return None

    def close(self) -> None:
        pass


def worker(objective: Any, early: EarlyStopping | None = None, direction: str = "maximize") -> Worker:
    task = Task("classification", train=rows(10), validation=rows(10), labels=LABELS, harness=(EXAM,))
    primary = ObjectiveConfig.model_validate({"metric": "accuracy", "direction": direction})
    rules = Rules(primary, ("accuracy",), early, wanted_last=(EXAM,))
    return Worker("local", GeneratorSession(objective), task, Scorecard("classification", LABELS), rules)


def run(objective: Any, folder: Path, **options: Any) -> list[Message]:
    runner = LocalRunner(worker(objective, **options))
    runner.submit(Trial(0, {}, 0, folder))
    return [message for batch in iter(lambda: runner.messages(0), []) for message in batch]


def ended(messages: list[Message]) -> Ended:
    end = messages[-1]
    assert isinstance(end, Ended)
    return end


def test_it_is_measured_once_at_the_end_of_a_run(tmp_path: Path) -> None:
    objective = Scripted(4, 5, 6)
    messages = run(objective, tmp_path)
    assert objective.asked == [3]
    end = ended(messages)
    assert (end.metrics["accuracy"], end.metrics[EXAM], end.measurements["forgetting"]) == (0.6, 0.75, 0.3)
    assert end.measurements["train_accuracy"] == 0.9 and end.measurements["overfitting"] == pytest.approx(0.3)
    early = [message for message in messages if isinstance(message, Reported)][:-1]
    assert all(EXAM not in message.metrics and "overfitting" not in message.measurements for message in early)


def test_a_larger_gap_is_a_larger_number_whichever_way_the_metric_goes(tmp_path: Path) -> None:
    assert ended(run(Scripted(6), tmp_path, direction="minimize")).measurements["overfitting"] == pytest.approx(-0.3)


def test_with_early_stopping_it_belongs_to_the_evaluation_that_is_kept(tmp_path: Path) -> None:
    objective = Scripted(4, 7, 6, 5, 9)
    end = ended(run(objective, tmp_path, early=EarlyStopping(patience=2)))
    assert objective.asked == [1, 2]
    assert (end.metrics["accuracy"], end.metrics[EXAM], end.measurements["forgetting"]) == (0.7, 0.5, 0.2)
    assert end.measurements["overfitting"] == pytest.approx(0.2)


def test_a_run_without_a_wanted_number_has_failed(tmp_path: Path) -> None:
    end = ended(run(Scripted(4, 5, closing=lambda at: {}), tmp_path))
    assert (end.state, end.reason, end.message) == ("failed", "nan", f"{EXAM} is missing")


@pytest.mark.parametrize(
    ("error", "reason", "message"),
    [
        (TrialFailure("out_of_memory", "the device is full"), "out_of_memory", "the device is full"),
        (ValueError("no such thing"), "exception", "failed at its last evaluation: ValueError: no such thing"),
    ],
)
def test_what_goes_wrong_there_is_the_trials_failure(
    error: Exception, reason: str, message: str, tmp_path: Path
) -> None:
    def broken(at: int) -> Mapping[str, float]:
        raise error

    end = ended(run(Scripted(4, 5, closing=broken), tmp_path))
    assert (end.state, end.reason) == ("failed", reason) and message in end.message


def test_outputs_on_rows_that_are_no_training_rows_are_refused(tmp_path: Path) -> None:
    class Strange(Scripted):
        def train(self, trial: Trial) -> Iterator[Progress]:
            strange = Outputs(np.array(["x"], dtype=object), np.array(["no"], dtype=object), labels=LABELS)
            yield Progress(examples=1, fraction=1.0, outputs=outputs(5, 10), train_outputs=lambda: strange)

    end = ended(run(Strange(5), tmp_path))
    assert end.state == "failed" and "a row 'x' that is none of them" in end.message


def test_the_base_is_measured_the_same_way() -> None:
    reference = worker(Scripted(5)).reference("base")
    assert reference is not None
    assert (reference.metrics["accuracy"], reference.metrics[EXAM]) == (0.2, 0.25)
    assert reference.measurements["forgetting"] == 0.0 and "overfitting" not in reference.measurements

"""The contract suites pass for what is ready here, and fail for what is broken in a known way."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpo.config.models import StudyConfig
from hpo.data.rows import Rows
from hpo.evaluators.protocol import Evaluator, ExampleScores, Metric
from hpo.evaluators.registry import EVALUATORS
from hpo.objective import Objective, Outputs, Progress, Task, Trial
from hpo.records.folder import RunFolder
from hpo.runners.protocol import Ended, Message, Reported, Runner
from hpo.runners.simulated import SimulatedRunner
from hpo.sessions import FunctionObjective
from hpo.testing import EvaluatorContract, ObjectiveContract, RunnerContract, rehearsal

LABELS = ("ant", "bee", "cat")


def outputs_for(ids: Any, prediction: Any, chance: np.random.Generator, **more: Any) -> Outputs:
    n = len(ids)
    tokens = chance.integers(1, 9, n)
    passed = chance.integers(0, 13, n)
    return Outputs(
        ids, np.array(prediction, dtype=object), nll_sum=chance.exponential(2.0, n) * tokens, n_tokens=tokens,
        n_bytes=tokens * 4, choice_scores=chance.normal(size=(n, 3)), choice_bytes=chance.integers(4, 30, (n, 3)) * 1.0,
        n_samples=np.full(n, 12), n_passed=passed, ratings=chance.integers(1, 6, (n, 5, 3)) * 1.0,
        seconds=chance.exponential(0.1, n), **more,
    )  # fmt: skip


def classified(n: int, seed: int) -> tuple[Rows, Outputs]:
    chance = np.random.default_rng(seed)
    labels = chance.choice(LABELS, n)
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "text": "words", "label": labels})
    frame["choices"] = [list(LABELS)] * n
    predicted = [chance.choice([label, *LABELS]) for label in labels]
    more = {"probabilities": chance.dirichlet(np.ones(3), n), "labels": LABELS}
    return Rows(frame, "text_label"), outputs_for(frame["id"].to_numpy(object), predicted, chance, **more)


def ranked(n: int, seed: int) -> tuple[Rows, Outputs]:
    """Two classes, with a score of the second."""
    rows, outputs = classified(n, seed)
    frame = rows.frame.assign(label=[label if label != "cat" else "bee" for label in rows.frame["label"]])
    score = np.random.default_rng(seed).normal(size=n)
    return replace(rows, frame=frame), replace(outputs, labels=LABELS[:2], probabilities=None, score=score)


def counted(n: int, seed: int) -> tuple[Rows, Outputs]:
    chance = np.random.default_rng(seed)
    target = chance.exponential(3.0, n)
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "text": "words", "label": target})
    return Rows(frame, "text_label"), outputs_for(frame["id"].to_numpy(object), target + chance.random(n), chance)


def written(n: int, seed: int) -> tuple[Rows, Outputs]:
    chance = np.random.default_rng(seed)
    words = ["the answer is 7", "a red house", "seven", "7", "rain and storm", "no"]
    said, wanted = ([words[i] for i in chance.integers(0, len(words), n)] for _ in range(2))
    frame = pd.DataFrame({"id": [f"r{i}" for i in range(n)], "text": "a question", "reference": wanted})
    frame["label"] = chance.integers(0, 3, n).astype(str)
    return Rows(frame, "instruction"), outputs_for(
        frame["id"].to_numpy(object), said, chance, score=chance.normal(size=n)
    )


EXAMPLES = {"classification": classified, "regression": counted, "instruction": written, "language_modeling": written}


def contract_of(evaluator: Evaluator, example: Callable[[int, int], tuple[Rows, Outputs]]) -> type[EvaluatorContract]:
    class Contract(EvaluatorContract):
        def open_evaluator(self) -> Evaluator:
            return evaluator

        def example(self, n: int, seed: int) -> tuple[Rows, Outputs]:
            return example(n, seed)

    return Contract


for _task, _group in EVALUATORS.items():
    for _evaluator in _group:
        _example = {"ranking_score": ranked}.get(_evaluator.name, EXAMPLES[_task])
        if "choices" in _evaluator.needs:  # labels are numbers of choices
            _example = written
        globals()[f"Test_{_task}_{_evaluator.name}"] = contract_of(_evaluator, _example)


class TestSklearn(ObjectiveContract):
    """The classical baseline, fitted for real."""

    def open_objective(self) -> Objective:
        frames = [self._frame(60, 0), self._frame(30, 1)]
        train, validation = (Rows(frame, "text_label") for frame in frames)
        task = Task("classification", train=train, validation=validation, labels=("music", "weather"))
        module: Any = importlib.import_module("hpo.objectives.sklearn_classifier")
        opened: Objective = module.open_objective(task)
        return opened

    def trial(self, folder: Path) -> Trial:
        return Trial(0, {}, 7, folder)

    def rows(self) -> Rows:
        return Rows(self._frame(30, 1), "text_label")

    def _frame(self, n: int, seed: int) -> pd.DataFrame:
        chance = np.random.default_rng(seed)
        words = {"music": ["violin", "choir", "drum"], "weather": ["storm", "rain", "frost"]}
        labels = [("music", "weather")[i % 2] for i in range(n)]
        texts = [
            " ".join([*chance.choice(words[label], 2), *chance.choice(["the", "of", "old"], 4)]) for label in labels
        ]
        return pd.DataFrame({"id": [f"{seed}-{i}" for i in range(n)], "text": texts, "label": labels})


class TestFunction(ObjectiveContract):
    """A generator with checkpoints."""

    function: Callable[..., Any] = staticmethod(rehearsal)

    def open_objective(self) -> Objective:
        return FunctionObjective(self.function, Task())

    def trial(self, folder: Path) -> Trial:
        return Trial(0, {}, 7, folder)


# Broken ones


def fails(contract: Any, test: str, *arguments: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        getattr(contract, test)(*arguments)
    return str(caught.value)


def backwards(params: Any, trial: Trial) -> Iterator[Progress]:
    yield from reversed([*rehearsal(params, trial)])


def half(params: Any, trial: Trial) -> Iterator[Progress]:
    yield from [*rehearsal(params, trial)][:2]


def forgetful(params: Any, trial: Trial) -> Iterator[Progress]:
    """Begins again where it should go on."""
    yield from rehearsal(params, replace(trial, checkpoint=None))


def restless(params: Any, trial: Trial) -> Iterator[Progress]:
    """Depends on more than its seed."""
    for progress in rehearsal(params, trial):
        restless.calls = getattr(restless, "calls", 0) + 1  # type: ignore[attr-defined]
        yield replace(progress, metrics={"loss": 1.0 / restless.calls})  # type: ignore[attr-defined]


def per_step(params: Any, trial: Trial) -> Iterator[Progress]:
    for progress in rehearsal(params, trial):
        yield replace(progress, measurements={"train_seconds": 1 / progress.examples})


@pytest.mark.parametrize(
    ("function", "test", "says"),
    [
        (backwards, "test_evaluations_go_forward_and_come_to_the_end", "examples: [4, 3, 2, 1]"),
        (half, "test_evaluations_go_forward_and_come_to_the_end", "at 0.5 of the trial"),
        (forgetful, "test_a_resumed_trial_ends_as_an_undisturbed_one", "does not go on where it was"),
        (restless, "test_the_same_trial_again_gives_the_same", "after"),
        (per_step, "test_measurements_are_numbers_that_do_not_fall", "train_seconds falls"),
    ],
)
def test_the_suite_fails_for_a_broken_objective(
    tmp_path: Path, function: Callable[..., Any], test: str, says: str
) -> None:
    contract = TestFunction()
    contract.function = function
    assert says in fails(contract, test, tmp_path)


class Length:
    """How long predictions are; each fault of it is one keyword."""

    name = "length"
    needs = frozenset({"prediction"})

    def __init__(self, fault: str = "") -> None:
        self.fault, self._calls = fault, 0
        reduce = {"first": self._first, "calls": self._drifting, "plain": lambda stats, weights: stats["n"].mean()}
        self.metrics = (
            Metric("mean_length", "minimize", reduce.get(fault, self._mean), rows=self._rows),  # type: ignore[arg-type]
        )

    def prepare(self, reference: Rows | None) -> None:
        return None

    def score(self, data: Rows, outputs: Outputs | None, state: Any) -> ExampleScores:
        assert outputs is not None and outputs.prediction is not None
        lengths = np.array([float(len(text)) for text in outputs.prediction])
        if self.fault == "turned":
            lengths = lengths[::-1]
        if self.fault == "cumulative":
            lengths = np.cumsum(lengths)
        if self.fault == "writes":
            outputs.prediction[0] = "longer than it was"
        return ExampleScores(data.ids, {"n": lengths[:-1] if self.fault == "short" else lengths})

    def _mean(self, stats: Any, weights: Any) -> float:
        return float(np.average(stats["n"], weights=weights))

    def _first(self, stats: Any, weights: Any) -> float:
        return float(stats["n"][0])

    def _drifting(self, stats: Any, weights: Any) -> float:
        self._calls += 1
        return float(self._mean(stats, weights) + self._calls)

    def _rows(self, stats: Any) -> Any:
        return stats["n"] * (2 if self.fault == "double" else 1)


@pytest.mark.parametrize(
    ("fault", "test", "says"),
    [
        ("calls", "test_a_metric_is_a_function_of_the_rows", "another number each time"),
        ("first", "test_a_metric_is_a_function_of_the_rows", "depends on the order of the rows"),
        ("plain", "test_a_weight_counts_a_row_so_many_times", "by weight"),
        ("double", "test_the_shorter_ways_to_a_metric_lead_to_the_same_number", "the mean of rows is not mean_length"),
        ("cumulative", "test_a_row_s_statistics_do_not_depend_on_the_order_of_the_rows", "order of the rows"),
        ("short", "test_every_row_has_its_statistics_in_the_order_of_the_rows", "shapes"),
        ("writes", "test_scoring_again_gives_the_same_and_changes_nothing", "scoring"),
    ],
)
def test_the_suite_fails_for_a_broken_evaluator(fault: str, test: str, says: str) -> None:
    assert says in fails(contract_of(Length(fault), written)(), test)


@pytest.mark.parametrize("test", [name for name in vars(EvaluatorContract) if name.startswith("test_")])
def test_the_suite_passes_for_a_sound_evaluator_of_one_s_own(test: str) -> None:
    getattr(contract_of(Length(), written)(), test)()


class Broken(SimulatedRunner):
    """A simulated runner with one fault."""

    fault = ""

    @property
    def capacity(self) -> int:
        return super().capacity + (self.fault == "narrow")

    def messages(self, timeout: float) -> list[Message]:
        found = super().messages(timeout)
        changed: list[Message] = []
        for message in found:
            changed += self._changed(message)
        return changed

    def stop(self, number: int) -> None:
        if self.fault == "deaf":
            return
        if self.fault == "strict" and number not in self._running:
            raise KeyError(number)
        super().stop(number)

    def _changed(self, message: Message) -> list[Message]:
        if self.fault == "twice" and isinstance(message, Ended):
            return [message, message]
        if self.fault == "late" and isinstance(message, Ended):
            return [message, Reported(message.number, message.attempt, 99, 1.0, {"loss": 0.0})]
        if self.fault == "dumb" and isinstance(message, Ended):
            return [replace(message, reason="exception" if message.state == "failed" else "")]
        if self.fault == "first" and isinstance(message, Reported | Ended):
            return [replace(message, attempt=1)]
        if self.fault == "step" and isinstance(message, Reported):
            return [replace(message, measurements={"train_seconds": 1 / message.examples, "device_seconds": 1.0})]
        return [message]


class OfBroken(RunnerContract):
    """The suite on a broken runner."""

    capacity, patience, judges, timely = 2, 1.0, False, False

    def __init__(self, fault: str) -> None:
        self.fault = fault

    def open_runner(self, config: StudyConfig, folder: RunFolder, capacity: int) -> Runner:
        workers = 1 if self.fault == "narrow" else capacity
        runner = Broken(FunctionObjective(rehearsal, Task()).train, lambda trial, progress: 1.0, workers)
        runner.fault = self.fault
        return runner


@pytest.mark.parametrize(
    ("fault", "test", "says"),
    [
        ("twice", "test_a_trial_tells_its_start_each_evaluation_and_one_end", "told"),
        ("twice", "test_a_stop_that_comes_too_late_is_harmless", "follows the end of its attempt"),
        ("late", "test_a_stop_is_answered_by_one_end_and_nothing_follows", "follows the end of its attempt"),
        ("deaf", "test_a_stop_is_answered_by_one_end_and_nothing_follows", "waited"),
        ("dumb", "test_a_failing_trial_tells_why_and_the_others_go_on", "ended as"),
        ("first", "test_a_resumed_trial_goes_on_where_its_checkpoint_was_written", "waited"),
        ("step", "test_measurements_are_cumulative", "train_seconds is not cumulative"),
        ("narrow", "test_as_many_trials_train_at_once_as_the_capacity_says", "waited"),
    ],
)
def test_the_suite_fails_for_a_broken_runner(tmp_path: Path, fault: str, test: str, says: str) -> None:
    assert says in fails(OfBroken(fault), test, tmp_path)


def test_the_suite_fails_for_a_runner_that_takes_a_late_stop_amiss(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        OfBroken("strict").test_a_stop_that_comes_too_late_is_harmless(tmp_path)

"""What every Runner must do, as tests: the driver relies on each of these and checks none of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hpo.config.models import StudyConfig
from hpo.objective import Footprint
from hpo.records.folder import RunFolder
from hpo.runners.protocol import Checkpointed, Ended, Lost, Reference, Reported, Runner, Started
from hpo.testing.listening import Heard, check, check_order, seconds
from hpo.testing.rehearsal import METRIC, REHEARSAL


class RunnerContract:
    """Subclass it in a test file as ``TestMine`` and override ``open_runner``.

    Attributes:
        capacity: how many trials the runners opened here hold at once, where a test does not say.
        patience: seconds after which a test gives up waiting for a message.
        judges: whether the runner refuses a metric that is not a number; one that does not score cannot.
        timely: whether ``messages`` returns within its timeout while a trial trains.
    """

    capacity = 1
    patience = 60.0
    judges = True
    timely = True

    def open_runner(self, config: StudyConfig, folder: RunFolder, capacity: int) -> Runner:
        """A runner for a study of ``hpo.testing.rehearsal`` that runs ``capacity`` trials at once."""
        raise NotImplementedError

    def lose_worker(self, runner: Runner, started: Started) -> None:
        """End the worker that has started a trial, as a crash would; override it where a worker can be lost."""
        import pytest

        pytest.skip("this runner's workers cannot be lost without the driver")

    def test_a_trial_tells_its_start_each_evaluation_and_one_end(self, tmp_path: Path) -> None:
        """Started, four evaluations, Ended; nothing more."""
        with self._listening(tmp_path) as heard:
            heard.submit(3)
            ended = heard.end(3)
            heard.quiet()
            told = [type(m) for m in heard.of(3) if not isinstance(m, Checkpointed)]
            check(told == [Started, *[Reported] * 4, Ended], f"told {told}")
            check((ended.state, ended.reason) == ("complete", ""), f"ended as {ended}")
            check(ended.metrics == {METRIC: 0.25} and ended.examples == 4, f"the last evaluation counts, not {ended}")
            curve = [(m.examples, m.fraction, m.metrics[METRIC]) for m in heard.reports(3)]
            check(curve == [(n, n / 4, 1 / n) for n in range(1, 5)], f"evaluations {curve}")

    def test_measurements_are_cumulative(self, tmp_path: Path) -> None:
        """Seconds never fall from one evaluation to the next, nor at the end."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, pause=0.01)
            ended = heard.end(0)
            for name in ("train_seconds", "device_seconds"):
                values = [*(m.measurements[name] for m in heard.reports(0)), ended.measurements[name]]
                check(values == sorted(values) and values[0] > 0, f"{name} is not cumulative: {values}")

    def test_a_stop_is_answered_by_one_end_and_nothing_follows(self, tmp_path: Path) -> None:
        """Also where it is asked for twice; progress that was on its way never follows the end."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, steps=1000, pause=0.01)
            heard.until(lambda: bool(heard.reports(0)))
            heard.runner.stop(0)
            heard.runner.stop(0)
            ended = heard.end(0)
            heard.quiet()
            check(ended.state == "stopped", f"ended as {ended}")
            heard.submit(1)
            check(heard.end(1).state == "complete", "the place of a stopped trial is not free again")

    def test_a_stop_that_comes_too_late_is_harmless(self, tmp_path: Path) -> None:
        """Of a trial that has ended, and of one that was never submitted."""
        with self._listening(tmp_path) as heard:
            heard.submit(0)
            heard.end(0)
            heard.runner.stop(0)
            heard.runner.stop(99)
            heard.quiet()
            heard.submit(1)
            check(heard.end(1).state == "complete", "the next trial suffers from a late stop")
            heard.quiet()

    def test_a_trial_stopped_before_it_was_heard_of_ends_too(self, tmp_path: Path) -> None:
        """As stopped, or complete where it was faster."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, steps=3, pause=0.05)
            heard.runner.stop(0)
            ended = heard.end(0)
            heard.quiet()
            check(ended.state in ("stopped", "complete"), f"ended as {ended}")

    def test_a_failing_trial_tells_why_and_the_others_go_on(self, tmp_path: Path) -> None:
        """The reason of a TrialFailure is kept; any other error is an exception, named in the message."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, fails_at=2, reason="diverged")
            diverged = heard.end(0)
            heard.submit(1, fails_at=1)
            broken = heard.end(1)
            heard.submit(2)
            check((diverged.state, diverged.reason) == ("failed", "diverged"), f"ended as {diverged}")
            check("step 2 failed" in diverged.message, f"the message is lost: {diverged.message!r}")
            check((broken.state, broken.reason) == ("failed", "exception"), f"ended as {broken}")
            check("ArithmeticError: step 1 went wrong" in broken.message, f"says {broken.message!r}")
            check(heard.end(2).state == "complete", "a failed trial takes others with it")

    def test_a_trial_without_an_evaluation_has_failed(self, tmp_path: Path) -> None:
        """There is nothing to tell of it."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, steps=0)
            ended = heard.end(0)
            check((ended.state, ended.reason) == ("failed", "exception"), f"ended as {ended}")

    def test_a_metric_that_is_not_a_number_fails_the_trial(self, tmp_path: Path) -> None:
        """The evaluation is not reported."""
        if not self.judges:
            return
        with self._listening(tmp_path) as heard:
            heard.submit(0, nan_at=2)
            ended = heard.end(0)
            heard.quiet()
            check((ended.state, ended.reason) == ("failed", "nan"), f"ended as {ended}")
            check([m.examples for m in heard.reports(0)] == [1], "an evaluation that is not a number was reported")

    def test_a_resumed_trial_goes_on_where_its_checkpoint_was_written(self, tmp_path: Path) -> None:
        """In examples, in what it has used, and under the new attempt's number."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, steps=6, pause=0.05)
            heard.until(lambda: bool(heard.kind(Checkpointed, 0)))
            heard.runner.stop(0)
            heard.end(0)
            saved = heard.kind(Checkpointed, 0)[-1]
            check(saved.path.is_dir(), f"{saved.path} is not there")
            used = next(m for m in heard.reports(0) if m.examples == saved.examples).measurements["device_seconds"]
            heard.submit(0, attempt=2, checkpoint=saved.path, steps=6)
            check(heard.end(0, attempt=2).state == "complete", "the second attempt does not come to its end")
            again = heard.reports(0, attempt=2)
            check([m.examples for m in again] == list(range(saved.examples + 1, 7)), f"went on as {again}")
            check(again[0].measurements["device_seconds"] >= used, "what was used before the checkpoint is forgotten")
            check({m.attempt for m in heard.of(0)} == {1, 2}, "attempts are not told apart")

    def test_as_many_trials_train_at_once_as_the_capacity_says(self, tmp_path: Path) -> None:
        """All are started before one has ended, and each ends once."""
        with self._listening(tmp_path, capacity=max(2, self.capacity) if self.capacity > 1 else 1) as heard:
            heard.until(lambda: heard.runner.capacity >= self.capacity)
            numbers = range(heard.runner.capacity)
            for number in numbers:
                heard.submit(number, steps=1000, pause=0.01)
            heard.until(lambda: all(heard.kind(Started, number) for number in numbers))
            check(not [m for m in heard.messages if isinstance(m, Ended)], "a trial ended before all had started")
            workers = {m.worker for m in heard.messages if isinstance(m, Started)}
            check(len(workers) == len(numbers), f"{len(numbers)} trials at once on {workers}")
            for number in numbers:
                heard.runner.stop(number)
            for number in numbers:
                check(heard.end(number).state == "stopped", "a stop met the wrong trial")

    def test_a_lost_worker_s_trial_is_told_as_lost_and_can_be_submitted_again(self, tmp_path: Path) -> None:
        """Lost in place of Ended; the further attempt comes to its end."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, steps=1000, pause=0.02)
            heard.until(lambda: bool(heard.reports(0)))
            self.lose_worker(heard.runner, heard.kind(Started, 0)[0])
            heard.until(lambda: bool(heard.kind(Lost, 0)))
            lost = heard.kind(Lost, 0)[0]
            check(lost.attempt == 1 and bool(lost.message), f"told {lost}")
            heard.submit(0, attempt=2)
            check(heard.end(0, attempt=2).state == "complete", "the trial does not go on elsewhere")
            heard.quiet()

    def test_messages_returns_in_time_when_nothing_happens(self, tmp_path: Path) -> None:
        """With nothing to do, and while a trial takes long."""
        with self._listening(tmp_path) as heard:
            check(seconds(lambda: heard.runner.messages(0.1)) < 2.0, "an idle runner keeps the driver waiting")
            if self.timely:
                heard.submit(0, pause=3.0)
                heard.until(lambda: bool(heard.kind(Started, 0)))
                check(seconds(lambda: heard.runner.messages(0.1)) < 2.0, "a busy runner keeps the driver waiting")
                heard.runner.stop(0)

    def test_closing_is_harmless_twice_and_while_a_trial_runs(self, tmp_path: Path) -> None:
        """With ``wait=False`` it does not wait for the trial either."""
        with self._listening(tmp_path) as heard:
            heard.submit(0, steps=1000, pause=0.05)
            heard.until(lambda: bool(heard.kind(Started, 0)))
            check(seconds(lambda: heard.runner.close(wait=False)) < 20.0, "closing waits for the trial")
            heard.runner.close()

    def test_probe_and_reference_answer_what_the_driver_can_use(self, tmp_path: Path) -> None:
        """A footprint, a reference under the name asked for, or None."""
        with self._listening(tmp_path) as heard:
            footprint = heard.runner.probe({"steps": 4})
            check(footprint is None or isinstance(footprint, Footprint), f"probe gives {footprint!r}")
            for name in ("base", "classical"):
                found = heard.runner.reference("base" if name == "base" else "classical")
                check(found is None or (isinstance(found, Reference) and found.name == name), f"{name}: {found!r}")

    @contextmanager
    def _listening(self, root: Path, capacity: int | None = None) -> Iterator[Heard]:
        folder = RunFolder(root / "run")
        folder.root.mkdir()
        runner = self.open_runner(rehearsal_study(), folder, capacity or self.capacity)
        try:
            heard = Heard(runner, folder, self.patience)
            yield heard
            check_order(heard.messages)
        finally:
            runner.close(wait=False)


def rehearsal_study() -> StudyConfig:
    """A study of the rehearsal, as a runner is opened for."""
    values = {
        "study": "rehearsal",
        "objective": REHEARSAL,
        "search_space": {"steps": {"type": "int_uniform", "low": 0, "high": 1000, "default": 4}},
        "objectives": [{"metric": METRIC, "direction": "minimize"}],
    }
    return StudyConfig.model_validate(values)

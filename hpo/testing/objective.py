"""What every Objective must do, as tests: search, validation and best/ rely on each of these."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from hpo.data.rows import Rows
from hpo.objective import Footprint, Objective, Outputs, Progress, Trial
from hpo.testing.listening import check

_TOLERANCE = 1e-9


class ObjectiveContract:
    """Subclass it in a test file as ``TestMine`` and override the first two methods.

    Attributes:
        repeatable: whether the same trial twice gives the same numbers to the last digit; False where a device adds
            up in another order each time.
    """

    repeatable = True

    def open_objective(self) -> Objective:
        """A new one, with its task."""
        raise NotImplementedError

    def trial(self, folder: Path) -> Trial:
        """A trial of little work that succeeds; its files go into ``folder``."""
        raise NotImplementedError

    def rows(self) -> Rows | None:
        """The validation rows of the task; None for an objective that does not predict."""
        return None

    def test_it_has_the_methods_of_an_objective(self) -> None:
        """See ``hpo.objective.Objective``."""
        with self._opened() as objective:
            check(isinstance(objective, Objective), f"{type(objective).__name__} lacks a method of Objective")

    def test_evaluations_go_forward_and_come_to_the_end(self, tmp_path: Path) -> None:
        """Examples and fraction rise, and the last evaluation is at the trial's full length."""
        with self._opened() as objective:
            seen = list(objective.train(self.trial(tmp_path)))
        check(bool(seen), "it ends without a single evaluation")
        check(all(isinstance(each, Progress) for each in seen), "it yields something else than Progress")
        for name, values in (("examples", [p.examples for p in seen]), ("fraction", [p.fraction for p in seen])):
            check(values[0] > 0 and all(a < b for a, b in pairwise(values)), f"{name}: {values}")
        check(math.isclose(seen[-1].fraction, 1.0), f"the last evaluation is at {seen[-1].fraction} of the trial")
        check(all(p.metrics or p.outputs is not None for p in seen), "an evaluation has neither metrics nor outputs")

    def test_measurements_are_numbers_that_do_not_fall(self, tmp_path: Path) -> None:
        """Tokens, operations and seconds are totals, not those of the last step."""
        with self._opened() as objective:
            seen = [p.measurements for p in objective.train(self.trial(tmp_path))]
        for name in {name for each in seen for name in each}:
            values = [each[name] for each in seen if name in each]
            check(all(math.isfinite(value) for value in values), f"{name}: {values}")
            if name.startswith("train_"):
                check(values == sorted(values), f"{name} falls: {values}")

    def test_outputs_are_about_the_validation_rows(self, tmp_path: Path) -> None:
        """Each row once, in any order."""
        rows = self.rows()
        with self._opened() as objective:
            for progress in objective.train(self.trial(tmp_path)):
                if progress.outputs is not None and rows is not None:
                    check(sorted(progress.outputs.ids) == sorted(rows.ids), "outputs are about other rows")

    def test_the_same_trial_again_gives_the_same(self, tmp_path: Path) -> None:
        """Also in an objective that has trained something else before: the seed is the trial's."""
        with self._opened() as objective:
            first = list(objective.train(self.trial(_new(tmp_path / "a"))))
            list(objective.train(replace(self.trial(_new(tmp_path / "b")), number=1, seed=99)))
            again = list(objective.train(self.trial(_new(tmp_path / "c"))))
        check(len(first) == len(again), "another number of evaluations")
        for one, other in zip(first, again, strict=True):
            check(one.examples == other.examples and self._alike(one, other), f"{other} after {one}")

    def test_a_run_that_is_closed_gives_way_to_the_next(self, tmp_path: Path) -> None:
        """A stop closes the generator at an evaluation."""
        with self._opened() as objective:
            run = objective.train(self.trial(_new(tmp_path / "a")))
            next(iter(run))
            close = getattr(run, "close", None)
            check(close is not None, "train gives something that cannot be closed; write it as a generator")
            run.close()  # type: ignore[attr-defined]
            check(bool(list(objective.train(self.trial(_new(tmp_path / "b"))))), "the next trial does not train")

    def test_a_saved_artifact_predicts_what_was_reported(self, tmp_path: Path) -> None:
        """The weights saved are those of the evaluation."""
        rows = self.rows()
        with self._opened() as objective:
            for progress in objective.train(self.trial(tmp_path)):
                if progress.save is not None and rows is not None and progress.outputs is not None:
                    artifact = _new(tmp_path / f"artifact-{progress.examples}")
                    progress.save(artifact)
                    predicted = objective.predict(artifact, rows)
                    check(_agree(progress.outputs, predicted), "the artifact predicts something else")

    def test_a_resumed_trial_ends_as_an_undisturbed_one(self, tmp_path: Path) -> None:
        """From the first checkpoint it goes on, and does not begin again."""
        with self._opened() as objective:
            whole = list(objective.train(self.trial(_new(tmp_path / "a"))))
            checkpoint = _new(tmp_path / "checkpoint")
            for progress in objective.train(self.trial(_new(tmp_path / "b"))):
                if progress.checkpoint is not None and progress.fraction < 1:
                    progress.checkpoint(checkpoint)
                    break
            else:
                return  # it writes no checkpoints, and a lost trial begins again
            resumed = replace(self.trial(_new(tmp_path / "c")), attempt=2, checkpoint=checkpoint)
            rest = list(objective.train(resumed))
        later = [p for p in whole if p.examples > progress.examples]
        check([p.examples for p in rest] == [p.examples for p in later], "it does not go on where it was")
        check(self._alike(rest[-1], later[-1]), f"it ends as {rest[-1]}, undisturbed as {later[-1]}")

    def test_probe_answers_what_the_driver_can_use(self, tmp_path: Path) -> None:
        """A footprint, or None where it cannot be told."""
        with self._opened() as objective:
            found = objective.probe(self.trial(tmp_path).params)
        check(found is None or isinstance(found, Footprint), f"probe gives {found!r}")

    @contextmanager
    def _opened(self) -> Iterator[Objective]:
        objective = self.open_objective()
        try:
            yield objective
        finally:
            objective.close()
            objective.close()  # twice is harmless

    def _alike(self, one: Progress, other: Progress) -> bool:
        if not self.repeatable:
            return True
        same = one.metrics.keys() == other.metrics.keys()
        same = same and all(math.isclose(one.metrics[n], other.metrics[n], rel_tol=_TOLERANCE) for n in one.metrics)
        if one.outputs is None or other.outputs is None:
            return same and one.outputs is other.outputs
        return same and _agree(one.outputs, other.outputs)


def _agree(one: Outputs, other: Outputs) -> bool:
    """Whether two outputs say the same of each row, in whatever order."""
    first, second = np.argsort(one.ids), np.argsort(other.ids)
    if list(one.ids[first]) != list(other.ids[second]):
        return False
    for name in ("prediction", "probabilities", "nll_sum", "score"):
        a, b = getattr(one, name), getattr(other, name)
        if a is None or b is None:
            continue
        a, b = a[first], b[second]
        numbers = a.dtype.kind == "f" and b.dtype.kind == "f"
        if not (np.allclose(a, b, rtol=1e-5, atol=1e-7, equal_nan=True) if numbers else list(a) == list(b)):
            return False
    return True


def _new(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder

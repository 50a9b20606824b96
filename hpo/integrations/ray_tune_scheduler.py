"""The scheduler for Ray Tune: wraps the one that decides, and says which trials it stopped and why others failed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, PopulationBasedTraining, PopulationBasedTrainingReplay, TrialScheduler

from hpo.config.urls import masked
from hpo.errors import ConfigurationError
from hpo.integrations.ray_tune_search import StudySearch
from hpo.integrations.ray_tune_space import flat_config

_MESSAGE = 500  # characters of an error that are kept
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_RAISED = re.compile(r"[A-Za-z_][\w.]*(: .|(Error|Exception)$)")


class StudyScheduler(TrialScheduler):
    """Leaves every decision to ``scheduler`` and tells ``search`` of it.

    Args:
        search: the experiment's searcher.
        scheduler: any but population based training; FIFO where none is given. Where it has no metric of its own, it
            takes the searcher's.
        full_length: (name, value): a trial whose result has reached it is complete, even where the scheduler stops it.
            None takes the scheduler's own ``time_attr`` and ``max_t``, where it has them.

    Raises:
        ConfigurationError: the scheduler changes the parameters of running trials, which Optuna cannot record.
    """

    def __init__(
        self,
        search: StudySearch,
        scheduler: TrialScheduler | None = None,
        full_length: tuple[str, float] | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._search = search
        self._scheduler: Any = scheduler or FIFOScheduler()
        deciding = getattr(self._scheduler, "_base_scheduler", self._scheduler)
        if isinstance(deciding, PopulationBasedTraining | PopulationBasedTrainingReplay):
            raise ConfigurationError(
                "population based training changes parameters while trials run; an Optuna trial has one set of them",
                where="StudyScheduler",
                hint="take ASHAScheduler, HyperBandScheduler or MedianStoppingRule",
            )
        self._full_length = full_length or _own_length(deciding)
        self._depth = 0
        search.link()

    @property
    def metric(self) -> Any:
        """The metric that the wrapped scheduler goes by."""
        return self._scheduler.metric

    @property
    def supports_buffered_results(self) -> bool:
        """As the wrapped scheduler says."""
        return bool(self._scheduler.supports_buffered_results)

    def set_search_properties(self, metric: str | None, mode: str | None, **spec: Any) -> bool:
        """Pass on what the Tuner was given, else what the searcher has."""
        if metric and not self._search.metric:
            self._search.set_objectives(metric, mode)
        own = getattr(self._scheduler, "_metric", None)
        if metric is None and own is None and isinstance(self._search.metric, str):
            metric, mode = self._search.metric, self._search.mode
        return bool(self._scheduler.set_search_properties(metric, mode, **spec))

    def on_trial_add(self, tune_controller: Any, trial: Trial) -> None:
        """A trial was taken in, or is run again."""
        self._search.on_trial_add(trial)
        if (
            trial.is_finished()
        ):  # restored, and not to run: Tune's limit of concurrent trials would wait for it for ever
            tune_controller.search_alg.on_trial_complete(trial.trial_id, error=trial.status == Trial.ERROR)
        with self._deciding():
            self._scheduler.on_trial_add(tune_controller, trial)

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        """A trial raised, or its worker died."""
        self._search.note_error(trial.trial_id, error_of(trial))
        with self._deciding():
            self._scheduler.on_trial_error(tune_controller, trial)

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> str:
        """The wrapped scheduler's decision; a stop short of the full length is noted."""
        with self._deciding():
            decision = str(self._scheduler.on_trial_result(tune_controller, trial, result))
        if decision == TrialScheduler.STOP:
            self._note_stop(trial, result)
        return decision

    def on_trial_complete(self, tune_controller: Any, trial: Trial, result: Mapping[str, Any]) -> None:
        """A running trial ends, by itself or because the wrapped scheduler said so."""
        if self._depth:
            self._note_stop(trial, result)
        self._search.on_trial_complete(trial.trial_id, result=result)
        with self._deciding():
            self._scheduler.on_trial_complete(tune_controller, trial, result)

    def on_trial_remove(self, tune_controller: Any, trial: Trial) -> None:
        """A pending or paused trial ends."""
        last = flat_config(trial.last_result or {})
        if self._depth:
            self._note_stop(trial, last)
        self._search.on_trial_complete(trial.trial_id, result=last)
        with self._deciding():
            self._scheduler.on_trial_remove(tune_controller, trial)

    def choose_trial_to_run(self, tune_controller: Any) -> Trial | None:
        """As the wrapped scheduler chooses."""
        if tune_controller.search_alg.is_finished():
            self._search.settle_orphans()
        with self._deciding():
            chosen: Trial | None = self._scheduler.choose_trial_to_run(tune_controller)
        return chosen

    def debug_string(self) -> str:
        """The wrapped scheduler's."""
        return str(self._scheduler.debug_string())

    def save(self, checkpoint_path: str) -> None:
        """Save the wrapped scheduler."""
        self._scheduler.save(checkpoint_path)

    def restore(self, checkpoint_path: str) -> None:
        """Restore the wrapped scheduler."""
        self._scheduler.restore(checkpoint_path)

    @contextmanager
    def _deciding(self) -> Iterator[None]:
        """While the wrapped scheduler is at work, every trial that ends does so by its will."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    def _note_stop(self, trial: Trial, result: Mapping[str, Any]) -> None:
        name, length = self._full_length or ("", 0.0)
        reached = result.get(name)
        at = f" at {name} {reached:g}" if reached is not None else ""
        whole = reached is not None and reached >= length
        self._search.note_stop(trial.trial_id, "" if whole else f"stopped by {type(self._scheduler).__name__}{at}")


def error_of(trial: Trial) -> str:
    """What a trial raised, in one line, from the file that Tune keeps of it."""
    path = trial.error_file
    try:
        text = Path(path or "").read_text("utf8", "replace")
    except OSError:
        return "it raised; Tune kept no message"
    latest = text.rpartition("Failure # ")[2]
    lines = [line for line in _COLOUR.sub("", latest).splitlines()[1:] if line.strip()]
    if not lines:
        return "it raised without a message"
    raised = [line for line in lines if _RAISED.match(line)]  # last in a traceback; Ray's own words come first
    return masked((raised or lines[:1])[-1].strip())[:_MESSAGE]


def _own_length(scheduler: TrialScheduler) -> tuple[str, float] | None:
    """The length at which a scheduler ends every trial: ASHA's and HyperBand's ``max_t``."""
    name = getattr(scheduler, "_time_attr", None)
    length = getattr(scheduler, "_max_t", getattr(scheduler, "_max_t_attr", None))
    return None if name is None or length is None else (name, length)

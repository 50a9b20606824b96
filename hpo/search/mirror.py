"""An in-memory copy of the study to sample on, so that a draw can be thrown away and a kill leaves no half trial.

A SIGKILL inside Optuna's own ``ask`` leaves a trial with some of its parameters; here a whole RUNNING trial is written
to the real storage in one transaction, after it was drawn on the mirror.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler, RandomSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import StudyDirection
from optuna.trial import TrialState

from hpo.config.models import ObjectiveConfig
from hpo.records.champion import value_of
from hpo.records.record import Record
from hpo.search.samplers import SharedTPESampler
from hpo.search.storage import running_trial
from hpo.space import SearchSpace

_STEPS = 1000  # a pruned trial's fraction as Optuna's integer step


class Mirror:
    """The trials as a sampler may see them.

    Args:
        space: the search space.
        objectives: what is optimised.
        sees_pruned: whether the sampler reads PRUNED trials. GPSampler does not: to it a trial that was stopped stands
            as COMPLETE with its last value, or it would return to the same corner for ever.
        memory: whether the constraint on memory is shown; only once it was violated, since a Gaussian process fitted
            to a constant tells nothing and costs time.
    """

    def __init__(
        self, space: SearchSpace, objectives: Sequence[ObjectiveConfig], *, sees_pruned: bool, memory: bool
    ) -> None:
        self.space = space
        self._metrics = [objective.metric for objective in objectives]
        self._sees_pruned = sees_pruned
        self.memory = memory
        self._storage = optuna.storages.InMemoryStorage()
        self._study = optuna.create_study(
            storage=self._storage, directions=[objective.direction for objective in objectives]
        )
        self._ids: dict[int, int] = {}
        self._intersection = IntersectionSearchSpace(include_pruned=True)

    def draw(self, sampler: BaseSampler) -> dict[str, Any]:
        """One configuration, as Optuna holds it; the mirror is as before (Optuna's samplers do not read FAIL)."""
        if isinstance(sampler, RandomSampler):  # it reads no trials, so its draw need not lie among them
            return self.space.suggest(_empty_study(sampler).ask())
        if isinstance(sampler, SharedTPESampler):
            sampler.intersection = self._intersection
        self._study.sampler = sampler
        trial = self._study.ask()
        raw = self.space.suggest(trial)
        self._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        return raw

    def show(self, record: Record) -> None:
        """Show a trial as the record says: running, or finished; may be called again when it has finished."""
        if record.number not in self._ids:
            template = running_trial(record.params, self.space.distributions(record.params), {})
            self._ids[record.number] = self._storage.create_new_trial(self._study._study_id, template_trial=template)
        if record.told:
            self._finish(self._ids[record.number], record)

    def show_earlier(self, trials: Sequence[Mapping[str, Any]]) -> None:
        """Show finished trials of an earlier study: mappings with params, values, constraints."""
        for trial in trials:
            template = running_trial(trial["params"], self.space.distributions(trial["params"]), {})
            trial_id = self._storage.create_new_trial(self._study._study_id, template_trial=template)
            self._storage.set_trial_system_attr(trial_id, "constraints", self._shown(trial["constraints"]))
            self._storage.set_trial_state_values(trial_id, TrialState.COMPLETE, trial["values"])

    def _finish(self, trial_id: int, record: Record) -> None:
        values = [value_of(record, name) for name in self._metrics]
        usable = all(value is not None for value in values)
        violated = bool(record.constraints) and record.constraints[-1] > 0
        state = _state(record, usable=usable, violated=violated, sees_pruned=self._sees_pruned)
        if state is TrialState.PRUNED and usable and len(values) == 1:
            step = round(_STEPS * max((p.fraction for p in record.curve), default=0.0))
            self._storage.set_trial_intermediate_value(trial_id, step, float(values[0] or 0.0))
        if state is not TrialState.FAIL:
            self._storage.set_trial_system_attr(trial_id, "constraints", self._shown(record.constraints))
        told = [float(value or 0.0) for value in values] if state is TrialState.COMPLETE else None
        self._storage.set_trial_state_values(trial_id, state, told)

    def _shown(self, constraints: Sequence[float]) -> list[float]:
        return list(constraints) if self.memory else list(constraints[:-1])


def _empty_study(sampler: BaseSampler) -> optuna.Study:
    storage = optuna.storages.InMemoryStorage()
    storage.create_new_study([StudyDirection.MINIMIZE], "draw")
    return optuna.Study("draw", storage, sampler)


def _state(record: Record, *, usable: bool, violated: bool, sees_pruned: bool) -> TrialState:
    """How a finished record stands on the mirror; a run out of memory is PRUNED, so that TPE sees its constraint."""
    if record.state == "complete" and usable:
        return TrialState.COMPLETE
    if record.state == "pruned" or violated:
        if sees_pruned:
            return TrialState.PRUNED
        return TrialState.COMPLETE if usable and not violated else TrialState.FAIL
    return TrialState.FAIL

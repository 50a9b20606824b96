"""The Optuna side of a Ray Tune experiment: every Tune trial is one Optuna trial, written whole and told once."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FixedTrial, FrozenTrial, TrialState

from hpo.config.models import Direction
from hpo.errors import ConfigurationError, StorageError
from hpo.integrations.ray_tune_ending import Ending
from hpo.integrations.ray_tune_space import Config, Space
from hpo.search.storage import open_storage, running_trial

EXPERIMENT, TUNE_TRIAL, CONFIG = "tune_experiment", "tune_trial", "config"
DATABASE = "study.db"
_VARIABLE = re.compile(r"\$\{([^}]*)\}")


@dataclass(frozen=True)
class Draw:
    """A configuration: as Optuna holds it, and as Tune's trainable gets it."""

    params: Mapping[str, Any]
    distributions: dict[str, BaseDistribution]
    config: Config
    notes: Mapping[str, Any] = field(default_factory=dict)  # what the sampler wrote about it


class Mirror:
    """An in-memory copy of the study to draw on, so that a kill never leaves half a trial in the storage."""

    def __init__(self, directions: Sequence[Direction]) -> None:
        self._study = optuna.create_study(directions=list(directions))
        self._ids: dict[int, int] = {}
        self._finished: set[int] = set()

    def draw(self, space: Space, sampler: BaseSampler, known: Mapping[str, Any] | None) -> Draw:
        """One configuration, ``known`` where it is given."""
        self._study.sampler = sampler
        if known is not None:
            self._study.enqueue_trial(dict(known))
        trial = self._study.ask()
        config = space.suggest(trial)
        storage = self._study._storage
        drawn = storage.get_trial(trial._trial_id)
        storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)
        notes = {key: value for key, value in drawn.system_attrs.items() if key != "fixed_params"}
        return Draw(drawn.params, drawn.distributions, config, notes)

    def show(self, trials: Sequence[FrozenTrial]) -> None:
        """Bring the copy up to date with the study's trials."""
        storage = self._study._storage
        for trial in trials:
            if trial.number in self._finished or trial.state is TrialState.WAITING:
                continue
            if trial.number in self._ids and trial.state.is_finished():
                _finish(storage, self._ids[trial.number], trial)
            elif trial.number not in self._ids:
                self._ids[trial.number] = storage.create_new_trial(self._study._study_id, template_trial=trial)
            if trial.state.is_finished():
                self._finished.add(trial.number)


def _finish(storage: Any, trial_id: int, trial: FrozenTrial) -> None:
    for step, value in trial.intermediate_values.items():
        storage.set_trial_intermediate_value(trial_id, step, value)
    for key, value in trial.system_attrs.items():
        storage.set_trial_system_attr(trial_id, key, value)
    storage.set_trial_state_values(trial_id, trial.state, trial.values)


class Ledger:
    """The trials of one experiment in an Optuna study, by the ids that Tune gives them.

    Args:
        storage: URL of Optuna's storage.
        name: of the study.
        directions: "minimize" or "maximize", one an objective.
        experiment: what tells this experiment's trials from others in the same study.

    Raises:
        StorageError: the storage cannot be opened, or the study has other directions.
    """

    def __init__(self, storage: str, name: str, directions: Sequence[Direction], experiment: str) -> None:
        self._study = optuna.create_study(
            storage=open_storage(storage, Path()), study_name=name, directions=list(directions), load_if_exists=True
        )
        if [direction.name.lower() for direction in self._study.directions] != list(directions):
            raise StorageError(
                f"the Optuna study {name!r} in this storage has other directions",
                hint="give the experiment another name, or name another storage",
            )
        self._storage = self._study._storage
        self._experiment = experiment
        # Of several Optuna trials of one Tune trial (a failed one that ran again) the last one counts.
        self._ids = {trial.user_attrs[TUNE_TRIAL]: trial._trial_id for trial in self.own()}
        self._told = {trial._trial_id for trial in self.own() if trial.state.is_finished()}

    def trials(self) -> list[FrozenTrial]:
        """All trials of the study, by number."""
        return self._study.get_trials(deepcopy=False)

    def own(self) -> list[FrozenTrial]:
        """Those of this experiment."""
        return [trial for trial in self.trials() if trial.user_attrs.get(EXPERIMENT) == self._experiment]

    def find(self, tune_id: str) -> FrozenTrial | None:
        """The Optuna trial of a Tune trial."""
        trial_id = self._ids.get(tune_id)
        return None if trial_id is None else self._storage.get_trial(trial_id)

    def runs(self, tune_id: str) -> bool:
        """Whether there is one that was not told yet."""
        return tune_id in self._ids and self._ids[tune_id] not in self._told

    def orphans(self, tune_ids: set[str]) -> list[FrozenTrial]:
        """Trials that were never told and that Tune does not know."""
        return [t for t in self.own() if not t.state.is_finished() and t.user_attrs[TUNE_TRIAL] not in tune_ids]

    def create(self, tune_id: str, draw: Draw, attributes: Mapping[str, Any] | None = None) -> None:
        """Write a RUNNING trial, whole, in one transaction."""
        marks = {EXPERIMENT: self._experiment, TUNE_TRIAL: tune_id, CONFIG: storable(draw.config)}
        template = running_trial(draw.params, draw.distributions, {**marks, **(attributes or {})})
        for key, value in draw.notes.items():
            template.system_attrs[key] = value
        self._ids[tune_id] = self._storage.create_new_trial(self._study._study_id, template_trial=template)

    def adopt(self, tune_id: str, number: int) -> None:
        """Go on with the trial ``number`` under another Tune id."""
        trial = next(trial for trial in self.own() if trial.number == number)
        self._storage.set_trial_user_attr(trial._trial_id, TUNE_TRIAL, tune_id)
        self._ids.pop(trial.user_attrs[TUNE_TRIAL], None)
        self._ids[tune_id] = trial._trial_id
        self.count_restart(tune_id)

    def count_restart(self, tune_id: str) -> None:
        """Note that a trial was taken up again."""
        trial = self.find(tune_id)
        if trial is not None and not trial.state.is_finished():
            restarts = trial.user_attrs.get("restarts", 0) + 1
            self._storage.set_trial_user_attr(trial._trial_id, "restarts", restarts)

    def report(self, tune_id: str, step: int, value: float) -> None:
        """One point of a trial's curve; a step reported again takes the later value."""
        self._storage.set_trial_intermediate_value(self._ids[tune_id], step, value)

    def tell(self, tune_id: str, ending: Ending) -> bool:
        """Finish a trial; False where there is none that runs, and nothing is changed."""
        trial = self.find(tune_id)
        if trial is None or trial.state.is_finished():
            return False
        trial_id = trial._trial_id
        if ending.constraints:
            # optuna-dashboard 0.21 reads this list and not the newer named keys; both together would count twice.
            self._storage.set_trial_system_attr(trial_id, "constraints", list(ending.constraints))
        for key, value in storable(ending.attributes).items():
            self._storage.set_trial_user_attr(trial_id, key, value)
        self._storage.set_trial_state_values(trial_id, TrialState[ending.state], ending.values)
        self._told.add(trial_id)
        return True


def redraw(trial: FrozenTrial, space: Space) -> Draw:
    """The draw behind a trial that is to run again."""
    config = space.suggest(FixedTrial(dict(trial.params), number=trial.number))
    return Draw(trial.params, dict(trial.distributions), config)


def storage_url(given: str | None, folder: str, *, local: bool) -> str:
    """URL of the storage: ``given`` with ``${NAME}`` taken from the environment, or a file in the experiment's folder.

    Raises:
        ConfigurationError: a variable is not set, or the folder is not on a local file system.
    """
    if given is None:
        if not local:
            raise ConfigurationError(
                "SQLite needs a local folder, and the experiment lies elsewhere",
                where=folder,
                hint="name a storage, for example storage='postgresql+psycopg://user:${PASSWORD}@host/hpo'",
            )
        return f"sqlite:///{Path(folder) / DATABASE}"
    for name in _VARIABLE.findall(given):
        if name not in os.environ:
            raise ConfigurationError(
                f"the environment has no variable {name}", where="storage", hint=f"export {name}=... before the command"
            )
    return _VARIABLE.sub(lambda match: os.environ[match[1]], given)


def storable(value: Any) -> Any:
    """A value as JSON holds it; what it cannot hold becomes its text."""
    if isinstance(value, Mapping):
        return {str(key): storable(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set):
        return [storable(each) for each in value]
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return storable(value.item())
    try:
        json.dumps(value)
    except (TypeError, ValueError):
        return str(value)
    return value

"""The searcher for Ray Tune: asks Optuna for each trial, and tells it how the trial ended."""

from __future__ import annotations

import math
import pickle
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState
from ray.tune.experiment import Trial
from ray.tune.search import Searcher

from hpo import seeds
from hpo.config.models import ConstraintConfig, Direction
from hpo.errors import ConfigurationError
from hpo.integrations.ray_tune_ending import Cause, ending_of
from hpo.integrations.ray_tune_space import Config, Space, flat_config, space_of
from hpo.integrations.ray_tune_study import CONFIG, TUNE_TRIAL, Draw, Ledger, Mirror, redraw, storable, storage_url
from hpo.search.samplers import STARTUP_TRIALS

_DIRECTIONS: dict[str, Direction] = {"min": "minimize", "max": "maximize"}
_SKIPPED = "Tune took the experiment up again without this trial"
_OVER = "the experiment ended before the trial did"


class StudySearch(Searcher):
    """Asks Optuna for each trial of a Ray Tune experiment, and tells it how the trial ended.

    Args:
        space: a SearchSpace; a mapping, which may be nested, of Optuna distributions, Tune domains and constants; or a
            function of an Optuna trial. None takes the ``param_space`` of the Tuner.
        metric: the objective, or a list of several.
        mode: "min" or "max", as many as metrics.
        constraints: bounds on reported numbers, each ``{"metric": name, "max": bound}``, or with ``min``.
        known: configurations to try first.
        sampler: an Optuna sampler, or a seed for TPE.
        storage: URL of Optuna's storage; ``${NAME}`` is taken from the environment and not written anywhere. None
            makes the file study.db in the experiment's folder. The study has the experiment's name.

    Raises:
        ConfigurationError: an argument cannot be used.
        StorageError: the storage cannot be opened, or holds another study of this name.
    """

    def __init__(
        self,
        space: Any = None,
        metric: str | Sequence[str] | None = None,
        mode: str | Sequence[str] | None = None,
        constraints: Sequence[Mapping[str, Any]] = (),
        known: Sequence[Mapping[str, Any]] = (),
        sampler: BaseSampler | int = 0,
        storage: str | None = None,
    ) -> None:
        super().__init__(None, None)
        self.metrics: list[str] = []
        self.directions: list[Direction] = []
        self._given_space = space
        self._given_known = [dict(config) for config in known]
        self._constraints = [ConstraintConfig.model_validate(dict(each)) for each in constraints]
        self._sampler = sampler
        self._storage_url = storage
        self._experiment = uuid.uuid4().hex
        self._linked = False
        self._forget()
        if metric is not None or mode is not None:
            self.set_objectives(metric, mode)
        if space is not None:
            self._set_space(space)

    def _forget(self) -> None:
        """What belongs to one process, and is found again in the storage."""
        self._ledger: Ledger | None = None
        self._mirror: Mirror | None = None
        self._tune_trials: dict[str, Trial] = {}
        self._drawn: dict[str, Draw] = {}
        self._adopted: dict[str, int] = {}
        self._last: dict[str, Mapping[str, Any]] = {}
        self._stops: dict[str, str] = {}
        self._errors: dict[str, str] = {}

    def __getstate__(self) -> dict[str, Any]:
        """Settings only: the storage is opened again, and its trials are the truth."""
        gone = {
            "_space",
            "_known",
            "_ledger",
            "_mirror",
            "_tune_trials",
            "_drawn",
            "_adopted",
            "_last",
            "_stops",
            "_errors",
        }
        return {name: value for name, value in self.__dict__.items() if name not in gone}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._forget()
        if self._given_space is not None:
            self._set_space(self._given_space)

    def set_objectives(self, metric: str | Sequence[str] | None, mode: str | Sequence[str] | None) -> None:
        """Set metric and mode. Raises ConfigurationError where they do not go together."""
        metrics = [metric] if isinstance(metric, str) else list(metric or ())
        modes = [mode] if isinstance(mode, str) else list(mode or ())
        alike = isinstance(metric, str) == isinstance(mode, str) and len(metrics) == len(modes) > 0
        if not alike or not set(modes) <= set(_DIRECTIONS):
            raise ConfigurationError(
                f"metric {metric!r} and mode {mode!r} do not go together",
                where="StudySearch",
                hint="metric='loss', mode='min', or two lists of one length",
            )
        self.metrics = metrics
        self.directions = [_DIRECTIONS[mode] for mode in modes]
        self._metric: Any = metric if isinstance(metric, str) else metrics  # what Tune reads
        self._mode: Any = mode if isinstance(mode, str) else modes

    def _set_space(self, given: Any) -> None:
        self._given_space = given
        self._space: Space = space_of(given)
        self._known = [self._space.encode(config) for config in self._given_known]

    def link(self) -> None:
        """Called by the scheduler that will say how trials end."""
        self._linked = True

    # What Tune calls on a searcher.

    def set_search_properties(self, metric: str | None, mode: str | None, config: Config, **_: Any) -> bool:
        """Take what the Tuner was given and this searcher was not; False where both were."""
        if metric and self._metric and metric != self._metric:
            return False
        if metric and not self._metric:
            self.set_objectives(metric, mode)
        if self._given_space is None and config:
            self._set_space(config)
        return True

    def suggest(self, trial_id: str) -> Config | None:
        """The configuration of a new Tune trial: one that a killed driver left behind, else a new one."""
        self._check_ready()
        if self._ledger is not None:
            for orphan in self._ledger.orphans({*self._tune_trials, *self._drawn}):
                if orphan.number not in self._adopted.values():
                    self._adopted[trial_id] = orphan.number
                    self._drawn[trial_id] = redraw(orphan, self._space)
                    return dict(self._drawn[trial_id].config)
        self._drawn[trial_id] = self._draw()
        return dict(self._drawn[trial_id].config)

    def on_trial_result(self, trial_id: str, result: Mapping[str, Any]) -> None:
        """One point of the curve."""
        self._last[trial_id] = result
        value = result.get(self.metrics[0]) if len(self.metrics) == 1 else None
        if value is not None and math.isfinite(value) and self._ledger is not None and self._ledger.runs(trial_id):
            self._ledger.report(trial_id, int(result.get("training_iteration", 0)), float(value))

    def on_trial_complete(self, trial_id: str, result: Mapping[str, Any] | None = None, error: bool = False) -> None:
        """Tell Optuna how the trial ended; a second time changes nothing."""
        if result:
            self.on_trial_result(trial_id, result)
        last = result or self._last.get(trial_id, {})
        if error:
            cause = Cause(error=self._errors.get(trial_id, "it raised; see error.txt in the trial's folder"))
        elif trial_id in self._stops:
            cause = Cause(scheduler=self._stops[trial_id])
        else:
            cause = Cause() if last.get("done") else Cause(cut="it was stopped from outside")
        self._tell(trial_id, last, cause)

    def save(self, checkpoint_path: str) -> None:
        """Write the settings, and settle trials that Tune ended without telling."""
        for tune_id, trial in self._tune_trials.items():
            if trial.status in (Trial.TERMINATED, Trial.ERROR):
                self._settle(tune_id, trial, _OVER)
        with open(checkpoint_path, "wb") as file:
            pickle.dump(self.__getstate__(), file)

    def restore(self, checkpoint_path: str) -> None:
        """Read the settings and open the study again; Tune then adds the trials that it knows."""
        with open(checkpoint_path, "rb") as file:
            self.__setstate__(pickle.load(file))
        if isinstance(self._sampler, BaseSampler):
            self._sampler.reseed_rng()  # or it would draw again what it drew after the last save

    # What the scheduler says.

    def on_trial_add(self, trial: Trial) -> None:
        """Tune has taken a trial in: a new one, or one of the experiment that it restores."""
        self._open(trial)
        assert self._ledger is not None
        tune_id = trial.trial_id
        self._tune_trials[tune_id] = trial
        if tune_id in self._adopted:
            self._ledger.adopt(tune_id, self._adopted.pop(tune_id))
            self._drawn.pop(tune_id)
        elif tune_id in self._drawn:
            self._ledger.create(tune_id, self._drawn.pop(tune_id))
        else:
            self._take_up(trial)

    def settle_orphans(self) -> None:
        """Tune will ask for no more trials: what a killed driver left behind and nobody took up has failed."""
        if self._ledger is not None:
            for orphan in self._ledger.orphans({*self._tune_trials, *self._drawn}):
                self._tell(orphan.user_attrs[TUNE_TRIAL], {}, Cause(cut=_SKIPPED))

    def note_stop(self, trial_id: str, why: str) -> None:
        """The scheduler is about to stop a trial; ``why`` is empty where it has reached its full length."""
        self._stops[trial_id] = why

    def note_error(self, trial_id: str, what: str) -> None:
        """A trial raised; Tune may run it again."""
        self._errors[trial_id] = what

    def _take_up(self, trial: Trial) -> None:
        """A trial that Tune restores, or runs again after a failure."""
        assert self._ledger is not None
        tune_id = trial.trial_id
        self._last.setdefault(tune_id, flat_config(trial.last_result or {}))
        known = self._ledger.find(tune_id) or self._same_parameters(trial)
        if known is None:
            return
        if trial.status in (Trial.TERMINATED, Trial.ERROR):
            self._settle(tune_id, trial, _SKIPPED)
        elif known.state is TrialState.FAIL:
            self._ledger.create(tune_id, redraw(known, self._space), {"retry_of": known.number})
        elif known.state.is_finished():
            return
        elif known.user_attrs[TUNE_TRIAL] == tune_id:
            self._ledger.count_restart(tune_id)
        else:
            self._ledger.adopt(tune_id, known.number)

    def _same_parameters(self, trial: Trial) -> FrozenTrial | None:
        """The last trial with the configuration of one that Tune restarts under a new id."""
        assert self._ledger is not None
        orphans = [t for t in self._ledger.own() if t.user_attrs[TUNE_TRIAL] not in self._tune_trials]
        same = [t for t in orphans if _within(t.user_attrs[CONFIG], trial.config)]
        return same[-1] if same else None

    def _settle(self, tune_id: str, trial: Trial, cut: str) -> None:
        failed = trial.status == Trial.ERROR
        cause = Cause(error=self._errors.get(tune_id, "it raised")) if failed else Cause(cut=cut)
        self._tell(tune_id, self._last.get(tune_id, {}), cause)

    def _tell(self, tune_id: str, last: Mapping[str, Any], cause: Cause) -> None:
        if self._ledger is not None:
            self._ledger.tell(tune_id, ending_of(self.metrics, self._constraints, last, cause))

    def _check_ready(self) -> None:
        if not self._linked:
            raise ConfigurationError(
                "no scheduler tells this searcher how trials end",
                where="StudySearch",
                hint="TuneConfig(search_alg=search, scheduler=StudyScheduler(search, ASHAScheduler(...)))",
            )
        if not self._metric:
            raise ConfigurationError("no metric and mode", where="StudySearch", hint="metric='loss', mode='min'")
        if self._given_space is None:
            raise ConfigurationError("no search space", where="StudySearch", hint="pass `space`, or `param_space`")

    def _open(self, trial: Trial) -> None:
        if self._ledger is None:
            place: Any = trial.storage
            local = place.storage_filesystem.type_name == "local"
            url = storage_url(self._storage_url, place.experiment_fs_path, local=local)
            self._ledger = Ledger(url, place.experiment_dir_name, self.directions, self._experiment)

    def _draw(self) -> Draw:
        self._mirror = self._mirror or Mirror(self.directions)
        trials = self._ledger.trials() if self._ledger is not None else []
        self._mirror.show(trials)
        own = len(self._ledger.own()) if self._ledger is not None else 0
        known = self._known[own] if own < len(self._known) else None
        return self._mirror.draw(self._space, self._sampler_for(len(trials)), known)

    def _sampler_for(self, number: int) -> BaseSampler:
        if isinstance(self._sampler, BaseSampler):
            return self._sampler
        seed = seeds.derive(self._sampler, number, "sample")  # a sampler of its own for every draw: a kill loses none
        return optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True
        )


def _within(config: Mapping[str, Any], whole: Mapping[str, Any]) -> bool:
    """Whether ``whole`` has everything that ``config`` has."""
    ours, theirs = flat_config(config), flat_config(storable(whole))
    return all(name in theirs and theirs[name] == value for name, value in ours.items())

"""Ray Tune with our searcher and scheduler: what Optuna holds is what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

pytest.importorskip("ray")
from ray import tune
from ray.tune.search.optuna import OptunaSearch

from hpo.integrations.ray_tune import StudyScheduler, StudySearch
from tests.integrations.ten_trials import CONSTRAINT, KNOWN, SPACE, XS, Ten, asha, latency, loss

pytestmark = [pytest.mark.ray, pytest.mark.xdist_group("ray")]


def fit(folder: Path, name: str, trainable: Any = Ten, samples: int = 10, **tuning: Any) -> tune.ResultGrid:
    """Run an experiment, one trial at a time, so that it is the same every time."""
    return tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(num_samples=samples, max_concurrent_trials=1, reuse_actors=True, **tuning),
        run_config=tune.RunConfig(name=name, storage_path=str(folder), verbose=0),
    ).fit()


def study_in(folder: Path, name: str) -> optuna.Study:
    return optuna.load_study(study_name=name, storage=f"sqlite:///{folder / name / 'study.db'}")


def by_x(study: optuna.Study) -> dict[float, FrozenTrial]:
    return {trial.params["x"]: trial for trial in study.trials}


@pytest.fixture(scope="module")
def ours(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> optuna.Study:
    folder = tmp_path_factory.mktemp("ours")
    search = StudySearch(SPACE, metric="loss", mode="min", constraints=[CONSTRAINT], known=KNOWN)
    fit(folder, "ten", search_alg=search, scheduler=StudyScheduler(search, asha()))
    return study_in(folder, "ten")


@pytest.fixture(scope="module")
def theirs(cluster: str, tmp_path_factory: pytest.TempPathFactory) -> optuna.Study:
    folder = tmp_path_factory.mktemp("theirs")
    url = f"sqlite:///{folder / 'study.db'}"
    storage = optuna.storages.RDBStorage(url)
    search = OptunaSearch(SPACE, metric="loss", mode="min", points_to_evaluate=KNOWN, storage=storage, study_name="ten")
    fit(folder, "ten", search_alg=search, scheduler=asha())
    return optuna.load_study(study_name="ten", storage=url)


def test_a_trial_that_ran_its_whole_length_is_complete(ours: optuna.Study) -> None:
    # given ASHA that stops every trial at its ninth report, and trials that end there by themselves
    for x in (0.5, 0.1, 0.01):
        trial = by_x(ours)[x]
        # then it is complete with its last value, and every report is a point of its curve
        assert (trial.state, trial.value) == (TrialState.COMPLETE, loss(x, 9))
        assert trial.intermediate_values == {step: loss(x, step) for step in range(1, 10)}


def test_a_trial_that_the_scheduler_stopped_is_pruned_with_its_last_value(ours: optuna.Study) -> None:
    for x in (0.9, 0.8, 0.7, 0.6):
        trial = by_x(ours)[x]
        assert (trial.state, trial.value, trial.intermediate_values) == (
            TrialState.PRUNED,
            loss(x, 1),
            {1: loss(x, 1)},
        )
        assert trial.user_attrs["message"] == "stopped by AsyncHyperBandScheduler at training_iteration 1"


def test_a_trial_that_diverged_has_failed_and_says_why(ours: optuna.Study) -> None:
    for x in (0.2, 0.02):
        trial = by_x(ours)[x]
        assert (trial.state, trial.value, trial.user_attrs["reason"]) == (TrialState.FAIL, None, "not_finite")
        assert trial.user_attrs["message"] == "the last result has no finite value: loss=nan"
        assert trial.intermediate_values == {1: loss(x, 1), 2: loss(x, 2)}


def test_a_trial_that_raised_has_failed_and_says_what_it_raised(ours: optuna.Study) -> None:
    trial = by_x(ours)[0.05]
    assert (trial.state, trial.user_attrs["reason"]) == (TrialState.FAIL, "error")
    assert trial.user_attrs["message"] == "ValueError: the optimizer fell over"


def test_constraints_stand_where_samplers_and_the_dashboard_read_them(ours: optuna.Study) -> None:
    # given a bound of 30 ms, which the three best trials break
    for x, trial in by_x(ours).items():
        assert trial.system_attrs["constraints"] == [pytest.approx(latency(x) - 30)]
    # then Optuna's best trial is the best of those that keep it
    assert ours.best_trial.params == {"x": 0.5}
    assert by_x(ours)[0.1].user_attrs["violation"] == "latency_ms <= 30 by 6"


def test_configuration_and_last_result_are_attributes(ours: optuna.Study) -> None:
    attributes = by_x(ours)[0.5].user_attrs
    assert attributes["config"] == {"x": 0.5}
    assert (attributes["loss"], attributes["latency_ms"], attributes["training_iteration"]) == (1.5, 20, 9)


def test_rays_own_searcher_tells_another_story_of_the_same_trials(ours: optuna.Study, theirs: optuna.Study) -> None:
    # given that both ran the same ten trials under the same scheduler
    assert [trial.params for trial in ours.trials] == [trial.params for trial in theirs.trials] == KNOWN
    # then it calls stopped trials complete with the value of a first report, and leaves diverged ones running for ever
    told = {(x, by_x(ours)[x].state.name, by_x(theirs)[x].state.name) for x in XS}
    assert told == {
        *((x, "COMPLETE", "COMPLETE") for x in (0.5, 0.1, 0.01)),
        *((x, "PRUNED", "COMPLETE") for x in (0.9, 0.8, 0.7, 0.6)),
        *((x, "FAIL", "RUNNING") for x in (0.2, 0.02)),
        (0.05, "FAIL", "FAIL"),
    }
    assert [by_x(theirs)[x].value for x in (0.9, 0.8, 0.7, 0.6)] == [9.9, 9.8, 9.7, 9.6]
    # and knows no constraint, no attribute, and no last report
    assert not any(trial.constraints or trial.user_attrs for trial in theirs.trials)
    assert theirs.best_trial.params == {"x": 0.01}
    assert len(by_x(theirs)[0.5].intermediate_values) == 8

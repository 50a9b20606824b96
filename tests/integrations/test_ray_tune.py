"""Ray Tune with our searcher and scheduler: what Optuna holds is what happened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState

pytest.importorskip("ray")
from ray import tune
from ray.tune.schedulers import HyperBandScheduler
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


# Other schedulers, trainables and spaces.


def report_three(config: dict[str, Any]) -> None:
    """A function that reports three times, and once more in vain where it is told to diverge."""
    for step in range(1, 4):
        tune.report({"loss": config["model"]["x"] / step, "cost": step * config["model"]["x"]})


def report_nothing(config: dict[str, Any]) -> None:
    """A function that forgets to report."""


class Flaky(Ten):
    """Raises at its second report, the first time that it gets there."""

    def step(self) -> dict[str, Any]:
        flag = Path(self.config["folder"], str(self.x))
        if self.at == 1 and not flag.exists():
            flag.touch()
            raise ValueError("a passing fault")
        return super().step()


def test_a_function_with_tunes_own_nested_space_and_no_scheduler(cluster: str, tmp_path: Path) -> None:
    # given a searcher that is told nothing but by the Tuner
    search = StudySearch()
    space = {"model": {"x": tune.uniform(1, 2), "layers": 2}}
    tuner = tune.Tuner(
        report_three,
        param_space=space,
        tune_config=tune.TuneConfig(
            metric="loss", mode="min", num_samples=2, search_alg=search, scheduler=StudyScheduler(search)
        ),
        run_config=tune.RunConfig(name="function", storage_path=str(tmp_path), verbose=0),
    )
    results = tuner.fit()
    # then its trials are complete, with the values that Tune has
    trials = study_in(tmp_path, "function").trials
    assert [trial.state for trial in trials] == [TrialState.COMPLETE] * 2
    assert {trial.value for trial in trials} == {result.metrics["loss"] for result in results}
    assert {trial.user_attrs["config"]["model"]["layers"] for trial in trials} == {2}
    assert all(list(trial.intermediate_values) == [1, 2, 3] for trial in trials)


def test_a_function_that_reports_nothing_has_failed(cluster: str, tmp_path: Path) -> None:
    search = StudySearch(SPACE, metric="loss", mode="min")
    fit(tmp_path, "nothing", report_nothing, 1, search_alg=search, scheduler=StudyScheduler(search))
    (trial,) = study_in(tmp_path, "nothing").trials
    assert (trial.state, trial.user_attrs["reason"]) == (TrialState.FAIL, "no_result")


def test_several_objectives_are_told_whole_and_stopped_trials_keep_their_last_in_attributes(
    cluster: str, tmp_path: Path
) -> None:
    # given two objectives, and ASHA that goes by the first
    search = StudySearch(SPACE, metric=["loss", "latency_ms"], mode=["min", "min"], known=KNOWN[:3])
    fit(tmp_path, "two", samples=3, search_alg=search, scheduler=StudyScheduler(search, asha()))
    study = study_in(tmp_path, "two")
    # then complete trials have both values and span the front, and the stopped one has neither
    assert [trial.values for trial in study.trials[:2]] == [[1.5, 20], [1.1, 36]]
    assert {trial.number for trial in study.best_trials} == {0, 1}
    stopped = study.trials[2]
    assert (stopped.state, stopped.values) == (TrialState.PRUNED, None)
    assert (stopped.user_attrs["loss"], stopped.user_attrs["latency_ms"]) == (9.9, pytest.approx(4))


def test_what_hyperband_stops_from_afar_is_told_by_its_length(cluster: str, tmp_path: Path) -> None:
    # given a scheduler that stops paused trials while another one reports
    search = StudySearch(SPACE, metric="loss", mode="min", known=[{"x": x} for x in (0.5, 0.1, 0.9, 0.4, 0.6, 0.7)])
    band = HyperBandScheduler(max_t=4, reduction_factor=2, metric="loss", mode="min")
    tune.Tuner(
        Ten,
        tune_config=tune.TuneConfig(
            num_samples=6, search_alg=search, scheduler=StudyScheduler(search, band), reuse_actors=True
        ),
        run_config=tune.RunConfig(name="band", storage_path=str(tmp_path), verbose=0),
    ).fit()
    trials = study_in(tmp_path, "band").trials
    # then only trials of full length are complete, and every stopped one has what it showed last
    assert {trial.state for trial in trials} == {TrialState.COMPLETE, TrialState.PRUNED}
    for trial in trials:
        last = max(trial.intermediate_values)
        assert trial.value == trial.intermediate_values[last] == loss(trial.params["x"], last)
        assert (trial.state is TrialState.COMPLETE) == (last == 4)


def test_a_trial_that_recovers_from_a_fault_is_complete(cluster: str, tmp_path: Path) -> None:
    # given a fault that Tune may try again after
    search = StudySearch(SPACE | {"folder": str(tmp_path)}, metric="loss", mode="min", known=[{"x": 0.5}])
    tune.Tuner(
        Flaky,
        tune_config=tune.TuneConfig(num_samples=1, search_alg=search, scheduler=StudyScheduler(search, asha())),
        run_config=tune.RunConfig(
            name="flaky", storage_path=str(tmp_path), verbose=0, failure_config=tune.FailureConfig(max_failures=1)
        ),
    ).fit()
    (trial,) = study_in(tmp_path, "flaky").trials
    assert (trial.state, trial.value, trial.user_attrs["restarts"]) == (TrialState.COMPLETE, 1.5, 1)
    assert "reason" not in trial.user_attrs


def test_a_failed_trial_that_is_run_again_is_a_new_one(cluster: str, tmp_path: Path) -> None:
    # given a trial that failed for a passing reason
    search = StudySearch(SPACE | {"folder": str(tmp_path)}, metric="loss", mode="min", known=[{"x": 0.5}])
    fit(tmp_path, "again", Flaky, 1, search_alg=search, scheduler=StudyScheduler(search, asha()))
    # when Tune resumes what had failed, or starts it anew
    tune.Tuner.restore(str(tmp_path / "again"), Flaky, resume_errored=True).fit()
    failed, again = study_in(tmp_path, "again").trials
    # then the failure stands, and the new run has a trial of its own
    assert (failed.state, failed.user_attrs["message"]) == (TrialState.FAIL, "ValueError: a passing fault")
    assert (again.state, again.value, again.user_attrs["retry_of"]) == (TrialState.COMPLETE, 1.5, 0)
    assert again.params == failed.params


def test_trials_cut_off_by_the_end_of_the_experiment_have_failed(cluster: str, tmp_path: Path) -> None:
    # given an experiment that ends when any trial has reported three times
    class Enough(tune.Stopper):
        def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
            self.at = result["training_iteration"]
            return False

        def stop_all(self) -> bool:
            return getattr(self, "at", 0) >= 3

    search = StudySearch(SPACE, metric="loss", mode="min", known=KNOWN)
    tune.Tuner(
        Ten,
        tune_config=tune.TuneConfig(num_samples=2, search_alg=search, scheduler=StudyScheduler(search)),
        run_config=tune.RunConfig(name="cut", storage_path=str(tmp_path), verbose=0, stop=Enough()),
    ).fit()
    trials = study_in(tmp_path, "cut").trials
    assert {(trial.state, trial.user_attrs["reason"]) for trial in trials} == {(TrialState.FAIL, "cut")}
    assert {trial.user_attrs["message"] for trial in trials} == {"the experiment ended before the trial did"}

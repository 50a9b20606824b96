"""What the searcher and the scheduler refuse, before anything runs; and where a study lies."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

pytest.importorskip("ray")
from ray.tune.schedulers import ASHAScheduler, PopulationBasedTraining, ResourceChangingScheduler

from hpo.errors import ConfigurationError
from hpo.integrations.ray_tune import StudyScheduler, StudySearch
from hpo.integrations.ray_tune_study import storage_url
from tests.integrations.ten_trials import CONSTRAINT, KNOWN, SPACE


def test_a_searcher_without_its_scheduler_is_refused() -> None:
    # given that only a scheduler knows which trials it stopped
    search = StudySearch(SPACE, metric="loss", mode="min")
    with pytest.raises(ConfigurationError, match=r"no scheduler tells this searcher(.|\n)*StudyScheduler\(search"):
        search.suggest("a")


def test_population_based_training_is_refused() -> None:
    search = StudySearch(SPACE, metric="loss", mode="min")
    training = PopulationBasedTraining(hyperparam_mutations={"x": [0.1, 0.2]})
    for scheduler in (training, ResourceChangingScheduler(training)):
        with pytest.raises(ConfigurationError, match="changes parameters while trials run"):
            StudyScheduler(search, scheduler)


@pytest.mark.parametrize(
    ("metric", "mode"), [("loss", None), ("loss", "minimize"), (["a", "b"], ["min"]), (["a"], "min"), (None, "min")]
)
def test_a_metric_and_a_mode_that_do_not_go_together_are_refused(metric: Any, mode: Any) -> None:
    with pytest.raises(ConfigurationError, match="do not go together"):
        StudySearch(SPACE, metric=metric, mode=mode)


def test_metric_and_space_may_come_with_the_tuner() -> None:
    search = StudySearch()
    scheduler = StudyScheduler(search, ASHAScheduler())
    assert search.set_search_properties("loss", "min", {"x": SPACE["x"]})
    assert scheduler.set_search_properties(None, None)
    assert scheduler.metric == search.metric == "loss"
    assert 0 <= search.suggest("a")["x"] <= 1
    # and a second metric beside the searcher's own is refused by the Tuner
    assert not search.set_search_properties("accuracy", "max", {})


def test_a_password_stays_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    url = "postgresql+psycopg://ana:${HPO_TEST_PASSWORD}@127.0.0.1:5432/hpo"
    monkeypatch.setenv("HPO_TEST_PASSWORD", "sesame")
    search = StudySearch(SPACE, metric="loss", mode="min", storage=url)
    assert b"sesame" not in pickle.dumps(search)
    assert storage_url(url, "/experiment", local=True) == "postgresql+psycopg://ana:sesame@127.0.0.1:5432/hpo"
    monkeypatch.delenv("HPO_TEST_PASSWORD")
    with pytest.raises(ConfigurationError, match="no variable HPO_TEST_PASSWORD"):
        storage_url(url, "/experiment", local=True)


def test_a_study_lies_in_the_experiments_folder_and_that_must_be_local() -> None:
    assert storage_url(None, "/results/ten", local=True) == "sqlite:////results/ten/study.db"
    with pytest.raises(ConfigurationError, match="SQLite needs a local folder"):
        storage_url(None, "bucket/ten", local=False)


def test_both_survive_the_pickle_that_tune_makes_of_them_as_one_pair() -> None:
    search = StudySearch(SPACE, metric="loss", mode="min", constraints=[CONSTRAINT], known=KNOWN)
    copy, scheduler = pickle.loads(pickle.dumps((search, StudyScheduler(search, ASHAScheduler(max_t=9)))))
    assert scheduler._search is copy
    assert copy.suggest("a") == KNOWN[0]


def test_the_same_seed_draws_the_same_configurations() -> None:
    def first(seed: int) -> Any:
        search = StudySearch(SPACE, metric="loss", mode="min", sampler=seed)
        StudyScheduler(search)
        return search.suggest("a")

    assert first(1) == first(1) != first(2)

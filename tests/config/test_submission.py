"""Whether a study can run on other machines: durable results, variables that are there, no password on the way."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from hpo.config.submission import Submission, Wanted, prepare
from hpo.errors import ConfigurationError

STUDY = """
study: toy
objective: own.py
search_space: {x: {type: uniform, low: -3, high: 3, default: 0}}
objectives: [{metric: loss, direction: minimize}]
"""


@pytest.fixture
def study(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text("def objective(params):\n    return params['x'] ** 2\n")
    (tmp_path / "toy.yaml").write_text(STUDY)
    return tmp_path / "toy.yaml"


def prepared(study: Path, *overrides: str, **more: object) -> Submission:
    return prepare(Wanted(study, overrides, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize("runs", [None, "runs=runs", "runs=./x", "runs=~/runs", "runs=file://runs"])
def test_a_run_folder_that_would_go_with_the_job_is_refused_with_the_reason(study: Path, runs: str | None) -> None:
    with pytest.raises(ConfigurationError, match="temporary copy") as found:
        prepared(study, *([runs] if runs else []))
    assert "--set runs=/shared/runs" in found.value.faults[0].hint


def test_an_absolute_run_folder_is_taken(study: Path) -> None:
    submission = prepared(study, "runs=/shared/runs", "budget.trials=7")
    assert submission.folder == "/shared/runs/toy"
    assert shlex.split(submission.command("--accept-data", "it's fine")) == [
        "python", "-m", "hpo.run", "toy.yaml", "--set", "runs=/shared/runs", "--set", "budget.trials=7",
        "--accept-data", "it's fine",
    ]  # fmt: skip


def test_a_relative_database_is_refused(study: Path) -> None:
    with pytest.raises(ConfigurationError, match="the storage must outlive the job"):
        prepared(study, "runs=/shared/runs", "storage=sqlite:///study.db")
    assert prepared(study, "runs=/shared/runs", "storage=sqlite:////shared/study.db")


def test_a_password_in_the_study_is_refused_without_showing_it(study: Path) -> None:
    with pytest.raises(ConfigurationError, match="holds a password") as found:
        prepared(study, "runs=/shared/runs", "storage=postgresql+psycopg://me:sesame99@db/hpo")
    assert "sesame99" not in str(found.value)
    assert "--env STORAGE_PASSWORD" in str(found.value)


def test_a_variable_of_the_study_must_be_handed_over_or_be_there(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a study that takes a password from the environment
    monkeypatch.setenv("PASSWORD", "sesame99")
    overrides = ("runs=/shared/runs", "storage=postgresql+psycopg://me:${PASSWORD}@db/hpo")
    # then it is asked for
    with pytest.raises(ConfigurationError, match=r"takes \$\{PASSWORD\} from the environment") as found:
        prepared(study, *overrides)
    assert "--env PASSWORD" in str(found.value) and "sesame99" not in str(found.value)
    # and with it the command holds the name, never the value
    command = prepared(study, *overrides, forwarded=("PASSWORD",)).command()
    assert "${PASSWORD}" in command and "sesame99" not in command
    # and where the cluster sets it, it need not be known here
    monkeypatch.delenv("PASSWORD")
    assert "${PASSWORD}" in prepared(study, *overrides, present=("PASSWORD",)).command()


def test_a_variable_for_the_workers_must_be_handed_over_too(study: Path) -> None:
    overrides = ("runs=/shared/runs", "runner={name: ray, environment: [HF_TOKEN]}")
    with pytest.raises(ConfigurationError, match="the workers are to have HF_TOKEN"):
        prepared(study, *overrides)
    assert prepared(study, *overrides, present=("HF_TOKEN",))


def test_what_is_handed_over_reaches_the_workers_but_for_what_the_study_file_takes_up(
    study: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PASSWORD", "HF_TOKEN", "WORD"):
        monkeypatch.setenv(name, "sesame99")
    overrides = ("runs=/shared/runs", "storage=postgresql+psycopg://me:${PASSWORD}@db/hpo")
    forwarded = ("PASSWORD", "HF_TOKEN", "WORD")

    def handed(*more: str) -> list[str]:
        overridden = prepared(study, *overrides, *more, forwarded=forwarded).overrides
        return [each for each in overridden if each.startswith("runner.environment=")]

    assert handed() == ['runner.environment=["HF_TOKEN", "WORD"]']
    # and after those that the study names itself
    assert handed("runner={name: ray, environment: [WORD]}") == ['runner.environment=["WORD", "HF_TOKEN"]']
    # and to nobody where the job's own process trains
    assert handed("runner.name=local") == []


def test_a_variable_that_is_not_set_cannot_be_handed_over(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    with pytest.raises(ConfigurationError, match="no variable HF_TOKEN"):
        prepared(study, "runs=/shared/runs", forwarded=("HF_TOKEN",))

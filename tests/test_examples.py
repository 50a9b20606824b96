"""Every example runs from its file to a best trial: on the model it names where that is here, else on a tiny one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hpo.commands import main

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
SMALL = ("budget={trials: 2}", "training.max_length=64", "runner.cpus_per_trial=1")


def run_example(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch, *overrides: str) -> pd.DataFrame:
    """Run an example in ``folder`` with overrides, and return its table of trials."""
    monkeypatch.chdir(folder)
    settings = [word for override in overrides for word in ("--set", override)]
    code = main(["run", str(EXAMPLES / name), *settings])
    assert code == 0
    (run,) = (folder / "runs").iterdir()
    assert (run / "best.yaml").is_file()
    return pd.read_csv(run / "trials.csv")


@pytest.mark.parametrize(
    ("name", "metric"),
    [
        ("qwen_classification.yaml", "macro_f1"),
        ("instruction_tuning.yaml", "token_f1"),
        ("language_modeling.yaml", "bits_per_byte"),
    ],
)
def test_examples_of_causal_models_run_on_a_tiny_one(
    name: str, metric: str, llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a Llama of two layers in place of the model that is named
    overrides = (f"model={llama}", "training.num_train_epochs=1", "training.evaluations=1", *SMALL)
    # when the example runs
    trials = run_example(name, tmp_path, monkeypatch, *overrides)
    # then both trials are complete, and were scored by the metric that it optimises
    assert list(trials["state"]) == ["complete", "complete"]
    assert trials[metric].notna().all()


def test_the_regression_example_runs_on_an_encoder(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = (f"model={minilm}", "training.num_train_epochs=1", "training.evaluations=1", *SMALL)
    trials = run_example("regression.yaml", tmp_path, monkeypatch, *overrides)
    # then the configuration it knows comes right after the default, which it fills up
    assert list(trials["learning_rate"]) == [5e-4, 1e-3]
    assert list(trials["batch_size"]) == [16, 8]
    assert trials["mae"].between(0, 5).all()


def test_the_example_of_an_own_function_finds_better_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = run_example("own_function.yaml", tmp_path, monkeypatch, "budget.trials=8")
    assert trials["accuracy"].max() > trials["accuracy"][0] > 0.9


def test_the_example_of_an_own_evaluator_optimises_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trials = run_example("own_evaluator.yaml", tmp_path, monkeypatch, "budget.trials=4")
    (cost,) = (name for name in trials if name.endswith("handling_cost"))
    assert trials[cost].between(0, 8).all()


def test_the_example_of_two_objectives_keeps_its_constraint(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given adapters of any size, and a search that is told of a limit
    overrides = ("budget.trials=3", "training.num_train_epochs=1", "data.limit=200", "pruner={name: none}")
    trials = run_example("two_objectives.yaml", tmp_path, monkeypatch, *overrides, "runner.cpus_per_trial=1")
    # then each trial says whether it is within the limit
    assert trials["state"].eq("complete").all()
    assert (trials["feasible"] == (trials["trainable_parameters"] <= 800_000)).all()

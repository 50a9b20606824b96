"""Every example runs from its file to a best trial: on the model it names where that is here, else on a tiny one."""

from __future__ import annotations

import json
import shutil
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
    cost, on_training_rows = sorted(name for name in trials if name.endswith("handling_cost"))
    assert on_training_rows == "train_handling_cost"
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


def test_the_example_of_two_models_compares_them_on_both_data_sets(
    llama: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given the same tiny Llama in place of both models
    text = (EXAMPLES / "validate_two_models.yaml").read_text().replace("Qwen/Qwen3-0.6B", str(llama))
    shutil.copytree(EXAMPLES / "data", tmp_path / "data")
    (tmp_path / "two.yaml").write_text(text.replace("Qwen/Qwen3-1.7B", str(llama)))
    monkeypatch.chdir(tmp_path)
    # when they are compared, then both data sets are scored, and a model does not differ from itself
    assert main(["validate", "two.yaml"]) == 0
    found = json.loads((tmp_path / "validations" / "two-models" / "validation.json").read_text())
    primary = [each for each in found["comparisons"] if each["role"] == "primary"]
    assert [(each["dataset"], each["metric"]) for each in primary] == [("sentiment", "accuracy"), ("topic", "macro_f1")]
    assert all(each["difference"] == 0 and each["p_value"] == 1 for each in primary)
    assert (tmp_path / "validations" / "two-models" / "report.html").is_file()


def test_the_example_of_data_quality_measures_four_strategies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # given a copy of it, so that its page lies elsewhere
    for name in ("data_quality.yaml", "docstrings.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    # when it runs, then every gate is kept, every strategy has a verdict, and the page is written
    assert main(["check-data", "data_quality.yaml"]) == 0
    assert (tmp_path / "data_quality.html").stat().st_size < 6_000_000


def test_the_bayesian_example_knows_what_each_trial_costs(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    overrides = ("budget.trials=3", "data.limit=200", "pruner={name: none}", "runner.cpus_per_trial=1")
    trials = run_example("bayesian_lora.yaml", tmp_path, monkeypatch, *overrides)
    # then both objectives are there for every trial
    assert trials["state"].eq("complete").all()
    assert trials["cost_usd"].gt(0).all() and trials["macro_f1"].between(0, 1).all()

"""Which changes make another study, and which do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.config import describe_difference, identity, load

SAME = [
    "budget.trials=99",
    "runner.cpus_per_trial=2",
    "runs=elsewhere",
    "storage=sqlite:///x.db",
    "price_per_device_hour=3",
    "keep_models=5",
    "baselines.base=false",
    "loggers.tensorboard=false",
    "sampler.lookahead=4",
    "study=renamed",
]
OTHER = [
    ("model.dtype=float32", ["model"]),
    ("training.num_train_epochs=3", ["training"]),
    ("search_space.learning_rate.high=2e-3", ["search_space"]),
    ("known=[]", ["known"]),
    ("objectives.0.metric=mcc", ["objectives"]),
    ("constraints.0.max=8", ["constraints"]),
    ("sampler.seed=8", ["sampler"]),
    ("sampler.ordered=false", ["sampler"]),
    ("pruner.name=none", ["pruner"]),
    ("objective=full_finetune", ["objective"]),
]


@pytest.mark.parametrize("override", SAME)
def test_what_may_change_between_calls_is_the_same_study(override: str, studies: Path) -> None:
    file = studies / "classification.yaml"
    old, new = identity(load(file), "rows"), identity(load(file, [override]), "rows")
    assert describe_difference(old, new) == []


@pytest.mark.parametrize(("override", "parts"), OTHER)
def test_what_changes_the_meaning_of_a_trial_is_named(override: str, parts: list[str], studies: Path) -> None:
    file = studies / "classification.yaml"
    extra = []
    if override.startswith("objective="):  # full fine-tuning knows no ranks
        extra = ["search_space={learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}}", "known=[]"]
    old, new = identity(load(file, extra), "rows"), identity(load(file, [*extra, override]), "rows")
    assert describe_difference(old, new) == parts


def test_other_rows_are_another_study(studies: Path) -> None:
    config = load(studies / "classification.yaml")
    assert describe_difference(identity(config, "a"), identity(config, "b")) == ["data"]


def test_ones_own_file_counts_by_its_content_wherever_it_lies(studies: Path, tmp_path: Path) -> None:
    old = identity(load(studies / "own_function.yaml"), "")
    moved = tmp_path / "moved"
    studies.rename(moved)
    assert identity(load(moved / "own_function.yaml"), "") == old
    (moved / "mine.py").write_text("def train(x):\n    return {'error': 2 * x}\n")
    assert describe_difference(old, identity(load(moved / "own_function.yaml"), "")) == ["objective"]


def test_the_order_of_parameters_belongs_to_a_study(studies: Path) -> None:
    file = studies / "own_function.yaml"
    one = "search_space={a: {type: constant, value: 1}, b: {type: constant, value: 1}}"
    two = "search_space={b: {type: constant, value: 1}, a: {type: constant, value: 1}}"
    assert describe_difference(identity(load(file, [one]), ""), identity(load(file, [two]), "")) == ["search_space"]

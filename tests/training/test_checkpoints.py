"""A run that was cut off goes on as if it had not been."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.errors import TrialFailure
from hpo.objectives import full_finetune, lora


def reproducible(progress: Any) -> tuple[Any, ...]:
    values = {k: v for k, v in progress.measurements.items() if k in ("train_tokens", "train_flops", "train_loss")}
    return progress.examples, progress.fraction, values, progress.outputs.probabilities.tobytes()


@pytest.mark.parametrize(("module", "model"), [(lora, "minilm"), (full_finetune, "llama")])
def test_a_resumed_run_is_bit_for_bit_the_undisturbed_one(
    module: Any, model: str, bench: Any, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    task = bench.task(request.getfixturevalue(model))
    params = {"num_train_epochs": 2, "evaluations": 4, "lora_dropout": 0.2, "batch_size": 5, "learning_rate": 1e-3}
    whole = [reproducible(progress) for progress in module.open_objective(task).train(bench.trial(**params))]
    objective = module.open_objective(task)
    run = objective.train(bench.trial(**params))
    next(run)
    next(run).checkpoint(tmp_path / "step")
    run.close()
    list(objective.train(bench.trial(seed=99, **params)))  # another trial in between
    resumed = module.open_objective(task).train(bench.trial(checkpoint=tmp_path / "step", **params))
    assert [reproducible(progress) for progress in resumed] == whole[2:]


def test_a_checkpoint_of_another_configuration_is_refused(bench: Any, minilm: Path, tmp_path: Path) -> None:
    objective = lora.open_objective(bench.task(minilm))
    next(objective.train(bench.trial())).checkpoint(tmp_path / "step")
    with pytest.raises(TrialFailure, match="another configuration"):
        list(objective.train(bench.trial(method="dora", checkpoint=tmp_path / "step")))

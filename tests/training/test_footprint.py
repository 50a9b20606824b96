"""Memory and time of a configuration, measured on this machine."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.config.training import TrainingConfig
from hpo.objective import Resources
from hpo.objectives import full_finetune, lora
from hpo.training.encode import pack
from hpo.training.footprint import run_seconds
from hpo.training.memory import predict_memory


@pytest.fixture
def long_rows(bench: Any) -> Any:
    rows = bench.rows(8)
    return replace(rows, frame=rows.frame.assign(text=rows.frame["text"].str.repeat(20)))


def test_memory_grows_with_rows_and_length_and_says_what_fits(bench: Any, minilm: Path, long_rows: Any) -> None:
    objective = lora.open_objective(bench.task(minilm, train=long_rows, settings={}))
    found = objective.probe({"max_length": 128, "micro_batch_size": 1})
    assert found.fits and found.seconds > 0
    more = objective.probe({"max_length": 128, "micro_batch_size": 64})
    assert more.memory_gb > found.memory_gb
    slope = found.model["slope_bytes"]
    assert more.memory_gb - found.memory_gb == pytest.approx(63 * 128 * slope / 2**30)
    assert 6 * 384 * 4 * 5 < slope < 6 * 384 * 4 * 60  # 5 to 60 numbers a layer and hidden unit
    assert predict_memory(more.model, {"max_length": 128, "micro_batch_size": 64}) == pytest.approx(more.memory_gb)


def test_trained_values_are_predicted_as_they_are(bench: Any, minilm: Path) -> None:
    from hpo.training.memory import trained_values

    for module, params in ((lora, {"lora_rank": 3}), (lora, {"lora_rank": 3, "method": "dora"}), (full_finetune, {})):
        objective = module.open_objective(bench.task(minilm))
        settings = {"evaluations": 1, "max_steps": 1, **params}
        (progress,) = objective.train(bench.trial(**settings))
        found = objective.probe(settings)
        assert trained_values(found.model, settings) == progress.measurements["trainable_parameters"]


def test_checkpointed_gradients_take_less(bench: Any, minilm: Path, long_rows: Any) -> None:
    objective = lora.open_objective(bench.task(minilm, train=long_rows))
    plain, checkpointed = (objective.probe({"max_length": 128, "gradient_checkpointing": c}) for c in (False, True))
    assert checkpointed.model["slope_bytes"] < 0.5 * plain.model["slope_bytes"]


def test_a_batch_that_does_not_fit_is_split_into_micro_batches(bench: Any, minilm: Path, long_rows: Any) -> None:
    task = bench.task(minilm, train=long_rows, settings={"evaluations": 1, "max_length": 128})
    roomy = lora.open_objective(task)
    found = roomy.probe({})
    row = 128 * found.model["slope_bytes"] / 2**30
    tight = lora.open_objective(replace(task, resources=Resources(1, memory_gb=found.memory_gb + 2.5 * row)))
    settings = bench.trial(batch_size=8).params
    from hpo.training.settings import settings_of

    wanted = settings_of(task.settings, settings)
    data = roomy._prepare()
    assert roomy._micro(roomy._question(wanted, data), data) == 8
    assert tight._micro(tight._question(wanted, data), data) in (1, 2, 4)
    assert not lora.open_objective(replace(task, resources=Resources(1, memory_gb=0.1))).probe({}).fits


def test_several_processes_divide_the_rows_and_the_first_one_evaluates() -> None:
    encoded = pack([np.arange(10)] * 20, [0] * 20, [10] * 20, [0] * 20)  # 20 rows of 10 tokens
    settings = TrainingConfig(batch_size=10, micro_batch_size=2, num_train_epochs=1, evaluations=3)
    costs = {"pass_seconds": 1.0, "token_seconds": 0.5}
    # 2 steps of 5 or 3 passes, 10 or 5 rows of 10 tokens; 3 evaluations of 60 tokens at a third of the price
    assert run_seconds(costs, settings, encoded, 60) == pytest.approx(2 * 5 + 0.5 * (2 * 10 * 10 + 60))
    assert run_seconds(costs, settings, encoded, 60, 2) == pytest.approx(2 * 3 + 0.5 * (2 * 5 * 10 + 60))

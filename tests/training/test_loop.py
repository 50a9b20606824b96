"""The loop: accumulation, clipping, divergence, measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpo.config.training import TrainingConfig
from hpo.errors import TrialFailure
from hpo.objectives import full_finetune, lora
from hpo.training.loop import guarded
from hpo.training.losses import HeadLoss
from hpo.training.optimizer import make_trainable
from hpo.training.settings import settings_of


def trained(objective: Any, trial: Any) -> tuple[Any, dict[str, torch.Tensor]]:
    """The last progress, and the weights at that moment."""
    settings = settings_of(objective._task.settings, trial.params)
    data = objective._prepare(trial.params)
    run = objective._start(trial, objective._question(settings, data), data)
    evaluations = list(run.evaluations(settings.evaluations))
    return evaluations[-1], {
        n: p.detach().clone() for n, p in zip(run.trainable.names, run.trainable.parameters, strict=True)
    }


def test_micro_batches_give_the_weights_of_the_whole_batch_on_an_encoder(bench: Any, minilm: Path) -> None:
    objective = lora.open_objective(bench.task(minilm))
    _, whole = trained(objective, bench.trial(optim="sgd", learning_rate=0.1, micro_batch_size=8))
    _, micro = trained(objective, bench.trial(optim="sgd", learning_rate=0.1, micro_batch_size=2))
    assert max(float((whole[name] - micro[name]).abs().max()) for name in whole) < 1e-6
    assert max(float(tensor.abs().max()) for name, tensor in whole.items() if "lora_B" in name) > 1e-4


def test_micro_batches_give_the_weights_of_the_whole_batch_on_a_causal_model(bench: Any, llama: Path) -> None:
    task = bench.task(llama, kind="language_modeling", train=bench.rows(23), outputs=frozenset({"likelihood"}))
    objective = full_finetune.open_objective(task)
    _, whole = trained(objective, bench.trial(optim="sgd", learning_rate=0.1, micro_batch_size=8))
    _, micro = trained(objective, bench.trial(optim="sgd", learning_rate=0.1, micro_batch_size=2))
    assert max(float((whole[name] - micro[name]).abs().max()) for name in whole) < 1e-6


def test_running_out_of_memory_in_a_step_makes_it_again_with_smaller_micro_batches(
    bench: Any, minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    objective = lora.open_objective(bench.task(minilm))
    trial = bench.trial(optim="sgd", learning_rate=0.1, micro_batch_size=8)
    _, whole = trained(objective, trial)
    summed, refused = HeadLoss.summed, []

    def small_device(self: HeadLoss, model: Any, part: Any) -> torch.Tensor:
        if len(part) > 2:  # a device on which only two rows fit
            refused.append(len(part))
            raise torch.OutOfMemoryError("CUDA out of memory")
        return summed(self, model, part)

    monkeypatch.setattr(HeadLoss, "summed", small_device)
    _, split = trained(objective, trial)
    assert len(refused) >= 1 and max(float((whole[name] - split[name]).abs().max()) for name in whole) < 1e-6
    monkeypatch.setattr(HeadLoss, "summed", lambda *_: small_device(*_[:2], range(3)))
    with pytest.raises(TrialFailure) as caught:  # not even one row fits
        list(objective.train(trial))
    assert caught.value.reason == "out_of_memory"


def test_a_loss_that_explodes_is_a_divergence(bench: Any, llama: Path) -> None:
    task = bench.task(llama, kind="language_modeling", outputs=frozenset({"likelihood"}))
    trial = bench.trial(optim="sgd", learning_rate=1e30, max_grad_norm=0.0)
    with pytest.raises(TrialFailure) as caught:
        list(full_finetune.open_objective(task).train(trial))
    assert caught.value.reason == "diverged"


def test_running_out_of_memory_is_the_trials_failure() -> None:
    def work() -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB\nmore")

    with pytest.raises(TrialFailure) as caught:
        guarded(work)
    assert (caught.value.reason, str(caught.value)) == ("out_of_memory", "CUDA out of memory. Tried to allocate 2 GiB")


def test_measurements_are_cumulative_and_say_what_was_trained(bench: Any, minilm: Path) -> None:
    task = bench.task(minilm)
    first, second = lora.open_objective(task).train(bench.trial(num_train_epochs=2))
    assert (first.examples, second.examples) == (24, 48) and (first.fraction, second.fraction) == (0.5, 1.0)
    tokens = second.measurements["train_tokens"]
    assert tokens == 2 * first.measurements["train_tokens"] > 48 * 5
    head, adapters = 384 * 3 + 3, 4 * (6 * (4 * 768 + 2 * 1920) + 768)
    trainable = second.measurements["trainable_parameters"]
    assert trainable == head + adapters
    body = 6 * (4 * (384 * 384 + 384) + 2 * 384 * 1536 + 384 + 1536 + 4 * 384) + 2 * 384 + 384 * 384 + 384 + head
    assert second.measurements["train_flops"] == (4 * body + 6 * trainable) * tokens
    assert 0.2 < second.measurements["peak_memory_gb"] < 4
    assert second.measurements["tokens_per_second"] > 0 and second.measurements["latency_ms"] > 0
    slowest = [second.measurements[f"latency_{name}"] for name in ("p50_ms", "p95_ms", "p99_ms")]
    assert 0 < slowest[0] <= slowest[1] <= slowest[2]
    assert second.measurements["train_loss"] < first.measurements["train_loss"]


@pytest.mark.parametrize("optim", ["adamw_torch", "sgd"])
def test_weights_laid_out_as_one_vector_train_like_separate_ones(optim: Any) -> None:
    settings = TrainingConfig(optim=optim, learning_rate=0.1, weight_decay=0.1, max_grad_norm=0.5)

    def run(limit: int) -> list[torch.Tensor]:
        import hpo.training.optimizer as module

        torch.manual_seed(0)
        model = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.Tanh(), torch.nn.Linear(7, 1))
        old, module._FLAT_LIMIT = module._FLAT_LIMIT, limit
        try:
            trainable = make_trainable(model, settings, 5)
        finally:
            module._FLAT_LIMIT = old
        assert trainable.flat == (limit > 0)
        for step in range(5):
            trainable.zero()
            model(torch.ones(3, 5)).square().sum().backward()
            trainable.step(step)
        return [parameter.detach() for parameter in model.parameters()]

    assert all(torch.allclose(a, b, atol=1e-6) for a, b in zip(run(1000), run(0), strict=True))


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("linear", [0.0, 0.5, 1.0, 0.875, 0.75]),
        ("constant_with_warmup", [0.0, 0.5, 1.0, 1.0, 1.0]),
        ("constant", [1.0, 1.0, 1.0, 1.0, 1.0]),
    ],
)
def test_learning_rates_follow_the_schedule(name: Any, shape: list[float]) -> None:
    settings = TrainingConfig(lr_scheduler_type=name, warmup_ratio=0.2, learning_rate=2.0)
    rates = make_trainable(torch.nn.Linear(2, 2), settings, 10).rates
    assert np.allclose(rates[:5], 2 * np.array(shape))

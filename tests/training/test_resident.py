"""The base model stays as it was loaded, whatever runs on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpo.config.models import ModelConfig
from hpo.errors import ConfigurationError, ModelError
from hpo.objectives import full_finetune, lora
from hpo.training.resident import Needs, load


def last(objective: Any, trial: Any) -> Any:
    return list(objective.train(trial))[-1]


def same(a: Any, b: Any) -> bool:
    return bool((a.probabilities == b.probabilities).all())


@pytest.mark.parametrize(("module", "model"), [(lora, "minilm"), (lora, "llama"), (full_finetune, "llama")])
def test_a_trial_after_others_equals_one_on_a_freshly_loaded_base(
    module: Any, model: str, bench: Any, request: pytest.FixtureRequest
) -> None:
    task = bench.task(request.getfixturevalue(model), train=bench.rows(12))
    trial = bench.trial(seed=11, learning_rate=1e-3, lora_dropout=0.1)
    used = module.open_objective(task)
    last(used, bench.trial(seed=1, learning_rate=1e-2, batch_size=3))
    last(used, bench.trial(seed=2, method="dora", gradient_checkpointing=True))
    next(iter(used.train(bench.trial(seed=5))))  # one that is stopped
    used.predict(None, task.validation)
    after, fresh = last(used, trial), last(module.open_objective(task), trial)
    assert same(after.outputs, fresh.outputs)
    assert after.measurements["train_loss"] == fresh.measurements["train_loss"]


def test_training_leaves_weights_flags_and_modules_of_the_base_alone(bench: Any, minilm: Path) -> None:
    objective = lora.open_objective(bench.task(minilm))
    base = objective._resident.model
    before = {name: tensor.clone() for name, tensor in base.state_dict().items()}
    modules = {name: id(module) for name, module in base.named_modules()}
    last(objective, bench.trial(learning_rate=1e-2))
    assert all(torch.equal(before[name], tensor) for name, tensor in base.state_dict().items())
    assert {name: id(module) for name, module in base.named_modules()} == modules
    assert not any(parameter.requires_grad for parameter in base.parameters())


def test_a_view_shares_the_body_and_draws_its_head_from_the_seed(minilm: Path) -> None:
    resident = load(ModelConfig(name=str(minilm)), Needs(3, ("a", "b", "c")))
    one, same_seed, other = resident.view(1), resident.view(1), resident.view(2)
    assert resident.head == ("classifier",)
    assert torch.equal(one.classifier.weight, same_seed.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert float(one.classifier.weight.std()) == pytest.approx(0.02, rel=0.1) and not one.classifier.bias.any()
    body, shared = dict(resident.model.bert.named_parameters()), dict(one.bert.named_parameters())
    assert all(body[name].data_ptr() == shared[name].data_ptr() for name in body)


@pytest.mark.parametrize("family", ["Bert", "Roberta", "Electra"])
def test_the_last_layer_on_the_first_token_alone_changes_no_output(family: str) -> None:
    import transformers

    from hpo.training.heads import read_first_token

    sizes = {
        "hidden_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "intermediate_size": 64,
        "vocab_size": 50,
    }
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**sizes)
    model = getattr(transformers, f"{family}ForSequenceClassification")(config).eval()
    ids, mask = torch.randint(5, 50, (3, 9)), torch.ones(3, 9, dtype=torch.long)
    mask[1, 6:] = 0
    with torch.no_grad():
        whole = model(input_ids=ids, attention_mask=mask).logits
        read_first_token(model)
        lengths: list[int] = []
        model.base_model.encoder.layer[-1].output.register_forward_hook(lambda *call: lengths.append(call[2].shape[1]))
        first = model(input_ids=ids, attention_mask=mask).logits
    assert lengths == [1]
    assert torch.allclose(whole, first, atol=1e-6)


def test_the_bases_own_dropout_is_off_for_adapters_and_on_for_full_training(minilm: Path) -> None:
    def dropouts(full: bool) -> set[float]:
        model = load(ModelConfig(name=str(minilm)), Needs(2, full=full)).model
        return {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)}

    assert dropouts(False) == {0.0}
    assert dropouts(True) == {0.1}


def test_the_untuned_base_of_an_encoder_is_an_untrained_head_drawn_from_the_seed(bench: Any, minilm: Path) -> None:
    task = bench.task(minilm)
    first = lora.open_objective(task).predict(None, task.validation)
    again = lora.open_objective(task).predict(None, task.validation)
    assert same(first, again)
    assert np.allclose(first.probabilities.sum(axis=1), 1) and (first.probabilities < 0.9).all()


def test_a_checkpoint_whose_weights_do_not_belong_to_its_config_is_refused(tmp_path: Path, minilm: Path) -> None:
    import json

    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).symlink_to(minilm / name)
    config = {**json.loads((minilm / "config.json").read_text()), "num_hidden_layers": 7}
    (tmp_path / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="lack"):
        load(ModelConfig(name=str(tmp_path)), Needs(2))


def test_an_encoder_is_refused_for_a_task_that_writes(bench: Any, minilm: Path) -> None:
    with pytest.raises(ModelError, match="encoder"):
        lora.open_objective(bench.task(minilm, kind="instruction"))


def test_target_modules_that_name_nothing_are_refused_with_those_that_exist(bench: Any, minilm: Path) -> None:
    with pytest.raises(ConfigurationError, match="q_proj") as caught:
        lora.open_objective(bench.task(minilm, settings={"target_modules": ("q_proj",)}))
    assert "query" in caught.value.faults[0].hint

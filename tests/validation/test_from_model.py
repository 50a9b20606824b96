"""Models that this package has not trained: classifiers as they come, adapters of PEFT's, bases without any tuning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.errors import ConfigurationError
from hpo.validation import validate

NAMES = {"LABEL_0": "animal", "LABEL_1": "tool"}


@pytest.fixture
def datasets(write: Any, words: Any) -> list[dict[str, Any]]:
    return [{"name": "words", "data": str(write("rows", words(slice(12, 18))))}]


def accuracy(found: dict[str, Any], model: str) -> float:
    (row,) = [r for r in found["scores"] if (r["model"], r["metric"], r["subgroup"]) == (model, "accuracy", None)]
    return float(row["value"])


def test_a_classifier_answers_with_its_own_head(
    classifier: Path, datasets: Any, validation: Any, said: Any, words: Any
) -> None:
    # given a published classifier whose labels mean nothing by themselves, and what they mean
    models = [
        {"name": "b", "predictions": str(said("b", words(slice(12, 18)), 0.5))},
        {"name": "published", "model": str(classifier), "labels": NAMES},
    ]
    found = validate(validation(models=models, datasets=datasets))
    # then its head, not a fresh one, has answered
    assert accuracy(found, "published") > 0.8
    (model,) = [each for each in found["models"] if each["name"] == "published"]
    assert (model["kind"], model["source"]) == ("folder", str(classifier))
    assert model["parameters"] > 20_000_000
    (cost,) = [each for each in found["cost"] if each["model"] == "published"]
    assert cost["seconds"] > 0 and cost["tokens_per_second"] > 0 and cost["peak_memory_gb"] > 0
    assert cost["latency_p50_ms"] <= cost["latency_p95_ms"] <= cost["latency_p99_ms"]
    assert cost["latency_rows"] == 48


def test_labels_that_are_not_the_data_sets_are_refused_with_both_named(
    classifier: Path, datasets: Any, validation: Any
) -> None:
    models = [{"name": "b", "model": str(classifier)}]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=models, datasets=datasets))
    (fault,) = error.value.faults
    assert fault.where == "model b on words"
    assert "LABEL_0, LABEL_1" in fault.what and "animal, tool" in fault.what
    assert "labels: {LABEL_0: animal" in fault.hint


def test_an_encoder_without_a_head_is_told_to_be_tuned_first(minilm: Path, datasets: Any, validation: Any) -> None:
    with pytest.raises(ConfigurationError, match="without a classification head"):
        validate(validation(models=[{"name": "b", "model": str(minilm)}], datasets=datasets))


def test_an_adapter_of_peft_with_a_head_answers(
    classifier: Path, minilm: Path, datasets: Any, validation: Any, tmp_path: Path
) -> None:
    # given an adapter that PEFT has saved by itself, its head in modules_to_save
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForSequenceClassification

    base = AutoModelForSequenceClassification.from_pretrained(classifier)
    config = LoraConfig(task_type=TaskType.SEQ_CLS, r=2, target_modules=["query"], modules_to_save=["classifier"])
    get_peft_model(base, config).save_pretrained(str(tmp_path / "adapter"))
    # when it is put on the base that knows nothing of the classes
    entry = {"name": "b", "adapter": str(tmp_path / "adapter"), "model": str(minilm)}
    found = validate(validation(models=[{**entry, "labels": NAMES}], datasets=datasets))
    # then its own head has answered
    assert accuracy(found, "b") > 0.8
    # and without a word on its classes it is refused
    with pytest.raises(ConfigurationError, match="does not say what they mean"):
        validate(validation(models=[entry], datasets=datasets))


def test_a_causal_model_is_asked_by_the_likelihood_of_each_label(
    llama: Path, datasets: Any, validation: Any, tmp_path: Path
) -> None:
    # given a base, and an adapter on it that changes nothing yet
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(task_type=TaskType.CAUSAL_LM, r=2, target_modules=["q_proj"])
    get_peft_model(AutoModelForCausalLM.from_pretrained(llama), config).save_pretrained(str(tmp_path / "adapter"))
    models = [{"name": "b", "model": str(llama)}, {"name": "adapter", "adapter": str(tmp_path / "adapter")}]
    found = validate(validation(models=models, datasets=datasets))
    # then both say the same, with probabilities
    (pair,) = [each for each in found["comparisons"] if each["role"] == "primary"]
    assert (pair["difference"], pair["p_value"]) == (0.0, 1.0)
    assert {curve["model"] for curve in found["roc"]} == {"b", "adapter"}


def test_a_causal_model_with_a_head_of_its_own_answers_with_it(
    llama: Path, datasets: Any, validation: Any, tmp_path: Path
) -> None:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    # given a head that always says the second class
    model = AutoModelForSequenceClassification.from_pretrained(llama, num_labels=2, id2label={0: "animal", 1: "tool"})
    tokenizer = AutoTokenizer.from_pretrained(llama)
    torch.nn.init.zeros_(model.score.weight)
    model.score.weight.data[1] = 1e-3 * torch.ones(32)
    model.save_pretrained(tmp_path / "model")
    tokenizer.save_pretrained(tmp_path / "model")
    found = validate(validation(models=[{"name": "b", "model": str(tmp_path / "model")}], datasets=datasets))
    # then every row is answered by that head: logits (0, x) and nothing else
    (matrix,) = found["confusion"]
    assert matrix["labels"] == ["animal", "tool"] and np.sum(matrix["counts"]) == 48

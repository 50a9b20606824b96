"""What a run leaves behind says again what the run said, here and in plain PEFT."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpo.errors import ModelError
from hpo.objectives import full_finetune, lora


def trained(module: Any, task: Any, trial: Any, folder: Path) -> tuple[Any, Any]:
    objective = module.open_objective(task)
    *_, progress = objective.train(trial)
    progress.save(folder)
    return objective, progress.outputs


@pytest.mark.parametrize("module", [lora, full_finetune])
@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_an_artifact_predicts_exactly_what_training_saw_last(
    module: Any, kind: Any, bench: Any, minilm: Path, tmp_path: Path
) -> None:
    rows = {"train": bench.numbers(24), "validation": bench.numbers(12)} if kind == "regression" else {}
    task = bench.task(minilm, kind=kind, **rows)
    objective, seen = trained(module, task, bench.trial(), tmp_path / "artifact")
    objective.predict(None, task.validation)
    for opened in (objective, module.open_objective(task)):
        again = opened.predict(tmp_path / "artifact", task.validation)
        assert (again.ids == seen.ids).all() and (again.prediction == seen.prediction).all()
        assert kind == "regression" or (again.probabilities == seen.probabilities).all()


@pytest.mark.parametrize("method", ["lora", "rslora", "dora"])
def test_an_adapter_loads_with_plain_peft_on_the_base(method: str, bench: Any, minilm: Path, tmp_path: Path) -> None:
    from peft import PeftModel
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    task = bench.task(minilm)
    _, seen = trained(lora, task, bench.trial(method=method), tmp_path / "a")
    base = AutoModelForSequenceClassification.from_pretrained(minilm, num_labels=3)
    model = PeftModel.from_pretrained(base, tmp_path / "a").eval()
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "a")
    batch = tokenizer(task.validation.frame["text"].tolist(), padding=True, return_tensors="pt")
    with torch.no_grad():
        found = torch.softmax(model(**batch).logits, 1).numpy()
    assert np.abs(found - seen.probabilities).max() < 1e-5
    config = json.loads((tmp_path / "a" / "adapter_config.json").read_text())
    assert (config["use_rslora"], config["use_dora"]) == (method == "rslora", method == "dora")
    assert (tmp_path / "a" / "adapter_model.safetensors").is_file()


def test_a_full_model_loads_with_plain_transformers(bench: Any, minilm: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    task = bench.task(minilm)
    _, seen = trained(full_finetune, task, bench.trial(learning_rate=1e-4), tmp_path / "m")
    model = AutoModelForSequenceClassification.from_pretrained(tmp_path / "m").eval()
    assert tuple(model.config.id2label.values()) == task.labels
    tokenizer = AutoTokenizer.from_pretrained(tmp_path / "m")
    batch = tokenizer(task.validation.frame["text"].tolist(), padding=True, return_tensors="pt")
    with torch.no_grad():
        found = torch.softmax(model(**batch).logits, 1).numpy()
    assert np.abs(found - seen.probabilities).max() < 1e-5


def test_a_folder_that_is_no_artifact_is_refused(bench: Any, minilm: Path, tmp_path: Path) -> None:
    task = bench.task(minilm)
    with pytest.raises(ModelError, match="holds no model"):
        lora.open_objective(task).predict(tmp_path, task.validation)

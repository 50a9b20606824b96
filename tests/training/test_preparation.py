"""Preparation in training: weighted losses by torch's own, transforms on whatever is predicted, fractions, resuming."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from hpo.config.preparation import AugmentConfig, PreparationConfig
from hpo.data.rows import Rows
from hpo.data.transforms import apply
from hpo.objectives import full_finetune, lora
from hpo.training.artifacts import read_manifest
from hpo.training.batches import collate
from hpo.training.forward import head_logits
from hpo.training.settings import settings_of

UNEVEN = [0, 1, 2, 3, 4, 6, 9, 12, 15, 18, 21]  # positions in the bench's rows: 8 of sports, 2 of cooking, 1 of music


def uneven(bench: Any) -> Rows:
    """Rows of three topics, most of one."""
    return bench.rows(24).take(np.array(UNEVEN))


def begun(objective: Any, trial: Any) -> Any:
    settings, data = settings_of(objective._task.settings, trial.params), objective._prepare(trial.params)
    return objective._start(trial, objective._question(settings, data), data)


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("scheme", ["none", "balanced", "sqrt_balanced"])
def test_the_weighted_loss_of_an_encoder_is_torchs_own(bench: Any, minilm: Path, scheme: str, smoothing: float) -> None:
    task = bench.task(minilm, train=uneven(bench))
    trial = bench.trial(class_weights=scheme, label_smoothing_factor=smoothing)
    run = begun(lora.open_objective(task), trial)
    run.model.eval()
    labels = [str(label) for label in task.train.frame["label"]]
    counts = np.array([labels.count(name) for name in task.labels])
    weight = counts ** -{"none": 0.0, "balanced": 1.0, "sqrt_balanced": 0.5}[scheme]
    own = torch.nn.CrossEntropyLoss(torch.tensor(weight, dtype=torch.float32), label_smoothing=smoothing)
    batch = np.arange(len(labels))
    targets = torch.tensor([task.labels.index(label) for label in labels])
    with torch.no_grad():
        rows = [run.loss.encoded.row(i) for i in batch]
        logits = head_logits(run.model, *collate(rows, run.loss.pad), torch.device("cpu"))
        found = run.loss.summed(run.model, batch) / run.loss.count(batch)
        parts = sum(run.loss.summed(run.model, part) for part in np.array_split(batch, 3)) / run.loss.count(batch)
    assert float(found) == pytest.approx(float(own(logits, targets)), abs=1e-6)
    assert float(parts) == pytest.approx(float(found), abs=1e-6)


def test_the_weighted_loss_of_a_causal_model_is_the_weighted_mean_over_learnt_tokens(bench: Any, llama: Path) -> None:
    task = bench.task(llama, train=uneven(bench))
    run = begun(full_finetune.open_objective(task), bench.trial(class_weights="balanced"))
    run.model.eval()
    labels = [str(label) for label in task.train.frame["label"]]
    total = weights = 0.0
    for i, label in enumerate(labels):
        ids = torch.from_numpy(run.loss.encoded.row(i).astype(np.int64))[None]
        start = int(run.loss.encoded.prompt[i])
        with torch.no_grad():
            logits = run.model(input_ids=ids).logits[0, start - 1 : -1].float()
        nll = torch.nn.functional.cross_entropy(logits, ids[0, start:], reduction="none")
        total += float(nll.sum()) / labels.count(label)
        weights += len(nll) / labels.count(label)
    batch = np.arange(len(labels))
    with torch.no_grad():
        found = run.loss.summed(run.model, batch) / run.loss.count(batch)
    assert float(found) == pytest.approx(total / weights, abs=1e-5)


def test_rare_classes_are_found_more_often_with_weights(bench: Any, minilm: Path) -> None:
    rows = bench.rows(60)
    kept = [i for i in range(60) if i % 3 == 0 or i < 6]
    task = bench.task(minilm, train=rows.take(np.array(kept)), validation=bench.rows(30, offset=100))
    found = {}
    for scheme in ("none", "balanced"):
        *_, last = lora.open_objective(task).train(bench.trial(class_weights=scheme, num_train_epochs=3))
        truth = task.validation.frame["label"].to_numpy()
        found[scheme] = (last.outputs.prediction == truth)[truth != "sports"].mean()
    assert found["balanced"] > found["none"]


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "mine.py").write_text("def turn(text):\n    return ' '.join(reversed(text.split()))\n", "utf-8")
    return f"{tmp_path}/mine.py:turn"


def shouted(rows: Rows) -> Rows:
    return Rows(rows.frame.assign(text=[f"<p>{text}</p>" for text in rows.frame["text"]]), rows.format)


def changed(rows: Rows, names: list[str]) -> Rows:
    return Rows(rows.frame.assign(text=apply(names, rows.frame["text"].tolist())), rows.format)


@pytest.mark.parametrize("kind", ["encoder", "causal"])
def test_transforms_apply_to_training_validation_and_whatever_is_predicted_later(
    bench: Any, minilm: Path, llama: Path, own: str, tmp_path: Path, kind: str
) -> None:
    model, names = (minilm if kind == "encoder" else llama), ["strip_html", own]
    train, validation = shouted(bench.rows(24)), shouted(bench.rows(9, offset=100))
    config = PreparationConfig(strategies={"clean": tuple(names)})
    task = bench.task(model, train=train, validation=validation, preparation=config)
    *_, last = lora.open_objective(task).train(bench.trial(preprocessing="clean"))
    prepared = bench.task(model, train=changed(train, names), validation=changed(validation, names))
    *_, wanted = lora.open_objective(prepared).train(bench.trial())
    np.testing.assert_array_equal(last.outputs.probabilities, wanted.outputs.probabilities)
    last.save(tmp_path / "artifact")
    assert read_manifest(tmp_path / "artifact").transforms == tuple(names)
    again = lora.open_objective(bench.task(model, train=None, validation=None)).predict(
        tmp_path / "artifact", validation
    )
    np.testing.assert_allclose(again.probabilities, last.outputs.probabilities, atol=1e-6)


def test_the_base_reads_rows_as_the_study_prepares_them(bench: Any, minilm: Path) -> None:
    rows = shouted(bench.rows(9, offset=100))
    fixed = bench.task(minilm, preparation=PreparationConfig(preprocessing="strip_html"))
    found = lora.open_objective(fixed).predict(None, rows)
    bare = lora.open_objective(bench.task(minilm)).predict(None, changed(rows, ["strip_html"]))
    np.testing.assert_array_equal(found.probabilities, bare.probabilities)


def test_a_fraction_trains_on_fewer_rows_and_says_so(bench: Any, minilm: Path) -> None:
    objective = lora.open_objective(bench.task(minilm))
    whole, half = (list(objective.train(bench.trial(train_fraction=f)))[-1] for f in (1.0, 0.5))
    assert (whole.examples, half.examples) == (24, 12)
    assert (whole.measurements["train_rows"], half.measurements["train_rows"]) == (24, 12)
    assert half.measurements["train_tokens"] < whole.measurements["train_tokens"]
    sample = half.train_outputs().ids
    assert set(sample) <= set(objective._prepare({"train_fraction": 0.5}).train.ids)


def test_a_probe_knows_what_is_trained_on(bench: Any, minilm: Path) -> None:
    long = Rows(
        pd.DataFrame([{"id": str(i), "text": "<br>" * 200 + "goal", "label": "music"} for i in range(30)]), "text_label"
    )
    objective = lora.open_objective(bench.task(minilm, train=long, settings={"evaluations": 1, "max_length": 256}))
    whole, part, short = (
        objective.probe(params) for params in ({}, {"train_fraction": 0.2}, {"preprocessing": "strip_html"})
    )
    assert part.seconds < 0.7 * whole.seconds
    assert short.model["longest"] < 10 < whole.model["longest"]
    assert short.memory_gb < whole.memory_gb


EVERYTHING = PreparationConfig(
    resample="oversample", augment=AugmentConfig(method="typos", share=0.5), outliers="length"
)


def test_a_prepared_run_goes_on_from_its_checkpoint_as_if_never_stopped(
    bench: Any, minilm: Path, tmp_path: Path
) -> None:
    task = bench.task(minilm, train=uneven(bench), preparation=EVERYTHING)
    params = {"class_weights": "sqrt_balanced", "train_fraction": 0.9, "preprocessing": "lowercase"}
    first, last = lora.open_objective(task).train(bench.trial(**params, num_train_epochs=2))
    run = lora.open_objective(task).train(bench.trial(**params, num_train_epochs=2))
    next(run).checkpoint(tmp_path / "checkpoint")
    run.close()
    resumed = bench.trial(**params, num_train_epochs=2, checkpoint=tmp_path / "checkpoint")
    (again,) = lora.open_objective(task).train(resumed)
    np.testing.assert_array_equal(again.outputs.probabilities, last.outputs.probabilities)
    assert again.measurements["train_rows"] == first.measurements["train_rows"] > len(UNEVEN)

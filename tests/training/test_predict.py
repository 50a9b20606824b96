"""Predictions of causal models: likelihoods of labels and texts, and generated answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from hpo.objectives import full_finetune, lora
from hpo.training import predict_likelihood, shared_prompt
from hpo.training.settings import settings_of

LIKELIHOOD = frozenset({"likelihood"})


def by_hand(folder: Path, prompt: str, completion: str) -> float:
    """Log-probability of a completion, one row at a time, with plain transformers."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    read = tokenizer(prompt)["input_ids"]
    ids = torch.tensor([[*read, *tokenizer(completion, add_special_tokens=False)["input_ids"]]])
    with torch.no_grad():
        logs = torch.log_softmax(AutoModelForCausalLM.from_pretrained(folder)(ids).logits[0], 1)
    return sum(float(logs[i - 1, ids[0, i]]) for i in range(len(read), ids.shape[1]))


def test_label_probabilities_are_a_softmax_of_each_labels_log_probability(bench: Any, llama: Path) -> None:
    labels = ("sports", "cooking and more words", "music")
    task = bench.task(llama, labels=labels)
    outputs = lora.open_objective(task).predict(None, task.validation)
    for i in range(3):
        text = task.validation.frame["text"][i]
        scores = np.array([by_hand(llama, text, f" {label}") for label in labels])
        expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
        assert outputs.probabilities[i] == pytest.approx(expected, abs=1e-5)
        assert outputs.prediction[i] == labels[int(expected.argmax())]


def test_length_normalisation_divides_by_the_labels_tokens(bench: Any, llama: Path) -> None:
    labels = ("sports", "cooking and more words", "music")
    task = bench.task(llama, labels=labels, settings={"length_normalized": True})
    text = task.validation.frame["text"][0]
    tokenizer = AutoTokenizer.from_pretrained(llama)
    counts = [len(tokenizer(f" {label}", add_special_tokens=False)["input_ids"]) for label in labels]
    scores = np.array([by_hand(llama, text, f" {label}") / n for label, n in zip(labels, counts, strict=True)])
    expected = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
    assert lora.open_objective(task).predict(None, task.validation).probabilities[0] == pytest.approx(
        expected, abs=1e-5
    )


def test_reading_the_prompt_once_equals_reading_it_for_every_label(
    bench: Any, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = bench.task(llama, labels=("sports", "cooking and more words", "music"))
    objective = lora.open_objective(task)
    shared = objective.predict(None, task.validation)
    assert shared_prompt.can_share(objective._resident.model, 20)
    monkeypatch.setattr(predict_likelihood, "can_share", lambda *_: False)
    apart = objective.predict(None, task.validation)
    assert np.abs(shared.probabilities - apart.probabilities).max() < 1e-6


def test_the_likelihood_of_a_text_is_that_of_plain_transformers(bench: Any, llama: Path) -> None:
    task = bench.task(llama, kind="language_modeling", outputs=LIKELIHOOD)
    outputs = lora.open_objective(task).predict(None, task.validation)
    texts = task.validation.frame["text"]
    assert outputs.prediction is None
    assert outputs.nll_sum[:3] == pytest.approx([-by_hand(llama, "", text) for text in texts[:3]], abs=1e-4)
    assert outputs.n_bytes.tolist() == [len(text.encode()) for text in texts]


def test_an_instruction_is_answered_and_its_reference_scored(bench: Any, llama: Path) -> None:
    rows = bench.instructions(24)
    task = bench.task(
        llama,
        kind="instruction",
        train=rows,
        validation=rows.take(range(6)),
        outputs=LIKELIHOOD | {"prediction"},
        settings={"max_new_tokens": 6, "evaluations": 1},
    )
    objective = full_finetune.open_objective(task)
    before = objective.predict(None, task.validation)
    prompt, reference = task.validation.frame.loc[0, ["text", "reference"]]
    assert before.nll_sum[0] == pytest.approx(-by_hand(llama, prompt, f" {reference}"), abs=1e-4)
    (progress,) = objective.train(bench.trial(num_train_epochs=60, learning_rate=1e-2))
    assert progress.outputs.prediction.tolist() == task.validation.frame["reference"].tolist()
    assert progress.outputs.nll_sum.sum() < 0.3 * before.nll_sum.sum()


def test_nothing_is_generated_where_only_likelihood_is_wanted(
    bench: Any, llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpo.training import predict_generate

    monkeypatch.setattr(predict_generate, "answers", lambda *_: pytest.fail("generated"))
    rows = bench.messages(6)
    task = bench.task(llama, kind="instruction", train=rows, validation=rows, outputs=LIKELIHOOD)
    outputs = lora.open_objective(task).predict(None, task.validation)
    assert outputs.prediction is None and (outputs.nll_sum > 0).all()


def test_generated_labels_and_numbers_are_read_from_the_answer(bench: Any, llama: Path) -> None:
    settings = {"scoring": "generate", "max_new_tokens": 5, "evaluations": 1}
    task = bench.task(llama, settings=settings, validation=bench.rows(9))
    (progress,) = full_finetune.open_objective(task).train(bench.trial(num_train_epochs=60, learning_rate=1e-2))
    assert progress.outputs.probabilities is None
    assert (progress.outputs.prediction == task.validation.frame["label"].to_numpy()).mean() > 0.8
    rows = bench.numbers(24)
    task = bench.task(llama, kind="regression", train=rows, validation=rows.take(range(6)), settings={"evaluations": 1})
    (progress,) = full_finetune.open_objective(task).train(bench.trial(num_train_epochs=60, learning_rate=1e-2))
    assert (progress.outputs.prediction == task.validation.frame["label"].to_numpy()).mean() > 0.8


def test_solved_examples_change_the_bases_answers_and_not_a_trained_models(bench: Any, llama: Path) -> None:
    task = bench.task(llama)
    shown = replace(task, settings={**task.settings, "few_shot": 2})
    zero, few = (lora.open_objective(t).predict(None, task.validation).probabilities for t in (task, shown))
    assert np.abs(zero - few).max() > 1e-4
    trial = bench.trial()
    a, b = (list(lora.open_objective(t).train(trial))[-1].outputs.probabilities for t in (task, shown))
    assert (a == b).all()


def test_the_fused_layer_computes_what_pefts_layer_does(
    bench: Any, minilm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hpo.training import adapters, packed

    task = bench.task(minilm)
    trial = bench.trial(optim="sgd", learning_rate=0.1, method="rslora", num_train_epochs=2)
    fused = list(lora.open_objective(task).train(trial))[-1]
    with monkeypatch.context() as patch:
        patch.setattr(packed, "_LIMIT", 0)
        unpacked = list(lora.open_objective(task).train(trial))[-1]
    monkeypatch.setattr(adapters, "fuse", lambda *_: None)
    plain = list(lora.open_objective(task).train(trial))[-1]
    assert np.abs(unpacked.outputs.probabilities - plain.outputs.probabilities).max() < 1e-5
    assert np.abs(fused.outputs.probabilities - plain.outputs.probabilities).max() < 1e-5
    assert fused.measurements["train_loss"] == pytest.approx(plain.measurements["train_loss"], abs=1e-5)


def test_settings_of_a_trial_win_over_those_of_the_study_and_other_names_are_left_out() -> None:
    found = settings_of({"max_length": 64, "batch_size": 4}, {"batch_size": 8, "preprocessing": "none"})
    assert (found.max_length, found.batch_size, found.lora_rank) == (64, 8, 16)

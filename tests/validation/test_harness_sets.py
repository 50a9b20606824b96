"""A task of lm-evaluation-harness as a data set: its own value, our interval, our test."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import ConfigurationError
from hpo.validation import validate

pytest.importorskip("lm_eval")

WORDS = "goal match onion butter melody choir song soup".split()  # noqa: SIM905
TASK = """
task: words
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{query}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"query": f"the {a}", "choices": [f"{b} late", f"{a} goal song"], "gold": i % 2}
            for i, (a, b) in enumerate((a, b) for a in WORDS for b in WORDS if a != b)]  # fmt: skip
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "words.yaml").write_text(TASK)
    return folder / "words.yaml"


def test_models_are_compared_on_the_rows_of_a_task(llama: Path, task: Path, validation: Any, tmp_path: Path) -> None:
    # given a model, and the same with an adapter that has not learnt yet
    from peft import LoraConfig, TaskType, get_peft_model
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from hpo.training import harness

    config = LoraConfig(task_type=TaskType.CAUSAL_LM, r=2, target_modules=["q_proj"])
    get_peft_model(AutoModelForCausalLM.from_pretrained(llama), config).save_pretrained(str(tmp_path / "adapter"))
    models = [{"name": "b", "model": str(llama)}, {"name": "adapter", "adapter": str(tmp_path / "adapter")}]
    file = validation(models=models, datasets=[{"name": "words", "lm_eval": str(task), "primary": "acc"}])
    heard: list[str] = []
    found = validate(file, say=heard.append)
    # then the score is the harness's own, with an interval
    model, tokenizer = AutoModelForCausalLM.from_pretrained(llama).eval(), AutoTokenizer.from_pretrained(llama)
    own = harness.evaluate(model, tokenizer, [str(task)])[str(task)].metrics["acc"]
    scores = {(each["model"], each["metric"]): each for each in found["scores"]}
    assert scores["b", "acc"]["value"] == pytest.approx(own)
    assert scores["b", "acc"]["ci_low"] < own < scores["b", "acc"]["ci_high"]
    assert scores["b", "acc"]["n"] == 56 and found["datasets"][0]["primary"] == "acc"
    # and the two are not told apart, as they say the same
    pairs = {each["metric"]: each for each in found["comparisons"]}
    assert (pairs["acc"]["role"], pairs["acc"]["p_value"]) == ("primary", 1.0)
    assert pairs["acc_norm"]["role"] == "exploratory"
    assert all(row["seconds"] > 0 for row in found["cost"])
    # and nobody is asked twice
    assert len(heard) == 2
    heard.clear()
    assert validate(file, say=heard.append)["scores"] == found["scores"] and heard == []


def test_an_encoder_is_told_that_it_cannot_be_asked(classifier: Path, task: Path, validation: Any) -> None:
    datasets = [{"name": "words", "lm_eval": str(task)}]
    with pytest.raises(ConfigurationError, match="is a classifier"):
        validate(validation(models=[{"name": "b", "model": str(classifier)}], datasets=datasets))


def test_an_unknown_metric_of_a_task_is_told(llama: Path, task: Path, validation: Any) -> None:
    datasets = [{"name": "words", "lm_eval": str(task), "primary": "bleu"}]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=[{"name": "b", "model": str(llama)}], datasets=datasets))
    assert "no metric `bleu`" in error.value.faults[0].what and "acc" in error.value.faults[0].hint

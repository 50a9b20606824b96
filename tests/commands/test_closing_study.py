"""A study whose objectives and constraints are measured where a run ends: forgetting, overfitting, a harness task."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

pytest.importorskip("lm_eval")

POEM = "the violin played a slow melody and the choir sang the last song of the concert"
RECIPE = "chop the onion, fry it in butter and stir the sauce until the soup is thick"
EXAM = """
task: exam
dataset_path: json
dataset_kwargs: {data_files: {test: exam.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{query}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
"""
STUDY = """
study: poems
model: MODEL
task: language_modeling
data: {train: poems.txt, split: {validation: 0.3, test: 0}, forgetting: recipes.txt, gates: {max_leakage_ratio: null}}
training: {max_length: 48, batch_size: 4, evaluations: 2, num_train_epochs: 3}
search_space:
  learning_rate: {type: log_uniform, low: 1e-4, high: 1e-1, default: 1e-2}
objectives:
  - {metric: loss, direction: minimize}
  - {metric: "lm_eval:exam.yaml:acc", direction: maximize}
constraints:
  - {metric: forgetting, max: 0.5}
  - {metric: overfitting, max: 10}
budget: {trials: 2}
runner: {cpus_per_trial: 1}
loggers: {tensorboard: false}
"""


@pytest.fixture
def poems(tmp_path: Path, llama: Path) -> Path:
    words = POEM.split()
    lines = [f"{i} " + " ".join(words[i % 5 :] + words[: i % 3]) for i in range(30)]
    (tmp_path / "poems.txt").write_text("\n".join(lines))
    (tmp_path / "recipes.txt").write_text(RECIPE)
    rows = [{"query": "the violin", "choices": ["played", "onion"], "gold": i % 2} for i in range(4)]
    (tmp_path / "exam.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (tmp_path / "exam.yaml").write_text(EXAM)
    (tmp_path / "poems.yaml").write_text(STUDY.replace("MODEL", str(llama)))
    return tmp_path


def test_every_trial_and_the_base_carry_the_numbers(poems: Path, run_study: Any) -> None:
    done = run_study("poems.yaml", "--json")
    assert done.returncode == 0, done.stderr
    exam = f"lm_eval:{poems}/exam.yaml:acc"
    table = json.loads(done.stdout)["table"]
    assert [row["name"] for row in table][:2] == ["base", "default"]
    assert all(row["objectives"][exam] == 0.5 for row in table)  # two answers of four are right, whatever it prefers
    trials = pd.read_csv(poems / "runs/poems/trials.csv")
    assert trials[["forgetting", "overfitting", exam]].notna().all().all()
    assert (trials["forgetting"] != 0).all()
    sound = trials[trials["feasible"]]
    assert (sound["forgetting"] <= 0.5).all() and (sound["overfitting"] <= 10).all()


def test_an_encoder_can_neither_forget_nor_sit_an_exam(poems: Path, minilm: Path, run_study: Any) -> None:
    rows = "".join(json.dumps({"text": f"row {i} of {i * i}", "label": "ab"[i % 2]}) + "\n" for i in range(40))
    (poems / "rows.jsonl").write_text(rows)
    text = STUDY.replace("MODEL", str(minilm)).replace("language_modeling", "classification")
    text = text.replace("poems.txt", "rows.jsonl").replace(
        "{metric: loss, direction: minimize}", "{metric: accuracy, direction: maximize}"
    )
    for study, words in (
        (text, "lm_eval"),
        (text.replace('  - {metric: "lm_eval:exam.yaml:acc", direction: maximize}\n', ""), "data.forgetting"),
    ):
        (poems / "poems.yaml").write_text(study)
        done = run_study("poems.yaml")
        assert done.returncode == 2 and "is an encoder without a language-modelling head" in done.stderr
        assert f"hint: remove {words}" in done.stderr
        assert not (poems / "runs").exists()


def test_a_task_that_is_not_there_stops_a_study_before_its_model_is_loaded(poems: Path, run_study: Any) -> None:
    (poems / "exam.jsonl").unlink()
    done = run_study("poems.yaml")
    assert done.returncode == 2 and "exam.yaml: the task cannot be loaded: FileNotFoundError" in done.stderr
    assert not (poems / "runs").exists()

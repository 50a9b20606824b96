"""Gates, forgetting, training rows and harness tasks in a study file: what is allowed, and what is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.config import identity, load, load_text
from hpo.config.gates import GATES, GatesConfig
from hpo.config.harness import parse

TASK = "task: mine\ndataset_path: json\n"
DATA = "{train: rows.jsonl}"
METRIC = "accuracy"

# What one line of the good study becomes -> line, words, hint.
CHANGES = [
    (DATA, "{train: rows.jsonl, gates: {max_leakage: 0}}", 4, "unknown key `max_leakage`", "max_leakage_ratio?"),
    (DATA, "{train: rows.jsonl, gates: {max_leakage_ratio: 2}}", 4, "must be at most 1, found 2", ""),
    (DATA, "{train: rows.jsonl, gates: {max_leakage_ratio: -1}}", 4, "must be at least 0, found -1", ""),
    (DATA, "{train: rows.jsonl, gates: {max_class_imbalance: 0.5}}", 4, "must be at least 1, found 0.5", ""),
    (DATA, "{train: rows.jsonl, gates: {min_rows_per_class: few}}", 4, "must be a number", ""),
    (DATA, "{train: rows.jsonl, gates: []}", 4, "`data.gates` must be a mapping", ""),
    (DATA, "{train: rows.jsonl, forgetting: other.txt}", 4, "the data file other.txt does not exist", "looked in"),
    ("accuracy, direction: maximize", "forgetting, direction: minimize", 7, "needs `data.forgetting`", "other.txt"),
    (METRIC, "train_macro_f1", 7, "unknown metric `train_macro_f1`", ""),
    (METRIC, "lm_eval:hellaswag", 7, "must name a task and one of its metrics", "lm_eval:hellaswag:acc"),
    (METRIC, "'lm_eval:'", 7, "must name a task and one of its metrics", ""),
    (METRIC, "lm_eval:tasks/mine.yaml:acc", 7, "the task file tasks/mine.yaml does not exist", "looked in"),
    (
        "study: good",
        "study: good\nconstraints: [{metric: forgetting, max: 0.1}]",
        2,
        "needs `data.forgetting`",
        "data:",
    ),
]


@pytest.mark.parametrize(("old", "new", "line", "words", "hint"), CHANGES, ids=[new for _, new, *_ in CHANGES])
def test_a_bad_change_is_told(old: str, new: str, line: int, words: str, hint: str, good: str, faults: Any) -> None:
    found = faults(good.replace(old, new, 1))
    assert [fault.where for fault in found] == [f"bad.yaml:{line}"]
    assert words in found[0].what
    assert hint in found[0].hint


def test_only_a_tuned_language_model_forgets_or_sits_an_exam(good: str, faults: Any) -> None:
    own = good.replace("model: Qwen/Qwen3-0.6B", "objective: sklearn_classifier").replace("learning_rate:", "C:")
    (fault,) = faults(own.replace(DATA, "{train: rows.jsonl, forgetting: rows.jsonl}"))
    assert (fault.where, "tunes no language model" in fault.what) == ("bad.yaml:4", True)
    (fault,) = faults(own.replace("accuracy", "lm_eval:hellaswag:acc"))
    assert (fault.where, fault.hint) == ("bad.yaml:7", "objective: lora, or full_finetune")


@pytest.mark.parametrize("metric", ["overfitting", "lm_eval:hellaswag:acc_norm"])
def test_early_stopping_cannot_go_by_what_is_measured_at_the_end(metric: str, good: str, faults: Any) -> None:
    text = good.replace("{metric: accuracy, direction: maximize}", f"{{metric: '{metric}', direction: maximize}}")
    text = text.replace("direction: maximize", "direction: minimize") if metric == "overfitting" else text
    (fault,) = faults(f"{text}training: {{early_stopping: {{patience: 2}}}}\n")
    assert (fault.where, "measured at the end of a run only" in fault.what) == ("bad.yaml:8", True)


def test_they_may_be_objectives_and_constraints(good: str, studies: Path) -> None:
    (studies / "task.yaml").write_text(TASK)
    extra = """constraints:
  - {metric: overfitting, max: 0.2}
  - {metric: forgetting, max: 0.1}
  - {metric: train_accuracy, min: 0.5}
  - {metric: "lm_eval:task.yaml:acc", min: 0.2}
"""
    text = good.replace(DATA, "{train: rows.jsonl, forgetting: rows.jsonl}") + extra
    config = load_text(text, "good.yaml", studies)
    assert config.data is not None and config.data.forgetting == str(studies / "rows.jsonl")
    assert config.constraints[3].metric == f"lm_eval:{studies}/task.yaml:acc"
    assert (
        load_text(good.replace("accuracy", "lm_eval:mmlu:acc"), "good.yaml", studies).primary.metric
        == "lm_eval:mmlu:acc"
    )


def test_a_task_file_counts_by_its_content_and_gates_do_not_count(good: str, studies: Path) -> None:
    (studies / "task.yaml").write_text(TASK)
    text = good.replace("accuracy", "lm_eval:task.yaml:acc")

    def known(text: str) -> dict[str, str]:
        return identity(load_text(text, "good.yaml", studies), "rows")

    before = known(text)
    assert known(text.replace("rows.jsonl}", "rows.jsonl, gates: {max_empty_ratio: 0}}")) == before
    (studies / "task.yaml").write_text(TASK + "output_type: multiple_choice\n")
    assert {part for part, value in known(text).items() if value != before[part]} == {"objectives"}


def test_only_leakage_is_gated_where_nothing_is_said(studies: Path) -> None:
    data = load(studies / "classification.yaml").data
    assert data is not None and data.gates.thresholds == {"max_leakage_ratio": 0.0}
    assert GatesConfig(max_leakage_ratio=None).thresholds == {}


def test_each_gate_is_a_key_of_the_study_and_bounds_from_the_side_it_names() -> None:
    assert list(GatesConfig.model_fields) == list(GATES)
    for name, gate in GATES.items():
        assert name.startswith(f"{gate.side}_")
        assert gate.passes(0.5, 0.5) and not gate.passes(float("nan"), 0.5)
        assert gate.passes(0.4, 0.5) is (gate.side == "max")


@pytest.mark.parametrize(
    ("written", "task"),
    [("MMLU", "mmlu"), ("HellaSwag", "hellaswag"), ("TruthfulQA", "truthfulqa_mc2"), ("HumanEval", "humaneval")],
)
def test_known_tasks_may_be_written_as_people_write_them(written: str, task: str) -> None:
    found = parse(f"lm_eval:{written}:acc")
    assert found is not None and (found.task, found.metric) == (task, "acc")

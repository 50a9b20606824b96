"""The error browser follows the metric that decides."""

from __future__ import annotations

from typing import Any

from hpo.validation import validate


def test_answers_that_are_right_as_numbers_are_right(write: Any, validation: Any) -> None:
    # given answers of which none is the reference to the letter, and every second one has the right number
    rows = [{"id": f"q{i}", "instruction": f"what is {i} and 1?", "output": f"#### {i + 1}"} for i in range(40)]
    lines = {
        "b": [{"id": f"q{i}", "prediction": f"It is {i + 1}."} for i in range(40)],
        "c": [{"id": f"q{i}", "prediction": f"It is {i + 1 + i % 2}."} for i in range(40)],
    }
    models = [{"name": name, "predictions": str(write(name, each))} for name, each in lines.items()]
    datasets = [{"name": "sums", "data": str(write("rows", rows)), "primary": "numeric_accuracy"}]
    found = validate(validation(task="instruction", models=models, datasets=datasets))
    # then the browser holds the rows with another number
    assert found["errors_total"] == 20
    assert {each["id"] for each in found["errors"]} == {f"q{i}" for i in range(1, 40, 2)}
    assert all(each["right"] == {"b": True, "c": False} for each in found["errors"])


def test_where_the_metric_has_no_right_and_wrong_the_class_decides(write: Any, said: Any, words: Any, validation: Any):
    rows = words(slice(0, 18))
    models = [{"name": name, "predictions": str(said(name, rows, share))} for name, share in (("b", 0.6), ("c", 0.9))]
    data = str(write("rows", rows))
    by_class = validate(validation(models=models, datasets=[{"name": "words", "data": data}]))
    for primary in ("log_loss", "macro_f1"):
        found = validate(validation(models=models, datasets=[{"name": "words", "data": data, "primary": primary}]))
        assert found["errors_total"] == by_class["errors_total"] > 0
        assert found["errors"] == by_class["errors"]

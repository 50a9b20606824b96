"""A validation of predictions files: scores, tests, subgroups, seeds, refusals, and answers that are kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import ConfigurationError
from hpo.validation import validate
from hpo.validation.outputs import write_outputs

CHANNELS = ["mail", "phone", "mail", "chat", "mail"]


@pytest.fixture
def rows(words: Any) -> list[dict[str, Any]]:
    return words(slice(0, 18), channel=CHANNELS)  # type: ignore[no-any-return]


def test_two_files_are_compared_by_the_test_for_zeros_and_ones(
    rows: Any, write: Any, said: Any, validation: Any
) -> None:
    # given a model that is right in nine of ten rows, and one in six
    models = [
        {"name": "a", "predictions": str(said("a", rows, 0.9, seed=1))},
        {"name": "b", "predictions": str(said("b", rows, 0.6, seed=2))},
    ]
    datasets = [{"name": "words", "data": str(write("rows", rows)), "subgroups": ["channel"]}]
    found = validate(validation(models=models, datasets=datasets))
    # then its accuracy is counted from the file
    lines = [json.loads(line) for line in Path(models[0]["predictions"]).read_text().splitlines()]
    right = sum(line["label"] == line["prediction"] for line in lines) / len(lines)
    (score,) = [r for r in found["scores"] if (r["model"], r["metric"], r["subgroup"]) == ("a", "accuracy", None)]
    assert score["value"] == pytest.approx(right) and score["method"] == "Wilson"
    assert score["ci_low"] < right < score["ci_high"]
    # and the verdict is a sentence with the difference, its interval and the adjusted p
    (pair,) = [each for each in found["comparisons"] if each["role"] == "primary"]
    assert (pair["a"], pair["b"], pair["verdict"], pair["winner"]) == ("a", "b", "better", "a")
    assert "McNemar" in pair["method"] and pair["ci_low"] > 0 and pair["p_adjusted"] == pair["p_value"] < 0.05
    assert found["verdict"][0].startswith("a is better than b on words: accuracy +.")
    assert "(Holm)" in found["verdict"][0]
    # and that this is about the two trained models, of which there is one seed each
    assert "not of their configurations" in found["verdict"][-1]
    # and subgroups are scored by themselves, small ones marked
    groups = {r["subgroup"]: r for r in found["scores"] if r["model"] == "a" and r["subgroup"]}
    assert {name: row["n"] for name, row in groups.items()} == {
        "channel=mail": 86, "channel=phone": 29, "channel=chat": 29,
    }  # fmt: skip
    assert groups["channel=chat"]["small"] and groups["channel=chat"]["reason"] == "only 29 rows"
    assert not groups["channel=mail"]["small"]


def test_holm_holds_over_all_data_sets_and_models(rows: Any, write: Any, said: Any, validation: Any) -> None:
    half = {"one": rows[::2], "two": rows[1::2]}
    models = [
        {
            "name": name,
            "predictions": {part: str(said(f"{name}-{part}", half[part], share, seed=seed)) for part in half},
        }
        for seed, (name, share) in enumerate({"b": 0.6, "c": 0.75, "d": 0.9}.items())
    ]
    datasets = [
        {"name": part, "data": str(write(part, each)), "labels": ["animal", "tool"]} for part, each in half.items()
    ]
    found = validate(validation(models=models, datasets=datasets))
    primary = sorted((each for each in found["comparisons"] if each["role"] == "primary"), key=lambda e: e["p_value"])
    assert len(primary) == 4
    most = 0.0
    for place, each in enumerate(primary):  # Holm (1979): the smallest times m, the next times m - 1, never falling
        most = max(most, min(1.0, (4 - place) * each["p_value"]))
        assert each["p_adjusted"] == pytest.approx(most)
    # and ranks over two data sets are described, not tested
    assert found["ranks"]["friedman_p"] is None
    assert set(found["ranks"]["mean_ranks"]) == {"b", "c", "d"}


def test_models_of_several_seeds_are_compared_over_seeds_and_rows(
    rows: Any, write: Any, said: Any, validation: Any
) -> None:
    models = [
        {"name": "a", "predictions": str(said("a", rows, 0.9, seed=1, seeds=4))},
        {"name": "b", "predictions": str(said("b", rows, 0.6, seed=2, seeds=4))},
        {"name": "fixed", "predictions": str(said("c", rows, 0.6, seed=3))},
    ]
    found = validate(validation(models=models, datasets=[{"name": "words", "data": str(write("rows", rows))}]))
    pairs = {each["a"]: each for each in found["comparisons"] if each["role"] == "primary"}
    assert pairs["a"]["seeds"] == 4 and "crossed" in pairs["a"]["method"]
    assert pairs["a"]["winner"] == "a"
    # and one fixed model against several seeds is compared, with what that means
    assert any("fixed is one fixed model" in text for text in pairs["fixed"]["warnings"])
    (score,) = [r for r in found["scores"] if (r["model"], r["metric"]) == ("a", "accuracy")]
    assert score["seeds"] == 4 and "4 seeds" in score["method"]
    assert not any("not of their configurations" in text for text in found["verdict"])


def test_people_without_probabilities_are_compared_by_what_they_say(
    rows: Any, write: Any, said: Any, validation: Any
) -> None:
    people = [{"id": row["id"], "label": row["label"], "prediction": row["label"]} for row in rows]
    models = [
        {"name": "people", "kind": "people", "predictions": str(write("people", people))},
        {"name": "b", "predictions": str(said("b", rows, 0.6))},
    ]
    found = validate(validation(models=models, datasets=[{"name": "words", "data": str(write("rows", rows))}]))
    assert found["models"][0]["kind"] == "people"
    metrics = {each["metric"] for each in found["comparisons"]}
    assert metrics == {"accuracy", "macro_f1", "mcc"}  # log loss and calibration need probabilities
    assert found["refused"] == []
    assert {each["model"] for each in found["confidence"]} == {"b"}


def test_the_error_browser_holds_the_rows_on_which_models_disagree(
    rows: Any, write: Any, said: Any, validation: Any, tmp_path: Path
) -> None:
    models = [
        {"name": "a", "predictions": str(said("a", rows, 0.9, seed=1))},
        {"name": "b", "predictions": str(said("b", rows, 0.6, seed=2))},
    ]
    found = validate(validation(models=models, datasets=[{"name": "words", "data": str(write("rows", rows))}]))
    answers = [
        {line["id"]: line["prediction"] for line in map(json.loads, Path(each["predictions"]).read_text().splitlines())}
        for each in models
    ]
    differ = {row["id"] for row in rows if answers[0][row["id"]] != answers[1][row["id"]]}
    assert {each["id"] for each in found["errors"]} == differ and found["errors_total"] == len(differ)
    for each in found["errors"]:
        assert each["outputs"] == {"a": answers[0][each["id"]], "b": answers[1][each["id"]]}
        assert sorted(each["right"].values()) == [False, True]
        assert each["text"] == next(row["text"] for row in rows if row["id"] == each["id"])
    # and everything is one JSON object without NaN, and tables beside it
    write_outputs(found, tmp_path / "out")
    assert json.loads((tmp_path / "out" / "validation.json").read_text())["name"] == "v"
    assert (tmp_path / "out" / "errors.csv").read_text().count("\n") == len(differ) + 1


def test_a_text_that_looks_like_a_formula_is_none_in_the_tables(
    rows: Any, write: Any, said: Any, validation: Any, tmp_path: Path
) -> None:
    changed = [{**row, "text": "=1+1"} for row in rows]
    models = [{"name": name, "predictions": str(said(name, rows, 0.7, seed=s))} for s, name in enumerate("ab")]
    found = validate(validation(models=models, datasets=[{"name": "words", "data": str(write("rows", changed))}]))
    write_outputs(found, tmp_path / "out")
    assert ",'=1+1" in (tmp_path / "out" / "errors.csv").read_text()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda lines: lines[:-2], "the file says nothing of 2 of the 144 rows"),
        (lambda lines: [{**lines[0], "label": "tool"}, *lines[1:]], "1 rows have another `label` than the data set's"),
        (lambda lines: [*lines, lines[0]], "repeat an id"),
    ],
)
def test_predictions_of_other_rows_are_refused(
    change: Any, told: str, rows: Any, write: Any, said: Any, validation: Any
) -> None:
    lines = [json.loads(line) for line in said("b", rows, 0.6).read_text().splitlines()]
    models = [{"name": "b", "predictions": str(write("changed", change(lines)))}]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=models, datasets=[{"name": "words", "data": str(write("rows", rows))}]))
    assert told in error.value.faults[0].what


def test_every_fault_of_models_and_data_is_told_at_once(rows: Any, write: Any, said: Any, validation: Any) -> None:
    models = [
        {"name": "b", "predictions": str(said("b", rows[1:], 0.6))},
        {"name": "classical", "classical": True},
    ]
    datasets = [
        {"name": "words", "data": str(write("rows", rows))},
        {"name": "broken", "data": str(write("broken", [{"body": "x"}]))},
    ]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=models, datasets=datasets))
    told = " ".join(f"{fault.where} {fault.what}" for fault in error.value.faults)
    assert "no column `label`" in told and "says nothing of 1" in told and "no training rows" in told


def test_a_column_that_is_not_there_is_refused_as_subgroup(rows: Any, write: Any, said: Any, validation: Any) -> None:
    datasets = [{"name": "words", "data": str(write("rows", rows)), "subgroups": ["chanel"]}]
    with pytest.raises(ConfigurationError) as error:
        validate(validation(models=[{"name": "b", "predictions": str(said("b", rows, 0.6))}], datasets=datasets))
    assert "did you mean channel" in error.value.faults[0].hint


def test_answers_that_are_no_class_are_told(rows: Any, write: Any, said: Any, validation: Any) -> None:
    lines = [{"id": row["id"], "prediction": "LABEL_1"} for row in rows]
    models = [
        {"name": "a", "predictions": str(write("a", lines))},
        {"name": "b", "predictions": str(said("b", rows, 0.6, seed=2))},
    ]
    datasets = [{"name": "words", "data": str(write("rows", rows))}]
    found = validate(validation(models=models, datasets=datasets))
    (warning,) = found["warnings"]
    assert warning.startswith(f"a on words: {len(rows)} answers are no class of the data set, most often 'LABEL_1'")
    # and a file that only ever says one of the two classes may still map both
    models[0]["labels"] = {"LABEL_1": "animal", "LABEL_0": "tool"}  # type: ignore[assignment]
    found = validate(validation(models=models, datasets=datasets))
    score = next(each for each in found["scores"] if (each["model"], each["metric"]) == ("a", "accuracy"))
    assert found["warnings"] == [] and score["value"] == 0.5


def test_a_few_drawn_rows_may_lack_a_class(rows: Any, write: Any, said: Any, validation: Any) -> None:
    models = [{"name": name, "predictions": str(said(name, rows, 0.7, seed=s))} for s, name in enumerate("ab")]
    for limit in (1, 3):
        datasets = [{"name": "words", "data": str(write("rows", rows)), "limit": limit}]
        (data,) = validate(validation(models=models, datasets=datasets))["datasets"]
        assert (data["rows"], data["labels"]) == (limit, ["animal", "tool"])

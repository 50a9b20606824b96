"""Human ratings: a blinded sheet is written, filled in, and read back with agreement and comparisons."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.errors import ConfigurationError, DataError
from hpo.validation import validate


@pytest.fixture
def blocks(words: Any, write: Any, said: Any) -> dict[str, Any]:
    rows = words(slice(0, 18))
    models = [{"name": name, "predictions": str(said(name, rows, 0.7, seed=s))} for s, name in enumerate("abc")]
    return {
        "models": models,
        "datasets": [{"name": "words", "data": str(write("rows", rows))}],
        "metrics": ["accuracy"],
    }


def table(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def fill(sheet: list[dict[str, str]], path: Path, rate: Any) -> Path:
    """Write the sheet as a rater would hand it back; ``rate(line)`` gives the relevance."""
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, sheet[0].keys())
        writer.writeheader()
        writer.writerows({**line, "relevance": rate(line)} for line in sheet)
    return path


def test_the_sheet_hides_the_models_and_the_key_tells_them(blocks: Any, validation: Any, tmp_path: Path) -> None:
    # when a sheet of ten rows is written
    found = validate(validation(**blocks, rating_sheet=10))
    sheet, key = table(tmp_path / "out" / "rating_sheet.csv"), table(tmp_path / "out" / "rating_key.csv")
    assert found["rating_sheet"]["sheet"] == str(tmp_path / "out" / "rating_sheet.csv")
    # then every model's answer to each of ten rows is in it, and no model's name
    assert len(sheet) == 30
    assert list(sheet[0]) == [
        "id", "text", "reference", "answer", "relevance", "coherence", "fluency", "factuality", "helpfulness",
    ]  # fmt: skip
    meaning = {line["id"]: line for line in key}
    assert {meaning[line["id"]]["model"] for line in sheet} == {"a", "b", "c"}
    assert len({meaning[line["id"]]["row"] for line in sheet}) == 10
    # and the lines are shuffled: neither the models nor the rows stand in an order
    models = [meaning[line["id"]]["model"] for line in sheet]
    assert models != sorted(models) and models != ["a", "b", "c"] * 10
    # and the same seed draws the same sheet, another one another
    first = (tmp_path / "out" / "rating_sheet.csv").read_text()
    validate(validation(**blocks, rating_sheet=10))
    assert (tmp_path / "out" / "rating_sheet.csv").read_text() == first
    validate(validation(**blocks, rating_sheet=10, statistics={"seed": 1, "resamples": 500}))
    assert (tmp_path / "out" / "rating_sheet.csv").read_text() != first


def test_what_raters_say_is_read_back_blinded(blocks: Any, validation: Any, tmp_path: Path) -> None:
    # given two raters of one mind: answers of a are a 5, those of b a 3, those of c a 3 or a 2
    validate(validation(**blocks, rating_sheet=20))
    sheet, key = table(tmp_path / "out" / "rating_sheet.csv"), table(tmp_path / "out" / "rating_key.csv")
    model = {line["id"]: line["model"] for line in key}
    row = {line["id"]: line["row"] for line in key}

    def rate(line: dict[str, str]) -> int:
        even = int(row[line["id"]].removeprefix("w")) % 2
        return {"a": 5, "b": 3, "c": 3 - even}[model[line["id"]]]

    files = [str(fill(sheet, tmp_path / f"{name}.csv", rate)) for name in ("ann", "bob")]
    found = validate(validation(**blocks, ratings=files))["ratings"]
    # then means are theirs, agreement is perfect, and only what was rated is there
    means = {each["model"]: each["mean"] for each in found["dimensions"]}
    assert means["a"] == 5 and means["b"] == 3 and 2 < means["c"] < 3
    assert {each["dimension"] for each in found["dimensions"]} == {"relevance"}
    assert all(each["raters"] == 2 and each["n"] == 20 for each in found["dimensions"])
    assert [each["alpha"] for each in found["agreement"]] == [1.0]
    assert found["raters"] == ["ann", "bob"]
    # and the models are compared on the same rows
    verdicts = {each["a"]: each for each in found["comparisons"]}
    assert verdicts["a"]["verdict"] == "better" and verdicts["a"]["difference"] == pytest.approx(2)


def test_raters_who_guess_agree_no_more_than_by_chance(blocks: Any, validation: Any, tmp_path: Path) -> None:
    validate(validation(**blocks, rating_sheet=60))
    sheet = table(tmp_path / "out" / "rating_sheet.csv")
    generator = np.random.default_rng(0)
    files = [
        str(fill(sheet, tmp_path / f"{name}.csv", lambda line: int(generator.integers(1, 6))))
        for name in ("ann", "bob")
    ]
    (agreement,) = validate(validation(**blocks, ratings=files))["ratings"]["agreement"]
    assert abs(agreement["alpha"]) < 0.25
    assert agreement["ci_low"] < 0 < agreement["ci_high"]


def test_a_sheet_with_ratings_in_it_is_not_overwritten(blocks: Any, validation: Any, tmp_path: Path) -> None:
    validate(validation(**blocks, rating_sheet=10))
    path = tmp_path / "out" / "rating_sheet.csv"
    fill(table(path), path, lambda line: 4)
    with pytest.raises(ConfigurationError, match="has ratings in it"):
        validate(validation(**blocks, rating_sheet=10))


def test_a_sheet_of_another_validation_is_refused(blocks: Any, validation: Any, tmp_path: Path, write: Any) -> None:
    path = write("ratings", [{"id": "0123456789", "relevance": 4}])
    with pytest.raises(DataError, match="are not known"):
        validate(validation(**blocks, ratings=[str(path)]))


def test_the_same_answer_rated_twice_by_one_person_is_refused(blocks: Any, validation: Any, tmp_path: Path) -> None:
    validate(validation(**blocks, rating_sheet=5))
    path = fill(table(tmp_path / "out" / "rating_sheet.csv"), tmp_path / "ann.csv", lambda line: 4)
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "ann.csv"
    again.write_bytes(path.read_bytes())
    with pytest.raises(DataError, match="ann has rated the same answer in two sheets"):
        validate(validation(**blocks, ratings=[str(path), str(again)]))

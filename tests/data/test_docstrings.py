"""Claims about the rows of the quickstart."""

from __future__ import annotations

import importlib.util
import re
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from hpo.data import prepare


@pytest.fixture(scope="module")
def docstrings() -> ModuleType:
    path = Path(__file__).parents[2] / "examples" / "docstrings.py"
    spec = importlib.util.spec_from_file_location("docstrings_example", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def made(docstrings: ModuleType) -> list[dict[str, str]]:
    return list(docstrings.rows())


def test_ten_packages_have_about_as_many_rows_each(made: list[dict[str, str]]):
    counts = Counter(row["label"] for row in made)
    assert len(counts) == 10
    assert min(counts.values()) >= 90 and max(counts.values()) == 140
    assert 1250 <= len(made) <= 1400


def test_rows_are_short_sentences_without_the_name_of_their_package(made: list[dict[str, str]]):
    assert all(4 <= len(row["text"].split()) <= 16 for row in made)
    assert not [row for row in made if re.search(rf"\b{row['label']}\b", row["text"], re.IGNORECASE)]


def test_rows_are_the_same_every_time(docstrings: ModuleType, made: list[dict[str, str]]):
    assert list(docstrings.rows()) == made
    assert len({row["id"] for row in made}) == len(made)


def test_about_800_rows_are_left_to_train_on(study):
    source = str(Path(__file__).parents[2] / "examples" / "docstrings.py")
    splits = prepare(study(source=source, split={"validation": 0.25, "test": 0.15}))
    assert 750 <= len(splits.train) <= 850
    assert len(splits.validation) >= 300
    assert not set(splits.train.groups) & set(splits.validation.groups)

"""Good study files, and a way to see every fault of a bad one."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from hpo.config import load
from hpo.errors import ConfigurationError, Fault

STUDIES = Path(__file__).parent / "studies"
Faults = Callable[..., list[Fault]]

# Line 1 to 7: the study that the tables of bad input change in one place.
GOOD = """\
study: good
model: Qwen/Qwen3-0.6B
task: classification
data: {train: rows.jsonl}
search_space:
  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}
objectives: [{metric: accuracy, direction: maximize}]
"""


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """A folder with the good study files and what they name."""
    return Path(shutil.copytree(STUDIES, tmp_path / "studies"))


@pytest.fixture
def good() -> str:
    return GOOD


@pytest.fixture
def faults(studies: Path) -> Faults:
    """The faults of a study given as text, standing beside the good ones; none where it loads."""

    def find(text: str, overrides: Sequence[str] = ()) -> list[Fault]:
        file = studies / "bad.yaml"
        file.write_text(text, encoding="utf-8")
        try:
            load(file, overrides)
        except ConfigurationError as error:
            return [Fault(f.where.replace(str(file), "bad.yaml"), f.what, f.hint) for f in error.faults]
        return []

    return find

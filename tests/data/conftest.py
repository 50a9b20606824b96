"""Studies and files for claims about data."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from hpo.config.models import DataConfig, ObjectiveConfig, StudyConfig
from hpo.config.space import Categorical

STUDY = {
    "study": "test",
    "search_space": {"x": Categorical(type="categorical", choices=(1, 2))},
    "objectives": (ObjectiveConfig(metric="accuracy", direction="maximize"),),
}


@pytest.fixture
def study() -> Callable[..., StudyConfig]:
    def make(task: str = "classification", **data: Any) -> StudyConfig:
        return StudyConfig(task=task, data=DataConfig(**data), **STUDY)

    return make


@pytest.fixture
def jsonl(tmp_path: Path) -> Callable[..., str]:
    def write(rows: Sequence[Mapping[str, Any]], name: str = "rows.jsonl") -> str:
        (tmp_path / name).write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return str(tmp_path / name)

    return write


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("HPO_CACHE", str(folder))
    return folder

"""The reference and the schema of validation.yaml say what the models say, and the example in it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.validation.load import load
from hpo.validation.models import DatasetEntry, ModelEntry, ValidationConfig
from hpo.validation.reference import json_schema, reference_markdown


def test_the_reference_in_docs_is_the_one_that_is_generated(root: Path) -> None:
    written = (root / "docs" / "validation-reference.md").read_text(encoding="utf-8")
    told = "python -m hpo.commands.schema --validation --reference > docs/validation-reference.md"
    assert written == reference_markdown(), told


def test_every_key_stands_in_the_reference() -> None:
    text = reference_markdown()
    for model in (ValidationConfig, ModelEntry, DatasetEntry):
        assert all(f"| `{name}` |" in text for name in model.model_fields)
    assert "Undefined" not in text


def test_the_example_in_the_reference_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs" / "support-tickets").mkdir(parents=True)
    for name in ("people.csv", "new.jsonl"):
        (tmp_path / name).write_text("")
    example = reference_markdown().split("```yaml\n")[1].split("```")[0]
    (tmp_path / "validation.yaml").write_text(example)
    config = load("validation.yaml")
    assert [each.name for each in config.models] == ["base", "default", "tuned", "classical", "people"]


def test_a_file_with_the_short_forms_fits_the_schema() -> None:
    jsonschema: Any = pytest.importorskip("jsonschema", reason="needs jsonschema, which the extra 'ray' brings")
    values = {
        "name": "v", "baseline": "b", "models": [{"name": "b", "predictions": {"d": "b.csv"}}],
        "datasets": [{"name": "d", "data": "rows.jsonl"}], "ratings": "sheet.csv",
    }  # fmt: skip
    jsonschema.validate(values, json_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values, "model": []}, json_schema())

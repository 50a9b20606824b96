"""The schema and the reference say what the models say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from hpo.config.messages import PARAMETER_TYPES, keys_at
from hpo.config.models import StudyConfig
from hpo.config.reference import _models_in
from hpo.config.schema import json_schema, reference_markdown


def blocks(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    yield model
    for field in model.model_fields.values():
        for inner in _models_in(field.annotation):
            yield from blocks(inner)


def test_the_reference_in_docs_is_the_one_that_is_generated(root: Path) -> None:
    written = (root / "docs" / "study-reference.md").read_text(encoding="utf-8")
    assert written == reference_markdown(), "python -m hpo.commands.schema --reference > docs/study-reference.md"


def test_every_key_has_a_description() -> None:
    without = [f"{b.__name__}.{n}" for b in blocks(StudyConfig) for n, f in b.model_fields.items() if not f.description]
    assert without == []


def test_every_key_and_type_stands_in_the_reference() -> None:
    text = reference_markdown()
    names = {name for block in blocks(StudyConfig) for name in block.model_fields} - {"type", "when"}
    assert [name for name in sorted(names) if f"| `{name}` |" not in text] == []
    assert [name for name in PARAMETER_TYPES if f"### {name}\n" not in text] == []
    assert "- `finalists`\n" in text.split("## Not available in this version")[1]


def test_the_examples_of_parameters_are_valid(good: str, faults: Any) -> None:
    for example in reference_markdown().split("### ")[1:]:
        name, _, text = example.partition("\n")
        line = text.split("```yaml\n")[1].split("\n")[0]
        study = good.replace("  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}", f"  {line}")
        own = study.replace("model: Qwen/Qwen3-0.6B", "objective: mine.py")
        assert f"type: {name}" in line
        assert faults(own) == []


def test_the_schema_allows_the_short_forms() -> None:
    properties = json_schema()["properties"]
    assert {"string", "null"} <= {each.get("type") for each in properties["model"]["anyOf"]}
    forms = properties["search_space"]["anyOf"]
    assert [form["type"] for form in forms] == ["string", "object", "object"]
    assert forms[2]["required"] == ["extends"]


def test_the_schema_forbids_unknown_keys_and_names_the_required_ones() -> None:
    schema = json_schema()
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["study", "search_space", "objectives"]
    assert all(block.get("additionalProperties") is False for block in schema["$defs"].values())


def test_the_commands_print_the_schema_and_the_reference(run_hpo: Any) -> None:
    printed = run_hpo("schema")
    assert json.loads(printed.stdout) == json_schema()
    assert run_hpo("schema", "--reference").stdout == reference_markdown()


@pytest.mark.parametrize(
    ("key", "some"),
    [
        ((), {"study", "budget"}),
        (("budget", "plateau"), {"trials"}),
        (("objectives", 0), {"metric", "direction"}),
        (("search_space", "x"), {"type", "low", "choices"}),
        (("known", 0), set()),
    ],
)
def test_the_keys_of_each_block_are_known(key: tuple[str | int, ...], some: set[str]) -> None:
    assert some <= set(keys_at(key))
    assert bool(keys_at(key)) == bool(some)

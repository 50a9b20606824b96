"""The form of study.yaml for editors (JSON Schema) and for people (docs/study-reference.md), from the models alone."""

from __future__ import annotations

from typing import Any

from hpo.config.models import StudyConfig
from hpo.config.reference import reference_markdown

__all__ = ["json_schema", "reference_markdown"]


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of study.yaml, with the short forms of ``model`` and ``search_space``."""
    schema = StudyConfig.model_json_schema()
    properties = schema["properties"]
    name = {"type": "string", "description": "hub name, folder relative to the study file, or package:NAME/folder"}
    properties["model"]["anyOf"].insert(0, name)
    properties["search_space"] = _search_space(properties["search_space"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "study.yaml",
        "description": "A hyperparameter search for fine-tuning a language model.",
    }


def _search_space(written_out: dict[str, Any]) -> dict[str, Any]:
    """A name, parameters by name, or parameters over a space that ``extends`` names."""
    own = {"type": "object", "additionalProperties": written_out["additionalProperties"], "minProperties": 1}
    extending = {
        "type": "object",
        "required": ["extends"],
        "properties": {"extends": {"type": "string", "description": "a ready space's name, or a .yaml file"}},
        # Over another space a parameter may be dropped (null) or changed in single keys.
        "additionalProperties": {"type": ["object", "null"]},
    }
    named = {"type": "string", "description": "a ready space's name, or a .yaml file"}
    return {
        "title": written_out["title"],
        "description": written_out["description"],
        "anyOf": [named, {**own, "not": {"required": ["extends"]}}, extending],
    }

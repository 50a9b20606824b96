"""pydantic's errors in our words, at the very key they concern."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from hpo.config.document import plain
from hpo.config.draft import Draft, Key, did_you_mean
from hpo.config.models import StudyConfig
from hpo.config.space import Parameter

ErrorDetails = Mapping[str, Any]

PARAMETER_TYPES: dict[str, type[BaseModel]] = {
    get_args(model.model_fields["type"].annotation)[0]: model for model in get_args(get_args(Parameter)[0])
}
_KINDS = {
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "string": "text",
    "tuple": "a list",
    "dict": "a mapping of keys",
    "model": "a mapping of keys",
    "none": "null",
}
_BOUNDS = {"greater_than": ("gt", "more than"), "greater_than_equal": ("ge", "at least")}
_BOUNDS |= {"less_than": ("lt", "less than"), "less_than_equal": ("le", "at most")}


def check_form(draft: Draft, root: type[BaseModel]) -> None:
    """Types, unknown and missing keys: one fault for each value that does not fit ``root``, the whole file's model."""
    translate(draft, form_errors(draft, root), root)


def form_errors(draft: Draft, root: type[BaseModel]) -> Sequence[ErrorDetails]:
    """What pydantic finds wrong with the draft's values."""
    try:
        root.model_validate(draft.values, strict=True)
    except ValidationError as error:
        return error.errors(include_url=False)
    return ()


def translate(draft: Draft, errors: Sequence[ErrorDetails], root: type[BaseModel] = StudyConfig) -> None:
    """Note one fault for each value that pydantic finds wrong; ``root`` is the model of the whole file."""
    together: dict[Key, list[ErrorDetails]] = {}
    for error in errors:
        together.setdefault(way_to(draft, error), []).append(error)
    for key, alternatives in together.items():
        if draft.sound(*key):
            draft.fault(key, *_words(draft, key, alternatives, root))


def way_to(draft: Draft, error: ErrorDetails) -> Key:
    """The value an error is about: its location without pydantic's names of union members."""
    key: Key = ()
    value: Any = draft.values
    for depth, step in enumerate(error["loc"]):
        in_list = isinstance(value, tuple) and isinstance(step, int) and step < len(value)
        if in_list or (isinstance(value, dict) and step in value):
            value, key = value[step], (*key, step)
        elif error["type"] == "missing" and depth == len(error["loc"]) - 1:
            key = (*key, step)
    return key


def _words(draft: Draft, key: Key, alternatives: Sequence[ErrorDetails], root: type[BaseModel]) -> tuple[str, str]:
    error = alternatives[0]
    kind, name, context = error["type"], f"`{_name(key)}`", error.get("ctx", {})
    found = _shown(draft, key, error["input"])
    if kind == "extra_forbidden":
        return f"unknown key `{key[-1]}`{_inside(key)}", _unknown_hint(key, root)
    if kind == "missing":
        return f"`{key[-1]}` is missing{_inside(key)}", _missing_hint(key)
    if kind.startswith("union_tag") or kind == "model_attributes_type":
        return _parameter_words(key, error["input"], found)
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{name} must be {words} {context[bound]:g}, found {found}", ""
    if kind == "too_short":
        return f"{name} needs at least one entry", _missing_hint(key)
    if kind == "string_pattern_mismatch":
        return f"{name} may hold letters, digits, `-`, `_` and `.` only, found {found}", "begin with a letter or digit"
    if kind == "finite_number":
        return f"{name} must be a finite number, found {found}", ""
    expected = [_expected(each) for each in alternatives]
    choices = [each for each in expected if each.startswith("'")]
    hint = did_you_mean(str(error["input"]), _literals(choices)) if choices else _form_hint(key, error, found)
    return f"{name} must be {' or '.join(dict.fromkeys(expected))}, found {found}", hint


def _expected(error: ErrorDetails) -> str:
    if error["type"] == "literal_error":
        return str(error["ctx"]["expected"])
    return _KINDS.get(error["type"].split("_")[0], str(error["msg"]))


def _literals(expected: Sequence[str]) -> list[str]:
    return [each for text in expected for each in text.split("'")[1::2]]


def _parameter_words(key: Key, value: Any, found: str) -> tuple[str, str]:
    name = f"`{_name(key)}`"
    if isinstance(value, dict):
        if "type" in value:
            return f"unknown type {value['type']!r} of {name}", did_you_mean(str(value["type"]), PARAMETER_TYPES)
        return f"{name} has no `type`", f"one of {', '.join(PARAMETER_TYPES)}"
    if isinstance(value, tuple):
        return f"{name} is a list, not a parameter", f"{{type: categorical, choices: [{', '.join(map(str, value))}]}}"
    if value is None:
        return f"{name} is empty", "{type: log_uniform, low: 1e-5, high: 1e-3}"
    return f"{name} is a single value, not a parameter", f"{{type: constant, value: {found}}}"


def _form_hint(key: Key, error: ErrorDetails, found: str) -> str:
    value = error["input"]
    if error["type"] in {"model_type", "dict_type"}:
        if key in {("sampler",), ("pruner",), ("runner",)} and isinstance(value, str):
            return f"{_name(key)}: {{name: {found}}}"
        return _missing_hint(key)
    if error["type"] == "tuple_type":
        return _missing_hint(key) or f"[{found}]"
    if error["type"].startswith(("int", "float", "bool")) and isinstance(value, str) and plain(value) != value:
        return "remove the quotes"
    return 'put it in quotes: "..."' if error["type"] == "string_type" else ""


def keys_at(key: Key, root: type[BaseModel] = StudyConfig) -> list[str]:
    """The keys that may stand in the block at ``key``; empty where any may."""
    if key[:1] == ("search_space",) and len(key) == 2:
        return sorted({name for model in PARAMETER_TYPES.values() for name in model.model_fields})
    model: type[BaseModel] | None = root
    for step in key:
        if isinstance(step, int):
            continue
        model = _model_in(model.model_fields[step].annotation) if model and step in model.model_fields else None
    return list(model.model_fields) if model else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for each in get_args(annotation) if (found := _model_in(each))), None)


def _unknown_hint(key: Key, root: type[BaseModel]) -> str:
    if key[-1] == "<<":
        return "merge keys are not read; write the keys out"
    return did_you_mean(str(key[-1]), keys_at(key[:-1], root))


def _missing_hint(key: Key) -> str:
    examples = {
        "study": "study: my-study",
        "search_space": "search_space: lora, or {learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}}",
        "objectives": "objectives: [{metric: macro_f1, direction: maximize}]",
        "direction": "direction: maximize, or minimize",
        "metric": "metric: macro_f1",
        "choices": "choices: [a, b]",
        "constraints": "constraints: [{metric: peak_memory_gb, max: 16}]",
        "known": "known: [{learning_rate: 1e-4}]",
    }
    return examples.get(str(key[-1]), "")


def _inside(key: Key) -> str:
    return f" in `{_name(key[:-1])}`" if len(key) > 1 else ""


def _name(key: Key) -> str:
    """``objectives[0].metric`` for ("objectives", 0, "metric")."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in key).removeprefix(".")


def _shown(draft: Draft, key: Key, value: Any) -> str:
    if key in draft.templates:
        return draft.templates[key]  # what came from the environment is never printed
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, tuple):
        return "a list"
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."

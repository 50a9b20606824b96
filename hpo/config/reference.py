"""docs/study-reference.md, written from the configuration models."""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from hpo.config.messages import PARAMETER_TYPES
from hpo.config.models import StudyConfig
from hpo.config.preparation import PreparationConfig
from hpo.config.refused import KEYS, VALUES_IN_WORDS
from hpo.config.transforms import ROW_TRANSFORMS, TEXT_TRANSFORMS

_OPENING = """# study.yaml

<!-- Written by `hpo schema --reference`; do not edit by hand. -->

Every block and key that a study file may have. Keys that are not listed are refused. `hpo init` writes a file to begin
with, `hpo schema` prints the same as JSON Schema for editors, and `--set block.key=value` changes single keys on the
command line. Relative paths start from the study file's folder. `${NAME}` in a value is taken from the environment
and never written to a record. Scalars are read as YAML 1.2 reads them: `1e-5` is a number, `no` is a word.

```yaml
study: support-tickets
model: Qwen/Qwen3-1.7B
task: classification
data:
  train: tickets.jsonl
  columns: {text: body, label: queue}
training: {num_train_epochs: 2, max_length: 256}
search_space: lora
objectives: [{metric: macro_f1, direction: maximize}]
```
"""
_SPACE = """## search_space

One of three forms:

```yaml
search_space: lora              # a ready space by name, or a .yaml file beside the study
```
```yaml
search_space:                   # parameters by name
  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3, default: 1e-4}
```
```yaml
search_space:
  extends: lora                 # a ready space or a .yaml file, changed in places:
  learning_rate: {high: 1e-2}   # without `type`, single keys change
  lora_dropout: null            # null drops a parameter
```

A name is any key of `training`, or any parameter the objective knows; a name in both blocks is refused. So it is with
`preprocessing`, `class_weights` and `train_fraction` of `data.preparation`, which ready objectives know:

```yaml
search_space:
  preprocessing: {type: categorical, choices: [original, clean, [strip_html, lowercase]]}  # clean: a strategy
  class_weights: {type: categorical, choices: [none, sqrt_balanced, balanced]}
  train_fraction: {type: categorical, choices: [0.25, 0.5, 1.0], default: 1.0}
```

Each parameter
may carry `when: {other: value}` or `when: {other: [value, value]}`: it exists only where the other parameter (or fixed
setting) has that value. The default of each makes up trial 0.
"""
_EXAMPLES = {
    "uniform": "lora_dropout: {type: uniform, low: 0, high: 0.2, step: 0.05}",
    "log_uniform": "learning_rate: {type: log_uniform, low: 3e-5, high: 2e-3, default: 3e-4}",
    "int_uniform": "num_layers: {type: int_uniform, low: 1, high: 6}",
    "int_log_uniform": "lora_rank: {type: int_log_uniform, low: 4, high: 128}",
    "categorical": "method: {type: categorical, choices: [lora, rslora, dora]}",
    "ratio": "lora_alpha: {type: ratio, of: lora_rank, choices: [1, 2, 4]}",
    "constant": "warmup_ratio: {type: constant, value: 0.03}",
}
_WORDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Any: "any value"}
_BOUNDS = {"Gt": "> {0.gt}", "Ge": "≥ {0.ge}", "Lt": "< {0.lt}", "Le": "≤ {0.le}"}


def _transforms() -> str:
    """The transforms by name, below the block that lists them."""
    texts = [f"- `{name}`: {meaning}" for name, meaning in TEXT_TRANSFORMS.items()]
    rows = [f"- `{name}`: {meaning}" for name, meaning in ROW_TRANSFORMS.items()]
    own = "- `mine.py:name`: a function of your own from text to text, in a file beside the study"
    lines = "\n".join([*texts, own])
    return (
        "Transforms of texts, for training and validation rows and for whatever is predicted with the model later:\n\n"
        f"{lines}\n\nTransforms of rows, for training rows only:\n\n" + "\n".join(rows) + "\n"
    )


def reference_markdown() -> str:
    """The whole reference as Markdown."""
    parts = [_OPENING, *tables(StudyConfig), _SPACE]
    for name, model in PARAMETER_TYPES.items():
        fields = {key: field for key, field in model.model_fields.items() if key not in {"type", "when"}}
        example = f"```yaml\n{_EXAMPLES[name]}\n```\n"
        parts += [f"### {name}\n", f"{_opening_of(model)}\n", example, _rows(fields)]
    return "\n".join([*parts, _not_available()])


def tables(root: type[BaseModel]) -> list[str]:
    """Every key of a kind of file, a table a block, outer ones first."""
    parts = ["## Blocks\n", _table(root)]
    for way, model in _blocks(root, ()):
        parts += [f"## {way}\n", f"{_opening_of(model)}\n", _table(model)]
        if model is PreparationConfig:
            parts.append(_transforms())
    return parts


def _blocks(model: type[BaseModel], way: tuple[str, ...]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Every block below ``model`` with its name in study.yaml, outer ones first."""
    for name, field in model.model_fields.items():
        if name == "search_space":
            continue
        for inner in _models_in(field.annotation):
            yield ".".join((*way, name)), inner
            yield from _blocks(inner, (*way, name))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for each in get_args(annotation) for model in _models_in(each)]


def _table(model: type[BaseModel]) -> str:
    return _rows(model.model_fields)


def _rows(fields: dict[str, FieldInfo]) -> str:
    lines = ["| Key | Type | Default | Meaning |", "|---|---|---|---|"]
    for name, field in fields.items():
        kind, default, meaning = _type(field), _default(field), (field.description or "").replace("|", "\\|")
        lines.append(f"| `{name}` | {kind} | {default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _type(field: FieldInfo) -> str:
    bounds = [_BOUNDS[type(each).__name__].format(each) for each in field.metadata if type(each).__name__ in _BOUNDS]
    return ", ".join([_words(field.annotation), *bounds])


def _words(annotation: Any) -> str:
    """A type in words.

    >>> _words(tuple[int, ...])
    'list of: whole number'
    """
    origin, arguments = get_origin(annotation), [each for each in get_args(annotation) if each is not type(None)]
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "block"
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(dict.fromkeys(_words(each) for each in arguments))
    if origin is tuple:
        return f"list of: {_words(arguments[0])}"
    if origin is dict:
        return "mapping"
    return _words(arguments[0]) if origin is Annotated else _WORDS[annotation]


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.is_required():
        return "required"
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or value in ((), {}) or field.default_factory is not None:
        return "unset"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _opening_of(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").split("\n\n")[0].replace("``", "`").strip()


def _not_available() -> str:
    keys = [f"`{'.'.join(map(str, key))}`" for key in KEYS]
    values = [f"`{'.'.join(map(str, key))}`: {text}" for key, text in VALUES_IN_WORDS.items()]
    lines = "\n".join(f"- {entry}" for entry in [*keys, *values])
    return f"## Not available in this version\n\nRefused with a message, never ignored:\n\n{lines}\n"

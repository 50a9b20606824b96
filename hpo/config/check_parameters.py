"""Each parameter of a search space by itself: bounds, steps, choices, defaults, and what its setting allows."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args

from pydantic import TypeAdapter, ValidationError

from hpo.config.draft import Draft, Key
from hpo.config.knowledge import Known
from hpo.config.messages import translate
from hpo.config.preparation import SEARCHABLE, PreparationConfig
from hpo.config.space import Categorical, Constant, IntLogUniform, IntUniform, LogUniform, Parameter, Ratio, Uniform
from hpo.config.training import TrainingConfig

Range = Uniform | LogUniform | IntUniform | IntLogUniform
SETTINGS = {**TrainingConfig.model_fields, **{name: PreparationConfig.model_fields[name] for name in SEARCHABLE}}
_PARAMETER: TypeAdapter[Parameter] = TypeAdapter(Parameter)


def parameters(draft: Draft) -> dict[str, Parameter]:
    """The parameters of the draft in which no fault is known, by name; called once the form of all has been checked."""
    sound = {n: v for n, v in draft.block("search_space").items() if draft.sound("search_space", n)}
    return {name: _PARAMETER.validate_python(value, strict=True) for name, value in sound.items()}


def check_each(draft: Draft, known: Known, sound: Mapping[str, Parameter]) -> None:
    """Faults of single parameters."""
    for name, parameter in sound.items():
        key: Key = ("search_space", name)
        if isinstance(parameter, Categorical | Ratio):
            _check_choices(draft, key, parameter)
        elif not isinstance(parameter, Constant):
            _check_range(draft, key, parameter)
        default = getattr(parameter, "default", None)
        orderly = not isinstance(parameter, Range) or parameter.low < parameter.high
        if default is not None and orderly and not contains(parameter, default):
            draft.fault((*key, "default"), f"the default {_plain(default)} is not allowed", describe(parameter))
        if known.parameters is not None and name in known.parameters and name in SETTINGS:
            _check_setting(draft, name, parameter)


def contains(parameter: Parameter, value: Any) -> bool:
    """Whether a parameter can take a value (a ratio: the ratio itself)."""
    if isinstance(parameter, Constant):
        return same(parameter.value, value)
    if isinstance(parameter, Categorical | Ratio):
        return any(same(choice, value) for choice in parameter.choices)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return False
    if isinstance(parameter, IntUniform | IntLogUniform) and value != int(value):
        return False
    return parameter.low <= value <= parameter.high and _on_grid(parameter, value)


def same(a: Any, b: Any) -> bool:
    """Equality that tells True from 1."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def describe(parameter: Parameter) -> str:
    """The allowed values, for people."""
    if isinstance(parameter, Constant):
        return f"allowed: {_plain(parameter.value)}"
    if isinstance(parameter, Categorical | Ratio):
        return f"allowed: {', '.join(_plain(choice) for choice in parameter.choices)}"
    step = getattr(parameter, "step", None)
    return f"allowed: {parameter.low:g} to {parameter.high:g}" + (f" in steps of {step:g}" if step else "")


def _check_range(draft: Draft, key: Key, parameter: Range) -> None:
    low, high = parameter.low, parameter.high
    if low >= high:
        relation = "equals" if low == high else "lies above"
        hint = f"{{type: constant, value: {low:g}}}" if low == high else f"low: {high:g}, high: {low:g}"
        draft.fault((*key, "low"), f"`low` {low:g} {relation} `high` {high:g} in `{_name(key)}`", hint)
    if isinstance(parameter, LogUniform | IntLogUniform) and low <= 0:
        linear = "int_uniform" if isinstance(parameter, IntLogUniform) else "uniform"
        what = f"`low` must be more than 0 on a logarithmic scale, found {low:g}"
        draft.fault((*key, "low"), what, f"raise `low`, or type: {linear}")
    step = getattr(parameter, "step", None)
    if step is not None and step <= 0:
        draft.fault((*key, "step"), f"`step` must be more than 0, found {step:g}", "remove it, or step: 1")
    elif step is not None and low < high and step > high - low and "step" in draft.block(*key):
        draft.fault((*key, "step"), f"`step` {step:g} is larger than the range {low:g} to {high:g}", "a smaller step")


def _check_choices(draft: Draft, key: Key, parameter: Categorical | Ratio) -> None:
    if not parameter.choices:
        draft.fault((*key, "choices"), f"`choices` of `{_name(key)}` is empty", "choices: [a, b]")
    for position, choice in enumerate(parameter.choices):
        if any(same(choice, earlier) for earlier in parameter.choices[:position]):
            draft.fault((*key, "choices", position), f"the choice {_plain(choice)} stands here twice", "keep one")
        if isinstance(parameter, Ratio) and isinstance(choice, float) and choice <= 0:
            draft.fault((*key, "choices", position), f"a ratio must be more than 0, found {choice:g}")


def _check_setting(draft: Draft, name: str, parameter: Parameter) -> None:
    """Whether every value drawn is one that the setting of this name takes."""
    field = SETTINGS[name]
    key: Key = ("search_space", name)
    whole = int in (field.annotation, *get_args(field.annotation)) and float not in get_args(field.annotation)
    if whole and isinstance(parameter, Uniform | LogUniform):
        what = f"`{name}` is a whole number, and {parameter.type} draws others"
        draft.fault((*key, "type"), what, f"type: int_{parameter.type}")
        return
    kind: Any = Annotated[field.annotation, field]  # with the field's own bounds
    adapter: TypeAdapter[Any] = TypeAdapter(kind)
    for inner, value in _values(parameter):
        try:
            adapter.validate_python(value, strict=True)
        except ValidationError as error:
            found = [{**each, "loc": (*key, *inner)} for each in error.errors(include_url=False)]
            translate(draft, found)


def _values(parameter: Parameter) -> Iterator[tuple[Key, Any]]:
    if isinstance(parameter, Constant):
        yield ("value",), parameter.value
    elif isinstance(parameter, Categorical):
        yield from ((("choices", index), choice) for index, choice in enumerate(parameter.choices))
    elif not isinstance(parameter, Ratio):
        yield ("low",), parameter.low
        yield ("high",), parameter.high


def _on_grid(parameter: Range, value: float) -> bool:
    step = getattr(parameter, "step", None)
    if not step:
        return True
    steps = (value - parameter.low) / step
    return math.isclose(steps, round(steps), abs_tol=1e-6)


def _plain(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_plain(each) for each in value)}]"
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    return f"{value:g}" if isinstance(value, float) else str(value)


def _name(key: Key) -> str:
    return ".".join(map(str, key))

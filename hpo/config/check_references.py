"""What parameters say of each other: ratios, conditions, circles, and the configurations in ``known``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from hpo.config.check_parameters import contains, describe, same
from hpo.config.draft import Draft, did_you_mean
from hpo.config.knowledge import Known
from hpo.config.space import Categorical, Constant, Parameter, Ratio
from hpo.config.training import TrainingConfig


def check_references(draft: Draft, known: Known, sound: Mapping[str, Parameter]) -> None:
    """Faults between parameters, and between the space and the rest of the study."""
    space = draft.get("search_space")
    if not isinstance(space, dict):
        return
    fixed = _fixed(draft, known)
    _check_names(draft, known)
    for name, parameter in sound.items():
        if isinstance(parameter, Ratio):
            _check_ratio(draft, name, sound, fixed)
        for other, wanted in (parameter.when or {}).items():
            _check_condition(draft, (name, other), wanted, sound, fixed)
    _check_circles(draft, sound)
    for position, configuration in enumerate(draft.entries("known")):
        if isinstance(configuration, dict) and draft.sound("known", position):
            _check_known(draft, position, sound, fixed)


def _fixed(draft: Draft, known: Known) -> dict[str, Any]:
    """Settings that the space does not search: the objective's defaults, and what the study fixes."""
    base: Mapping[str, Any] = TrainingConfig().model_dump() if known.parameters is None else known.parameters
    searched = draft.block("search_space")
    settings = {**base, **draft.block("training")}
    return {name: value for name, value in settings.items() if name not in searched}


def _check_names(draft: Draft, known: Known) -> None:
    space, training = draft.block("search_space"), draft.block("training")
    if not space and draft.sound("search_space"):
        draft.fault(("search_space",), "the search space is empty", "search_space: lora, or parameters by name")
    for name in space:
        if name in training:
            what = f"`{name}` is searched here and fixed in `training` ({draft.at(('training', name))})"
            draft.fault(("search_space", name), what, "keep one of them")
        if known.parameters is None or name in known.parameters:
            continue
        what = f"the objective `{known.name}` does not know the parameter `{name}`"
        draft.fault(("search_space", name), what, did_you_mean(name, known.parameters))


def _check_ratio(draft: Draft, name: str, sound: Mapping[str, Parameter], fixed: Mapping[str, Any]) -> None:
    parameter = cast(Ratio, sound[name])
    key = ("search_space", name, "of")
    space = draft.get("search_space")
    if parameter.of == name:
        draft.fault(key, f"`{name}` is a ratio of itself", "name another parameter or setting")
    elif parameter.of not in space and parameter.of not in fixed:
        draft.fault(
            key, f"`{name}` is a ratio of `{parameter.of}`, which is unknown", _near(parameter.of, space, fixed)
        )
    elif parameter.of in space and not _numeric(sound.get(parameter.of)):
        draft.fault(
            key, f"`{name}` is a ratio of `{parameter.of}`, which is no number", "name a parameter with numbers"
        )
    elif parameter.of not in space and not _is_number(fixed[parameter.of]):
        draft.fault(key, f"`{name}` is a ratio of `{parameter.of}`, which is no number", "name a setting with a number")


def _numeric(parameter: Parameter | None) -> bool:
    if isinstance(parameter, Categorical):
        return all(_is_number(choice) for choice in parameter.choices)
    return not isinstance(parameter, Constant) or _is_number(parameter.value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_condition(
    draft: Draft, names: tuple[str, str], wanted: Any, sound: Mapping[str, Parameter], fixed: Mapping[str, Any]
) -> None:
    name, other = names
    key = ("search_space", name, "when", other)
    space = draft.get("search_space")
    if other == name:
        draft.fault(key, f"`{name}` is a condition of itself", "name another parameter")
    elif other not in space and other not in fixed:
        draft.fault(key, f"`{name}` depends on `{other}`, which is unknown", _near(other, space, fixed))
    elif other in sound:
        parameter = sound[other]
        if wanted == ():
            draft.fault(key, f"`{name}` lists no value of `{other}`, so it would never exist", describe(parameter))
        whole = isinstance(wanted, tuple) and contains(parameter, wanted)
        for value in wanted if isinstance(wanted, tuple) and not whole else (wanted,):
            if not isinstance(parameter, Ratio) and not contains(parameter, value):
                draft.fault(key, f"`{other}` is never {value}, so `{name}` would never exist", describe(parameter))
    elif other not in space and not _holds(fixed[other], wanted):
        what = f"`{other}` is fixed at {fixed[other]}, so `{name}` would never exist"
        draft.fault(key, what, f"remove the parameter, or search {other}")


def _holds(actual: Any, wanted: Any) -> bool:
    return same(actual, wanted) or (isinstance(wanted, tuple) and any(same(actual, each) for each in wanted))


def _check_circles(draft: Draft, sound: Mapping[str, Parameter]) -> None:
    edges = {name: _refers_to(parameter) & sound.keys() - {name} for name, parameter in sound.items()}
    reported: set[str] = set()
    for start in edges:
        circle = _circle(start, edges)
        if circle and not reported & set(circle):
            reported |= set(circle)
            way = " -> ".join([*circle, circle[0]])
            draft.fault(
                ("search_space", start), f"parameters depend on each other in a circle: {way}", "remove one link"
            )


def _refers_to(parameter: Parameter) -> set[str]:
    return set(parameter.when or {}) | ({parameter.of} if isinstance(parameter, Ratio) else set())


def _circle(start: str, edges: Mapping[str, set[str]]) -> list[str]:
    """A way from ``start`` back to itself; empty where there is none."""
    ways: list[list[str]] = [[start]]
    visited: set[str] = set()
    while ways:
        way = ways.pop()
        for following in sorted(edges[way[-1]]):
            if following == start:
                return way
            if following not in visited:
                visited.add(following)
                ways.append([*way, following])
    return []


def _check_known(draft: Draft, position: int, sound: Mapping[str, Parameter], fixed: Mapping[str, Any]) -> None:
    space = draft.get("search_space")
    given: Mapping[str, Any] = draft.get("known", position)
    ratios = {f"{name}_per_{p.of}": name for name, p in sound.items() if isinstance(p, Ratio)}
    for name, value in given.items():
        key = ("known", position, name)
        if name not in space and name not in ratios:
            draft.fault(key, f"`{name}` is not a parameter of the search space", did_you_mean(name, space))
            continue
        parameter = sound.get(ratios.get(name, name))
        if parameter is None:
            continue
        shown = draft.templates.get(key, value)
        if isinstance(parameter, Ratio) and name not in ratios:
            base = _effective(parameter.of, given, sound, fixed)
            if not _is_number(value) or (_is_number(base) and base and not _has_ratio(parameter, value / base)):
                draft.fault(key, f"`{name}: {shown}` is no allowed ratio of `{parameter.of}`", describe(parameter))
        elif not contains(parameter, value):
            draft.fault(key, f"`{name}: {shown}` lies outside the search space", describe(parameter))
        for other, wanted in (parameter.when or {}).items():
            actual = _effective(other, given, sound, fixed)
            if actual is not None and not _holds(actual, wanted):
                what = f"`{name}` does not exist where `{other}` is {actual}"
                draft.fault(
                    key, what, f"remove it, or {other}: {wanted[0] if isinstance(wanted, tuple) and wanted else wanted}"
                )


def _has_ratio(parameter: Ratio, ratio: float) -> bool:
    return any(abs(choice - ratio) <= 1e-9 * abs(choice) for choice in parameter.choices)


def _effective(name: str, given: Mapping[str, Any], sound: Mapping[str, Parameter], fixed: Mapping[str, Any]) -> Any:
    """The value of a parameter or setting in a known configuration; None where it cannot be told."""
    parameter = sound.get(name)
    if name in given:
        return given[name]
    if isinstance(parameter, Constant):
        return parameter.value
    if isinstance(parameter, Categorical):
        return parameter.choices[0] if parameter.default is None and parameter.choices else parameter.default
    return fixed.get(name) if parameter is None else None if isinstance(parameter, Ratio) else parameter.default


def _near(name: str, space: Mapping[str, Any], fixed: Mapping[str, Any]) -> str:
    hint = did_you_mean(name, [*space, *fixed])
    return hint if hint.startswith("did") else f"parameters of the space: {', '.join(space)}"

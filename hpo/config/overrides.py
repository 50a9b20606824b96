"""``--set budget.trials=50``: single values of a study file, changed on the command line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from hpo.config.document import parse_value
from hpo.config.draft import Draft, Key, Place
from hpo.errors import ConfigurationError

# Where a study file may hold a word in place of a mapping, the key that the word stands for.
SHORTHANDS = {"model": "name", "search_space": "extends"}


def apply_overrides(draft: Draft, overrides: Iterable[str]) -> None:
    """Write ``way.to.key=value`` into the draft, in order; values are YAML. Faults name the override."""
    for override in overrides:
        shown = f"--set {_without_password(override)}"
        way, equals, text = override.partition("=")
        if not equals or not all(way.strip().split(".")):
            draft.places[("--set", override)] = Place(shown)
            draft.fault(("--set", override), "an override reads key.key=value", "--set budget.trials=50")
            continue
        key: Key = tuple(int(step) if step.isdigit() else step for step in way.strip().split("."))
        try:
            value = parse_value(text, shown)
        except ConfigurationError as error:
            draft.places[("--set", override)] = Place(shown)
            draft.fault(("--set", override), error.faults[0].what, error.faults[0].hint)
            continue
        _write(draft, key, value, Place(shown))


def _write(draft: Draft, key: Key, value: Any, place: Place) -> None:
    target: Any = draft.values
    for depth, step in enumerate(key[:-1]):
        inner = _open(target, step, key[: depth + 1])
        if inner is None:
            draft.places[("--set", str(place))] = place
            what = f"`{'.'.join(map(str, key[: depth + 1]))}` has nothing inside it that could be set"
            draft.fault(("--set", str(place)), what, "set the whole value instead")
            return
        target = inner
    for known in [each for each in draft.places if each[: len(key)] == key]:
        del draft.places[known]
    draft.faults[:] = [entry for entry in draft.faults if entry[0][: len(key)] != key]
    draft.places[key] = place
    if isinstance(target, dict):
        target[str(key[-1])] = value
    elif isinstance(key[-1], int) and key[-1] < len(target):
        target[key[-1]] = value
    else:
        draft.fault(key, f"the list has no entry {key[-1]}", f"it has {len(target)}, counted from 0")


def _open(target: Any, step: str | int, key: Key) -> Any:
    """What stands at ``step``, made changeable; None where nothing can stand inside it."""
    if isinstance(target, dict):
        step = str(step)
        if isinstance(target.get(step), str) and len(key) == 1 and step in SHORTHANDS:
            target[step] = {SHORTHANDS[step]: target[step]}
        if target.get(step) is None:
            target[step] = {}
    elif not isinstance(step, int) or step >= len(target):
        return None
    if isinstance(target[step], tuple):
        target[step] = list(target[step])
    return target[step] if isinstance(target[step], dict | list) else None


def _without_password(text: str) -> str:
    return re.sub(r"://[^/\s@]*@", "://...@", text)

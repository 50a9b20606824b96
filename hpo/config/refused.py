"""Blocks and keys of study.yaml that this version does not act on: refused with a clear sentence, never ignored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hpo.config.draft import Draft, Key

# Keys by their way from the top. Removed from the draft, so that they do not read as unknown keys.
KEYS: tuple[Key, ...] = (
    ("finalists",),
    ("statistics",),
    ("value_per_point",),
    ("loggers", "mlflow"),
)

# Values: whether this one is refused.
VALUES: dict[Key, Callable[[Any], bool]] = {
    ("runner", "trials_per_worker"): lambda value: value not in (None, 1),
}

VALUES_IN_WORDS: dict[Key, str] = {
    ("runner", "trials_per_worker"): "other than 1",
}


def refuse(draft: Draft) -> None:
    """Note a fault for each refused key and value, and take the key out of the draft."""
    for key in KEYS:
        if key[-1] in draft.block(*key[:-1]):
            draft.fault(key, f"`{'.'.join(map(str, key))}` is not available in this version", "remove it")
            _drop(draft, key)
    for key, refused in VALUES.items():
        value = draft.get(*key)
        if refused(value):
            shown = draft.templates.get(key, value)
            draft.fault(key, f"`{'.'.join(map(str, key))}: {shown}` is not available in this version", "remove it")
            _drop(draft, key)


def _drop(draft: Draft, key: Key) -> None:
    draft.put(key[:-1], {name: value for name, value in draft.block(*key[:-1]).items() if name != key[-1]})

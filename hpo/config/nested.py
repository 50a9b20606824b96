"""Values inside nested mappings and sequences, found by the way to them."""

from __future__ import annotations

from typing import Any


def value_at(values: Any, key: tuple[str | int, ...]) -> Any:
    """The value at a way into nested mappings and sequences; None where there is none."""
    for step in key:
        try:
            values = values[step]
        except (KeyError, IndexError, TypeError):
            return None
    return values


def with_value(values: Any, key: tuple[str | int, ...], value: Any) -> Any:
    """Nested mappings and sequences with another value at ``key``; what is given stays as it is."""
    if not key:
        return value
    if isinstance(values, dict):
        return {**values, key[0]: with_value(values[key[0]], key[1:], value)}
    return tuple(with_value(each, key[1:], value) if index == key[0] else each for index, each in enumerate(values))

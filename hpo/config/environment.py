"""``${NAME}`` in a study file: taken from the environment, and kept as ``${NAME}`` in everything that is written."""

from __future__ import annotations

import os
import re
from typing import Any

from hpo.config.draft import Draft, Key

_NAME = re.compile(r"\$\{([^}]*)\}")


def substitute(draft: Draft) -> None:
    """Replace every ``${NAME}`` in the draft's texts; ``draft.templates`` keeps what was written.

    A missing variable is a fault. Lists become tuples on the way.
    """
    draft.values = {name: _walk(draft, value, (name,)) for name, value in draft.values.items()}


def _walk(draft: Draft, value: Any, key: Key) -> Any:
    if isinstance(value, dict):
        return {name: _walk(draft, each, (*key, name)) for name, each in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_walk(draft, each, (*key, index)) for index, each in enumerate(value))
    if not isinstance(value, str) or "${" not in value:
        return value
    draft.templates[key] = value
    for name in _NAME.findall(value):
        if name not in os.environ and name not in draft.elsewhere.variables:
            draft.fault(key, f"the environment has no variable {name}", f"export {name}=... before the command")
    return _resolved(value)


def prune(draft: Draft) -> None:
    """Forget templates of values that something else (an override, an extended space) has replaced."""
    draft.templates = {key: text for key, text in draft.templates.items() if draft.get(*key) == _resolved(text)}


def names_in(template: str) -> list[str]:
    """Names of the variables that a text takes from the environment.

    >>> names_in("postgresql://${USER}:${PASSWORD}@host/hpo")
    ['USER', 'PASSWORD']
    """
    return _NAME.findall(template)


def _resolved(template: str) -> str:
    return _NAME.sub(lambda match: os.environ.get(match[1], match[0]), template)

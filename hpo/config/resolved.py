"""The resolved study file, as the run folder keeps it: every default written out, ``${NAME}`` kept."""

from __future__ import annotations

from typing import Any

import yaml

from hpo.config.document import Dumper
from hpo.config.models import StudyConfig


def resolved_yaml(config: StudyConfig) -> str:
    """Text of a study file that loads to an equal configuration from any folder.

    What came from the environment stays ``${NAME}``; settings that the space searches are left out of ``training``.
    """
    values = config.model_dump()
    for name in config.search_space:
        values["training"].pop(name, None)
    for key, template in config._templates.items():
        _put(values, key, template)
    return yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)


def _put(values: Any, key: tuple[str | int, ...], template: str) -> None:
    for step in key[:-1]:
        if isinstance(values[step], tuple):
            values[step] = list(values[step])
        values = values[step]
    values[key[-1]] = template

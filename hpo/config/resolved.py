"""The resolved study file, as the run folder keeps it: every default written out, ``${NAME}`` kept."""

from __future__ import annotations

import re

import yaml

from hpo.config.document import Dumper
from hpo.config.models import StudyConfig
from hpo.config.nested import value_at, with_value

_PASSWORD = re.compile(r"(://[^:/@\s]*:)[^@\s]+@")


def resolved_yaml(config: StudyConfig) -> str:
    """Text of a study file that loads to an equal configuration from any folder.

    What came from the environment stays ``${NAME}``; a password that the study file itself holds in ``storage`` becomes
    ``${STORAGE_PASSWORD}``, which must then be in the environment. Searched settings are left out of ``training`` and
    ``data.preparation``.
    """
    values = config.model_dump()
    for name in config.search_space:
        values["training"].pop(name, None)
        if values["data"] is not None:
            values["data"]["preparation"].pop(name, None)
    for key, (template, value) in config._templates.items():
        if value_at(values, key) == value:  # a copy of the configuration may hold another
            values = with_value(values, key, template)
    if config.storage and values["storage"] == config.storage:
        values["storage"] = _PASSWORD.sub(r"\1${STORAGE_PASSWORD}@", config.storage)
    return yaml.dump(values, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=120)

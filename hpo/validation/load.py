"""validation.yaml to a frozen ValidationConfig: every path absolute, or every fault at once."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hpo.config.document import parse_mapping, read_text
from hpo.config.draft import Draft, Key
from hpo.config.environment import substitute
from hpo.config.messages import ErrorDetails, translate
from hpo.config.overrides import apply_overrides
from hpo.errors import ConfigurationError
from hpo.validation.check import check_entries
from hpo.validation.models import ValidationConfig
from hpo.validation.paths import resolve

OUT = "validations"


def load(path: str | Path, overrides: Sequence[str] = ()) -> ValidationConfig:
    """Read a validation file.

    Args:
        path: the YAML file.
        overrides: ``key.key=value`` each, as after ``--set``.

    Raises:
        ConfigurationError: carries every fault, each with file and line (or the override) and a hint.
    """
    file = Path(os.path.expanduser(path))
    return load_text(read_text(file, str(path)), str(path), file.absolute().parent, overrides)


def load_text(text: str, shown: str, folder: Path, overrides: Sequence[str] = ()) -> ValidationConfig:
    """Read a validation from YAML text.

    Args:
        text: the YAML.
        shown: what messages call the file.
        folder: what relative paths start from; absolute.
        overrides: as in ``load``.

    Raises:
        ConfigurationError: as in ``load``.
    """
    draft = parse_mapping(text, shown, folder)
    apply_overrides(draft, overrides)
    substitute(draft)
    _write_out_shorthands(draft)
    translate(draft, _errors(draft), ValidationConfig)
    check_entries(draft)
    resolve(draft)
    if draft.faults:
        raise ConfigurationError.of(draft.sorted_faults())
    config = ValidationConfig.model_validate(draft.values, strict=True)
    return config if config.out else config.model_copy(update={"out": os.path.abspath(os.path.join(OUT, config.name))})


def _write_out_shorthands(draft: Draft) -> None:
    """``data: FILE`` is all rows of a file; ``ratings: FILE`` is one sheet."""
    for name in [name for name, value in draft.values.items() if value is None]:
        del draft.values[name]
    if isinstance(draft.values.get("ratings"), str):
        draft.values["ratings"] = (draft.values["ratings"],)
    for key, value in _entries(draft, "datasets"):
        if isinstance(value.get("data"), str):
            draft.put((*key, "data"), {"test": value["data"]})


def _entries(draft: Draft, block: str) -> Iterator[tuple[Key, dict[str, Any]]]:
    for index, value in enumerate(draft.entries(block)):
        if isinstance(value, dict):
            yield (block, index), value


def _errors(draft: Draft) -> Sequence[ErrorDetails]:
    try:
        ValidationConfig.model_validate(draft.values, strict=True)
    except ValidationError as error:
        return error.errors(include_url=False)
    return ()

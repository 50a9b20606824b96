"""validation.yaml to a frozen ValidationConfig: every path absolute, or every fault at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hpo.config.defaults import drop_empty_blocks
from hpo.config.document import parse_mapping, read_text
from hpo.config.draft import Draft
from hpo.config.environment import substitute
from hpo.config.messages import check_form
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
    if not isinstance(path, str | Path):  # a person types it in a notebook
        what = f"neither a validation file nor a configuration, but {type(path).__name__}"
        raise ConfigurationError(what, where="validate", hint='validate("validation.yaml")')
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
    drop_empty_blocks(draft, ValidationConfig)
    _write_out_shorthands(draft)
    check_form(draft, ValidationConfig)
    check_entries(draft)
    resolve(draft)
    if draft.faults:
        raise ConfigurationError.of(draft.sorted_faults())
    config = ValidationConfig.model_validate(draft.values, strict=True)
    return config if config.out else config.model_copy(update={"out": os.path.abspath(os.path.join(OUT, config.name))})


def _write_out_shorthands(draft: Draft) -> None:
    """``data: FILE`` is all rows of a file; ``ratings: FILE`` is one sheet."""
    if isinstance(draft.values.get("ratings"), str):
        draft.values["ratings"] = (draft.values["ratings"],)
    for key, value in draft.mappings("datasets"):
        if isinstance(value.get("data"), str):
            draft.put((*key, "data"), {"test": value["data"]})

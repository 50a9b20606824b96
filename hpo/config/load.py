"""study.yaml to a frozen StudyConfig: every default filled in, every path absolute, or every fault at once."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from hpo.config.check_closing import check_closing
from hpo.config.check_metrics import check_metrics
from hpo.config.check_parameters import check_each, parameters
from hpo.config.check_preparation import check_preparation
from hpo.config.check_references import check_references
from hpo.config.check_runner import check_runner
from hpo.config.check_study import check_study
from hpo.config.defaults import drop_empty_blocks, fill
from hpo.config.document import parse_mapping, plain, read_text
from hpo.config.draft import Draft, Elsewhere, Key
from hpo.config.environment import prune, substitute
from hpo.config.knowledge import objective_of
from hpo.config.messages import ErrorDetails, form_errors, translate, way_to
from hpo.config.models import StudyConfig
from hpo.config.nested import value_at
from hpo.config.overrides import apply_overrides
from hpo.config.paths import resolve
from hpo.config.refused import refuse
from hpo.config.spaces import expand
from hpo.errors import ConfigurationError

HERE = Elsewhere()  # everything is looked for on this machine
_NO_TEXT = ("int", "float", "bool")  # pydantic's error types begin so where a text stands in place of a number


def load(path: str | Path, overrides: Sequence[str] = (), elsewhere: Elsewhere = HERE) -> StudyConfig:
    """Read a study file.

    Args:
        path: the YAML file.
        overrides: ``key.key=value`` each, as after ``--set``; values are YAML, later ones win.
        elsewhere: what the study finds only where it runs, and what is not looked for here.

    Raises:
        ConfigurationError: carries every fault, each with file and line (or the override) and a hint.
    """
    file = Path(os.path.expanduser(path))
    return load_text(read_text(file, str(path)), str(path), file.absolute().parent, overrides, elsewhere)


def load_text(
    text: str, shown: str, folder: Path, overrides: Sequence[str] = (), elsewhere: Elsewhere = HERE
) -> StudyConfig:
    """Read a study from YAML text.

    Args:
        text: the YAML.
        shown: what messages call the file.
        folder: what relative paths start from; absolute.
        overrides: as in ``load``.
        elsewhere: as in ``load``.

    Raises:
        ConfigurationError: as in ``load``.
    """
    draft = read_draft(text, shown, folder, overrides, elsewhere)
    expand(draft)
    prune(draft)
    refuse(draft)
    _check_form(draft)
    known = objective_of(draft)
    sound = parameters(draft)
    check_each(draft, known, sound)
    check_references(draft, known, sound)
    check_study(draft, known, sound)
    check_runner(draft)
    check_preparation(draft, known, sound)
    check_metrics(draft)
    check_closing(draft, known)
    resolve(draft)
    if draft.faults:
        raise ConfigurationError.of(draft.sorted_faults())
    fill(draft, known)
    config = StudyConfig.model_validate(draft.values, strict=True)
    values = config.model_dump()
    config._templates.update({key: (text, value_at(values, key)) for key, text in draft.templates.items()})
    return config


def read_draft(text: str, shown: str, folder: Path, overrides: Sequence[str], elsewhere: Elsewhere = HERE) -> Draft:
    """What the file and the overrides say, the environment filled in: unchecked, paths and spaces as written.

    Raises:
        ConfigurationError: the text is no mapping.
    """
    draft = parse_mapping(text, shown, folder)
    draft.elsewhere = elsewhere
    apply_overrides(draft, overrides)
    _write_out_shorthands(draft)
    drop_empty_blocks(draft, StudyConfig)
    substitute(draft)
    return draft


def _write_out_shorthands(draft: Draft) -> None:
    if isinstance(draft.values.get("model"), str):
        draft.values["model"] = {"name": draft.values["model"]}


def _check_form(draft: Draft) -> None:
    """Types, unknown and missing keys. A text from the environment counts as a number where one is wanted."""
    errors = form_errors(draft, StudyConfig)
    converted = [key for error in errors if (key := _number_from_environment(draft, error))]
    if converted:
        for key in converted:
            draft.put(key, plain(draft.get(*key)))
        errors = form_errors(draft, StudyConfig)
    translate(draft, errors)


def _number_from_environment(draft: Draft, error: ErrorDetails) -> Key:
    key = way_to(draft, error)
    return key if key in draft.templates and error["type"].startswith(_NO_TEXT) else ()

"""Opens a run folder to read it: anywhere, also where its data, its model or its environment are not."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from hpo.config.document import Loader
from hpo.config.models import StudyConfig
from hpo.errors import ConfigurationError, StorageError
from hpo.records.folder import RunFolder
from hpo.records.journal import load_state
from hpo.records.place import refreshed
from hpo.records.record import StudyState

SHOWN_RUNS = 12
_NAME = re.compile(r"\$\{([^}]*)\}")


def open_run(root: Path | str, *more: str) -> tuple[RunFolder, StudyConfig, StudyState]:
    """The run folder at ``root`` (a path or URL), its resolved study and the fold of its journal.

    Args:
        root: the run folder.
        more: what else of it is read, relative to it, and fetched where it lies at a URL.

    Raises:
        ConfigurationError: there is no run folder; the hint names those there are.
        StorageError: its study file or journal cannot be read, or the URL cannot.
    """
    folder = refreshed(root, *more)
    if not folder.study_yaml.is_file():
        what = "is no run folder of a study" if folder.root.exists() or folder.remote else "does not exist"
        hint = _there_are(Path(root)) if folder.remote is None else "name URL/NAME: the URL in runs:, and the study"
        raise ConfigurationError(f"the run folder {what}", where=folder.place, hint=hint)
    return folder, read_resolved(folder.study_yaml), load_state(folder.journal)


def read_resolved(path: Path) -> StudyConfig:
    """The resolved study file as it was written; unlike ``hpo.config.load`` it looks for no file that it names.

    ``${NAME}`` is filled in where the environment has it, and stays as it stands elsewhere.

    Raises:
        StorageError: the file cannot be read, or an incompatible version wrote it.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf8"), Loader)  # a SafeLoader with the scalars of YAML 1.2
        return StudyConfig.model_validate(_filled(values))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        first = (
            str(error).splitlines()[0] if not isinstance(error, ValidationError) else f"{error.error_count()} faults"
        )
        raise StorageError(
            f"the resolved study file cannot be read: {first}",
            where=str(path),
            hint="use the version that wrote it (environment.json names it), or restore the file from a copy",
        ) from None


def _filled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _filled(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_filled(item) for item in value]
    return _NAME.sub(lambda found: os.environ.get(found[1], found[0]), value) if isinstance(value, str) else value


def _there_are(root: Path) -> str:
    parents = dict.fromkeys((root, root.parent, Path("runs")))
    names = list(dict.fromkeys(str(path.parent) for parent in parents for path in sorted(parent.glob("*/study.yaml"))))
    if not names:
        return "python -m hpo.run study.yaml begins a study; its run folder is runs/NAME"
    more = f" and {len(names) - SHOWN_RUNS} more" if len(names) > SHOWN_RUNS else ""
    return f"there are: {', '.join(names[:SHOWN_RUNS])}{more}"

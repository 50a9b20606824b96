"""The Python files that a study names travel to machines that do not have them."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.config.models import StudyConfig
from hpo.config.paths import file_part, is_own
from hpo.runners.ray_cluster import in_job

UNPACK_SECONDS = 10.0


def own_files(config: StudyConfig) -> dict[str, bytes]:
    """The Python files that a study names, by path."""
    return {path: _read(path) for path in map(_file, _references(config)) if path}


def _read(path: str) -> bytes:
    """A file's content; in a job it may be gone for a moment, while a second node here unpacks the job anew."""
    until = time.monotonic() + (UNPACK_SECONDS if in_job() else 0.0)
    while not os.path.isfile(path) and time.monotonic() < until:
        time.sleep(0.1)
    return Path(path).read_bytes()


def with_files(config: StudyConfig, files: Mapping[str, bytes]) -> StudyConfig:
    """The study with its Python files where they are on this machine; those that are not here are written first."""
    absent = {path: content for path, content in files.items() if not Path(path).is_file()}
    if not absent:
        return config
    folder = Path(tempfile.mkdtemp(prefix="hpo-files-"))
    moved = {}
    for position, (path, content) in enumerate(absent.items()):
        target = folder / str(position) / Path(path).name
        target.parent.mkdir()
        target.write_bytes(content)
        moved[path] = str(target)
    return StudyConfig.model_validate(_replaced(config.model_dump(), moved))


def _references(config: StudyConfig) -> list[str]:
    names = [str(config.objective), *(o.metric for o in config.objectives), *(c.metric for c in config.constraints)]
    if config.data is not None:
        names += [str(text) for text in _texts(config.data.preparation.model_dump())]
    return names


def _file(reference: str) -> str:
    return file_part(reference) if is_own(reference) else ""


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _texts(item)]
    return [value] if isinstance(value, str) else []


def _replaced(value: Any, moved: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _replaced(item, moved) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_replaced(item, moved) for item in value)
    if isinstance(value, str) and (path := _file(value)) in moved:
        return value.replace(path, moved[path])
    return value

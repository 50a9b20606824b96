"""Where a run folder lies: a folder, or a URL with a working copy on this machine."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from hpo.config.models import StudyConfig
from hpo.config.urls import is_url, masked, url_fault
from hpo.errors import ConfigurationError
from hpo.records.folder import RunFolder
from hpo.records.remote import Remote
from hpo.records.segments import join


def run_folder(config: StudyConfig) -> RunFolder:
    """The run folder of a study; nothing is read or written yet."""
    return folder_at(place_of(config))


def place_of(config: StudyConfig) -> str:
    """The path or URL of a study's run folder."""
    runs = str(config.runs)
    return f"{runs.rstrip('/')}/{config.study}" if is_url(runs) else str(Path(runs) / config.study)


def folder_at(place: str | Path) -> RunFolder:
    """The run folder at a path or URL; beside a URL it works in ``$XDG_CACHE_HOME/hpo/runs`` (else ``~/.cache``).

    Raises:
        ConfigurationError: the URL's protocol is unknown, or its package is not installed.
    """
    if not is_url(place):
        return RunFolder(Path(place))
    url = str(place).rstrip("/")
    if fault := url_fault(url):
        raise ConfigurationError(fault[0], where=masked(url), hint=fault[1])
    parent, _, name = url.rpartition("/")
    known = hashlib.sha256(masked(parent).encode()).hexdigest()[:12]
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return RunFolder(cache / "hpo" / "runs" / known / name, Remote(url))


def refreshed(place: str | Path, *more: str) -> RunFolder:
    """The run folder to be read: of one at a URL the journal, the study file and ``more`` are fetched anew.

    Raises:
        ConfigurationError: as ``folder_at``.
        StorageError: the URL cannot be read.
    """
    folder = folder_at(place)
    if folder.remote is not None:
        before = folder.journal.stat().st_size if folder.journal.exists() else 0
        join(folder.remote, folder.journal)
        after = folder.journal.stat().st_size if folder.journal.exists() else 0
        for relative in ("study.yaml", "environment.json", "data_checks.json", *more):
            if after > before or not (folder.root / relative).exists():  # a driver here is never behind the URL
                _fetch_anew(folder.remote, relative, folder.root / relative)
    return folder


def _fetch_anew(remote: Remote, relative: str, path: Path) -> None:
    if remote.get(relative, path):
        for kind in ("-wal", "-shm"):  # what SQLite left beside an older file belongs to that one
            path.with_name(f"{path.name}{kind}").unlink(missing_ok=True)

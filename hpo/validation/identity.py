"""What decides a model's answers, in a form that can be compared: files by name, size and time of change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.config.models import ModelConfig

SMALL = 1 << 20  # bytes up to which a file's content counts, not its time of change
_NO_PART = ("README.md", "trial.txt")  # they say where a model is from, and change nothing of what it says


def folder_identity(folder: Path) -> list[tuple[str, int, Any]]:
    """Every file of a folder: name, size, and its content's hash or, of a large one, when it was changed."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and path.name not in _NO_PART):
        about = path.stat()
        mark: Any = _hash(path) if about.st_size <= SMALL else about.st_mtime_ns
        found.append((str(path.relative_to(folder)), about.st_size, mark))
    return found


def model_identity(model: ModelConfig) -> dict[str, Any]:
    """A base model: its name and settings, of a folder its files too."""
    folder = Path(model.name)
    return {**model.model_dump(), "files": folder_identity(folder) if folder.is_dir() else None}


def _hash(path: Path) -> str:
    import hashlib

    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()

"""The cache folder of this user: made rows are kept there, so that they are made once."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hpo.data.whole import replacing


def cache_folder() -> Path:
    """``$HPO_CACHE``, else ``~/.cache/hpo``; need not exist."""
    named = os.environ.get("HPO_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "hpo"


def keep(path: Path, content: bytes) -> None:
    """Write ``path``, whole or not at all; a folder that cannot be written is passed over."""
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as fresh:
            fresh.write_bytes(content)

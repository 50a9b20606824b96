"""Files that appear whole or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """An empty file beside ``path``, with its ending, that takes its place when the block ends without an error.

    A kill or an error leaves what was there before; writers of one path at the same time do not mix.

    Raises:
        OSError: the folder is not there, or cannot be written.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}.", suffix=path.suffix)
    os.close(handle)
    fresh = Path(name)
    try:
        yield fresh
        fresh.chmod(0o666 & ~_umask())  # a temporary file is its owner's alone
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a text file in UTF-8, line ends as they are.

    Raises:
        OSError: see ``replacing``.
    """
    with replacing(path) as fresh:
        fresh.write_text(text, encoding="utf8", newline="")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask

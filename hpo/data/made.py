"""Rows that a function of the user's own yields: ``source: rows.py`` or ``rows.py:name``."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.data.cache import cache_folder, keep
from hpo.data.messages import Table
from hpo.data.read import read_frame
from hpo.data.user_function import failed, load_function
from hpo.data.write import parquet
from hpo.errors import DataError, ObjectiveError

if TYPE_CHECKING:
    import pandas as pd

DEFAULT = "rows"


def made_rows(source: str) -> Table:
    """Rows that the function named by ``source`` yields; kept by a fingerprint of its file and of the Python version.

    The function takes no arguments and yields a mapping a row. What else it reads is not part of the fingerprint: where
    that has changed, change a line of the file (a date in a comment will do), or name another folder in ``HPO_CACHE``.

    Args:
        source: absolute path of a Python file, or ``path.py:function``.

    Raises:
        ObjectiveError: the file cannot be run, has no such function, or the function fails.
        DataError: it yields no rows, or what is no row.
    """
    path, name = split_source(source)
    kept = cache_folder() / "rows" / f"{_fingerprint(path, name)}.parquet"
    if kept.is_file():
        frame = read_frame(kept)
    else:
        frame = _frame(_call(load_function(path, name, "the rows file", "a function that yields rows"), path), source)
        keep(kept, parquet(frame, source, "yield text, numbers, or lists of them"))
    return Table(frame, source)


def split_source(source: str) -> tuple[Path, str]:
    """File and function of ``rows.py`` or ``rows.py:name``."""
    file, colon, name = source.rpartition(".py:")
    return (Path(f"{file}.py"), name) if colon else (Path(source), DEFAULT)


def _fingerprint(path: Path, name: str) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ObjectiveError(f"the rows file cannot be read: {error.strerror}", where=str(path)) from error
    digest = hashlib.blake2b(content, digest_size=16)
    digest.update(f"\0{name}\0{sys.version}\0{path.name}".encode())
    return digest.hexdigest()


def _call(function: Callable[[], Iterable[Mapping[str, Any]]], path: Path) -> list[Any]:
    try:
        return list(function())
    except Exception as error:
        raise failed(error, path, f"`{getattr(function, '__name__', 'rows')}` failed") from error


def _frame(records: list[Any], source: str) -> pd.DataFrame:
    import pandas as pd

    if not records:
        raise DataError("the function yields no rows", where=source)
    for number, record in enumerate(records):
        if not isinstance(record, Mapping):
            what = f"row {number} is not a mapping but {type(record).__name__}"
            raise DataError(what, where=source, hint='yield {"text": ..., "label": ...}')
    frame = pd.DataFrame([dict(record) for record in records], dtype=object)
    frame.index.name = "row"
    return frame

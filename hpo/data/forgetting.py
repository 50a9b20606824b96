"""Text that nothing is tuned for, on which what a run forgets is measured."""

from __future__ import annotations

from hpo.data.read import read_frame
from hpo.data.rows import Rows
from hpo.errors import DataError


def read_forgetting(path: str) -> Rows:
    """The rows of ``data.forgetting``, with the columns ``id`` and ``text``.

    Raises:
        DataError: the file cannot be read, or a row has no text.
    """
    frame = read_frame(path)
    if "text" not in frame:
        found = ", ".join(map(str, frame.columns))
        raise DataError("the file has no column `text`", where=path, hint=f"rename one of its columns: {found}")
    for place, value in frame["text"].items():
        if not isinstance(value, str) or not value.strip():
            what = "the row has no text" if value is None or isinstance(value, str) else f"`text` is {value!r}, no text"
            raise DataError(what, where=f"{path}:{place}", hint="remove the row, or give it text")
    rows = frame[["text"]].reset_index(drop=True)
    return Rows(rows.assign(id=[str(row) for row in range(len(rows))]), "text")

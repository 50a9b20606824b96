"""The rows of a study in its run folder: one Parquet file a split, texts cut at 2,000 characters."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast, get_args

from hpo.data.read import read_frame
from hpo.data.rows import Format, Rows, Splits
from hpo.errors import DataError

LIMIT = 2_000
_FORMAT = b"hpo.format"


def save_splits(splits: Splits, folder: str | Path) -> None:
    """Write ``train.parquet``, ``validation.parquet`` and, where there is one, ``test.parquet`` into ``folder``."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("train", "validation", "test"):
        rows = getattr(splits, name)
        if rows is not None:
            _save(rows, folder / f"{name}.parquet")


def load_rows(path: str | Path) -> Rows:
    """Rows that ``save_splits`` wrote.

    Raises:
        DataError: the file is not one of these.
    """
    import pyarrow.parquet as pq

    frame = read_frame(path)
    found = (pq.read_schema(path).metadata or {}).get(_FORMAT, b"").decode()
    if found not in get_args(Format):
        raise DataError("the file is not a split that a study has written", where=str(path))
    if "label" in frame and all(isinstance(value, float) for value in frame["label"]):
        frame["label"] = frame["label"].astype(float)
    frame.index.name = None
    return Rows(frame, cast(Format, found))


def _save(rows: Rows, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in rows.frame.columns:
        values = [_cut(value) for value in rows.frame[name].tolist()]
        try:
            columns[str(name)] = pa.array(values)
        except (pa.ArrowException, TypeError, ValueError):  # a custom task's own values
            columns[str(name)] = pa.array([None if value is None else _cut(str(value)) for value in values])
    pq.write_table(pa.table(columns).replace_schema_metadata({_FORMAT: rows.format.encode()}), path)


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LIMIT]
    if isinstance(value, list):
        return [_cut(one) for one in value]
    return {key: _cut(one) for key, one in value.items()} if isinstance(value, dict) else value

"""Frames as data files: what ``read_frame`` reads, written whole or not at all."""

from __future__ import annotations

import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.data.messages import as_text
from hpo.data.read import FORMATS
from hpo.data.whole import replacing
from hpo.errors import DataError, first_line

if TYPE_CHECKING:
    import pandas as pd

_KINDS = {".jsonl", ".ndjson", ".csv", ".parquet", ".txt"}


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a frame's columns to a data file of the kind that ``path`` ends with, its index not among them.

    JSONL and Parquet keep lists and objects (conversations) as they are; CSV holds them as JSON text, and every value
    as text; a text file has the column ``text`` alone, a row a line. A missing value is null, or an empty field. The
    file appears when it is whole, with the same bytes for the same rows.

    Args:
        frame: n rows, n >= 1.
        path: .jsonl, .csv, .parquet or .txt, each also .gz or .zst.

    Raises:
        DataError: the ending is none of these, a value does not fit the format, or the folder cannot be written.
    """
    write_bytes(Path(path), rendered(frame, path))


def write_new(frames: Mapping[Path, pd.DataFrame]) -> None:
    """Write files of rows, all or none; one of the same bytes may be there already, one of others stays as it is.

    Raises:
        DataError: see ``write_frame``; or a file of other content stands where one is to be written.
    """
    contents = {path: rendered(frame, path) for path, frame in frames.items()}
    for path, content in contents.items():
        if path.exists() and (path.is_dir() or path.read_bytes() != content):
            hint = f"move it away, or remove it: rm {path}"
            raise DataError("a file of other content is there, which is not written over", where=str(path), hint=hint)
    for path, content in contents.items():
        write_bytes(path, content)


def rendered(frame: pd.DataFrame, path: str | Path) -> bytes:
    """The bytes that ``write_frame`` writes.

    Raises:
        DataError: the ending is none of a data file, or a value does not fit the format.
    """
    path = Path(path)
    name = path.name.lower()
    packed = next((ending for ending in (".gz", ".zst") if name.endswith(ending)), "")
    kind = Path(name.removesuffix(packed)).suffix
    if kind not in _KINDS:
        raise DataError(f"`{kind or path.name}` is not a format of data files", where=str(path), hint=f"give {FORMATS}")
    if frame.empty:
        raise DataError("there are no rows to write", where=str(path), hint="a data file has at least one row")
    write = {".csv": _csv, ".parquet": _parquet, ".txt": _txt}.get(kind, _jsonl)
    return pack(write(frame, path), packed)


def pack(content: bytes, ending: str) -> bytes:
    """Bytes as a file with this last ending holds them: ``.gz`` and ``.zst`` are packed, others are not."""
    if ending == ".gz":
        return gzip.compress(content, mtime=0)  # without the time, equal rows give equal bytes
    if ending == ".zst":
        import zstandard

        return zstandard.ZstdCompressor().compress(content)
    return content


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file, whole or not at all.

    Raises:
        DataError: the folder is not there, or cannot be written.
    """
    try:
        with replacing(path) as fresh:
            fresh.write_bytes(content)
    except OSError as error:
        what = f"the file cannot be written: {error.strerror}"
        raise DataError(what, where=str(path), hint="is its folder there, and yours to write in?") from error


def _jsonl(frame: pd.DataFrame, path: Path) -> bytes:
    names = [str(name) for name in frame.columns]
    lines = []
    for row, record in enumerate(frame.itertuples(index=False, name=None)):
        values = {name: plain(value) for name, value in zip(names, record, strict=True)}
        try:
            lines.append(json.dumps(values, ensure_ascii=False, allow_nan=False, default=_told) + "\n")
        except (TypeError, ValueError) as error:
            hint = "leave the column out, or write .parquet"
            raise DataError(f"row {row} does not fit JSON: {error}", where=str(path), hint=hint) from error
    return _encoded("".join(lines), path)


def _told(value: Any) -> str:
    """What JSON has no form for, as text: dates and times as ISO 8601 has them, exact decimals."""
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def _csv(frame: pd.DataFrame, path: Path) -> bytes:
    lines = [",".join(_quoted(str(name)) for name in frame.columns)]
    for record in frame.itertuples(index=False, name=None):
        line = ",".join(_quoted(_field(value)) for value in record)
        lines.append(line or '""')  # an empty line would read as no row
    return _encoded("".join(f"{line}\n" for line in lines), path)


def _quoted(field: str) -> str:
    """A field as RFC 4180 has it; Python's writer leaves a lone carriage return bare."""
    return '"' + field.replace('"', '""') + '"' if any(mark in field for mark in ',"\r\n') else field


def _field(value: Any) -> str:
    value = plain(value)
    if value is None:
        return ""
    if isinstance(value, list | dict | bool):
        return json.dumps(value, ensure_ascii=False)
    return as_text(value)


def _txt(frame: pd.DataFrame, path: Path) -> bytes:
    if list(frame.columns) != ["text"]:
        others = ", ".join(str(name) for name in frame.columns if name != "text")
        what = (
            f"a text file holds the column `text` alone, and there is also {others}" if others else "no column `text`"
        )
        raise DataError(what, where=str(path), hint="write .jsonl, .csv or .parquet")
    texts = [_field(value) for value in frame["text"]]
    broken = [row for row, text in enumerate(texts) if "\n" in text or text.endswith("\r") or not text.strip()]
    if broken:
        what = f"row {broken[0]} is empty or has a line break, and a text file has a row a line"
        raise DataError(what, where=str(path), hint="write .jsonl, .csv or .parquet")
    return _encoded("".join(f"{text}\n" for text in texts), path)


def _parquet(frame: pd.DataFrame, path: Path) -> bytes:
    return parquet(frame, str(path), "make them all text, or write .jsonl")


def parquet(frame: pd.DataFrame, where: str, hint: str) -> bytes:
    """The bytes of a Parquet file, values as JSON has them.

    Args:
        frame: n rows.
        where: where a fault is said to be.
        hint: what to do then.

    Raises:
        DataError: a column mixes kinds of values, or has one that does not fit.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in frame.columns:
        values = [plain(value) for value in frame[name].tolist()]
        try:
            columns[str(name)] = pa.array(values)
        except (pa.ArrowException, TypeError, ValueError, OverflowError) as error:
            what = f"the column `{name}` mixes kinds of values, or has one that does not fit: {first_line(error)}"
            raise DataError(what, where=where, hint=hint) from error
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    return out.getvalue()


def plain(value: Any) -> Any:
    """A value as JSON has it: numpy's numbers and arrays as Python's, what is missing as None."""
    if isinstance(value, np.ndarray | list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, np.generic):
        value = value.item()
    return None if value is None or (value != value) is True or type(value).__name__ in _MISSING else value


_MISSING: Sequence[str] = ("NAType", "NaTType")


def _encoded(text: str, path: Path) -> bytes:
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        what = "a text holds half a surrogate pair, which UTF-8 cannot hold"
        raise DataError(what, where=str(path), hint="the transform fix_encoding mends it") from error

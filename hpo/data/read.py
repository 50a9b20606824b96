"""Data files as frames: JSONL, CSV, Parquet and text, also compressed; every fault names its line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.errors import DataError, Fault

if TYPE_CHECKING:
    import pandas as pd

FORMATS = ".jsonl, .csv, .parquet or .txt, each also .gz or .zst"
_JSONL = {".jsonl", ".ndjson", ".json"}
_PICKLES = {".pkl", ".pickle", ".joblib", ".pt", ".pth"}
_SHOWN = 5  # faults named one by one
_TO_PARQUET = "write it as Parquet where it was made: frame.to_parquet(...)"
_TO_UTF8 = "save it as UTF-8: iconv -f LATIN1 -t UTF-8 old > new"


def read_frame(path: str | Path) -> pd.DataFrame:
    """The rows of a data file, values as they stand in it (CSV: text; an empty field is missing).

    Args:
        path: JSONL (an object a line), CSV (with a header), Parquet, or text (a row a line, column ``text``), also
            compressed (.gz, .zst).

    Returns:
        A frame of object columns. Its index tells where rows stand: ``line`` (from 1), or for Parquet ``row`` (from 0).

    Raises:
        DataError: the file is missing, of another format, broken, or has no rows; holds the first five broken lines.
    """
    path = Path(path)
    kind = _kind(path)
    content = _content(path)
    if not content.strip():
        raise DataError("the file is empty", where=str(path), hint="it needs at least one row")
    if kind == ".parquet":
        frame = _parquet(content, path)
    else:
        text = _decode(content, path)
        frame = {".csv": _csv, ".txt": _txt}.get(kind, _jsonl)(text, path)
    if frame.empty:
        raise DataError("the file has no rows", where=str(path), hint="it needs at least one row")
    return frame


def _kind(path: Path) -> str:
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst")
    kind = Path(name).suffix
    if kind in _PICKLES:
        what = "a pickle can run code when it is opened, so it is never read"
        raise DataError(what, where=str(path), hint=_TO_PARQUET)
    if kind not in _JSONL | {".csv", ".parquet", ".txt"}:
        raise DataError(f"`{kind or path.name}` is not a format of data files", where=str(path), hint=f"give {FORMATS}")
    return kind


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise DataError("the file does not exist", where=str(path), hint="is the path right?") from error
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror}", where=str(path)) from error
    suffix = path.suffix.lower()
    if suffix not in {".gz", ".zst"}:
        return content
    try:
        return gzip.decompress(content) if suffix == ".gz" else _unpack_zst(content)
    except (OSError, EOFError, zlib.error) as error:
        what = f"the file is not a whole {suffix} file"
        raise DataError(
            what, where=str(path), hint="copy it again, or drop the ending if it is not compressed"
        ) from error


def _unpack_zst(content: bytes) -> bytes:
    """All frames of a .zst file; EOFError where the last one is not whole (the library's own streams do not tell)."""
    import zstandard

    parts = []
    while content:
        frame = zstandard.ZstdDecompressor().decompressobj()
        try:
            parts.append(frame.decompress(content))
        except zstandard.ZstdError as error:
            raise EOFError(str(error)) from error
        if not frame.eof:
            raise EOFError("the last frame is cut off")
        content = frame.unused_data
    return b"".join(parts)


def _decode(content: bytes, path: Path) -> str:
    if content[:2] == b"\x1f\x8b" or content[:4] == b"\x28\xb5\x2f\xfd":
        ending = ".gz" if content[0] == 0x1F else ".zst"
        raise DataError("the file is compressed", where=str(path), hint=f"add {ending} to its name")
    if content[:1] == b"\x80" and content[1:2] in {b"\x02", b"\x03", b"\x04", b"\x05"}:
        raise DataError("the file is a pickle, which is never read", where=str(path), hint=_TO_PARQUET)
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        wide = "UTF-32" if content[:4] == b"\xff\xfe\0\0" else "UTF-16"
        hint = f"save it as UTF-8: iconv -f {wide} -t UTF-8 old > new"
        raise DataError(f"the file is {wide}", where=str(path), hint=hint)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if b"\0" in content:
            raise _binary(content, path) from error
        line = content.count(b"\n", 0, error.start) + 1
        what = f"the byte 0x{content[error.start]:02x} is not UTF-8"
        raise DataError(what, where=f"{path}:{line}", hint=_TO_UTF8) from error
    if "\0" in text:
        raise _binary(content, path)
    return text


def _binary(content: bytes, path: Path) -> DataError:
    line = content.count(b"\n", 0, content.index(b"\0")) + 1
    return DataError(
        "the file is binary (it holds a zero byte), not text in UTF-8", where=f"{path}:{line}", hint=f"give {FORMATS}"
    )


def _frame(records: list[Any], lines: list[int], columns: list[str] | None = None) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(records, index=pd.Index(lines, name="line"), columns=columns, dtype=object)


def _jsonl(text: str, path: Path) -> pd.DataFrame:
    if text.lstrip()[:1] == "[":
        hint = f"one object a line is needed: jq -c '.[]' {path.name} > {path.with_suffix('.jsonl').name}"
        raise DataError("the file is a JSON array", where=str(path), hint=hint)
    records, lines, faults = [], [], []
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            faults.append(Fault(f"{path}:{number}", f"broken JSON: {error}", "one whole object a line"))
            continue
        if not isinstance(record, dict):
            faults.append(Fault(f"{path}:{number}", f"not an object but {type(record).__name__}", 'as {"text": "..."}'))
            continue
        records.append(record)
        lines.append(number)
    raise_first(faults, path)
    return _frame(records, lines)


def _csv(text: str, path: Path) -> pd.DataFrame:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    records, lines, faults = [], [], []
    header: list[str] = []
    for fields in _fields(reader, path):
        if not fields:
            continue
        if not header:
            header = _header(fields, path)
        elif len(fields) != len(header):
            what = f"{len(fields)} fields where the header has {len(header)}"
            faults.append(Fault(f"{path}:{reader.line_num}", what, "quote fields that hold a comma or a line break"))
        else:
            records.append([None if field == "" else field for field in fields])
            lines.append(reader.line_num)
    raise_first(faults, path)
    return _frame(records, lines, header)


def _fields(reader: Any, path: Path) -> Iterator[list[str]]:
    try:
        yield from reader
    except csv.Error as error:
        raise DataError(
            f"broken CSV: {error}", where=f"{path}:{reader.line_num}", hint="quotes in a field are doubled"
        ) from error


def _header(fields: list[str], path: Path) -> list[str]:
    names = [name.strip() for name in fields]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"the column `{twice[0]}` stands in the header twice", where=f"{path}:1", hint="rename one")
    for mark, called in ((";", ";"), ("\t", "tab")):
        if sum(name.count(mark) for name in names) < len(names):
            continue  # more commas than these: they part the columns
        raise DataError(f"the columns are parted by {called}", where=f"{path}:1", hint="save the file with commas")
    return names


def _txt(text: str, path: Path) -> pd.DataFrame:
    kept = [(number, line.rstrip("\r")) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
    return _frame([[line] for _, line in kept], [number for number, _ in kept], ["text"])


def _parquet(content: bytes, path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(io.BytesIO(content))
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(
            f"not a Parquet file that can be read: {reason}", where=str(path), hint=f"give {FORMATS}"
        ) from error
    columns = {name: pd.Series(table[name].to_pylist(), dtype=object) for name in table.column_names}
    frame = pd.DataFrame(columns, dtype=object)
    frame.index.name = "row"
    return frame


def raise_first(faults: list[Fault], path: Path | str) -> None:
    """Raise the first five of ``faults`` in one error, with the number of the others; nothing where there is none."""
    if faults:
        others = len(faults) - _SHOWN
        rest = [Fault(str(path), f"and {others} more lines like these")] if others > 0 else []
        raise DataError.of([*faults[:_SHOWN], *rest])

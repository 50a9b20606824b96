"""What a data file and a model's name suggest: the task, the columns, the kind of model."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from hpo.data.guess import Guess, GuessedTask, guess
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Guess", "GuessedTask", "first_rows", "guess", "kind_of"]

ROWS = 1000  # looked at; enough to tell a class from a number, fast on any file
ENCODERS = re.compile(r"bert|minilm|electra|mpnet|(^|[-/_])(e5|bge|gte)([-_]|$)|ernie|xlm-r", re.IGNORECASE)


def first_rows(path: Path) -> pd.DataFrame:
    """The first rows of a data file.

    Raises:
        DataError: missing, of an unknown format, unreadable, or empty.
    """
    import pandas as pd

    name = path.name.removesuffix(".gz").removesuffix(".zst").lower()
    try:
        if name.endswith((".jsonl", ".ndjson")):
            frame = pd.read_json(path, lines=True, nrows=ROWS, dtype=False)
        elif name.endswith(".csv"):
            frame = pd.read_csv(path, nrows=ROWS)
        elif name.endswith(".txt"):
            frame = pd.DataFrame({"text": _lines(path)})
        elif name.endswith(".parquet"):
            frame = _parquet(path)
        else:
            raise DataError("not a data file", where=str(path), hint=".jsonl, .csv, .parquet or .txt, also .gz or .zst")
    except FileNotFoundError:
        raise DataError("no such file", where=str(path), hint="is the path right?") from None
    except IsADirectoryError:
        raise DataError("this is a folder", where=str(path), hint="name a data file in it") from None
    except (ValueError, OSError, EOFError) as error:
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(f"cannot be read: {first}", where=str(path), hint="is the ending that of its format?") from None
    if frame.empty:
        raise DataError("the file has no rows", where=str(path))
    return frame


def kind_of(model: str) -> Literal["causal", "encoder"]:
    """Whether a model is causal or an encoder: by its files where it is a folder, else by its name.

    Raises:
        ModelError: the folder holds no model that can be tuned.
    """
    folder = Path(model).expanduser()
    if folder.is_dir():
        from hpo.training.check import check_folder

        return check_folder(folder).kind
    return "encoder" if ENCODERS.search(model) else "causal"


def _lines(path: Path) -> list[str]:
    import gzip
    import itertools

    import zstandard

    openers: dict[str, Any] = {".gz": gzip.open, ".zst": zstandard.open}
    with openers.get(path.suffix.lower(), open)(path, "rt", encoding="utf-8") as lines:
        return [str(line).rstrip("\n") for line in itertools.islice(lines, ROWS)]


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow.parquet

    batch: Any = next(pyarrow.parquet.ParquetFile(path).iter_batches(ROWS), None)
    if batch is None:
        raise DataError("the file has no rows", where=str(path))
    frame: pd.DataFrame = batch.to_pandas()
    return frame

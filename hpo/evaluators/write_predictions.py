"""Rows and what a model said of them, written as a predictions file that ``read_predictions`` reads again."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.data.rows import Rows
from hpo.data.whole import replacing
from hpo.data.write import pack, plain
from hpo.errors import DataError
from hpo.evaluators.align import align, arrays
from hpo.evaluators.prediction_columns import PROBABILITY
from hpo.objective import Outputs

if TYPE_CHECKING:
    import pandas as pd

_RENAMED = {"n_samples": "n", "n_passed": "c"}
_LEFT_OUT = {"messages"}  # of the rows: no column of a table
FORMATS = ".csv, .jsonl or .parquet, each also .gz or .zst"


def write_predictions(path: str | Path, rows: Rows, outputs: Outputs | Mapping[int, Outputs]) -> Path:
    """Write a predictions file; its ending (.csv, .jsonl, .parquet, then .gz or .zst) says how.

    Args:
        path: the file; its folder is made where it is missing, and a kill leaves the old file.
        rows: the examples.
        outputs: what was said of them, in any order; by seed where there are several training runs.

    Returns:
        The path.

    Raises:
        DataError: the ending is none of these.
        ObjectiveError: the outputs are of other rows.
    """
    import pandas as pd

    path = Path(path)
    kind = Path(path.name.removesuffix(".gz").removesuffix(".zst")).suffix
    if kind not in _WRITE:
        raise DataError(
            f"`{kind or path.name}` is not a format of predictions", where=str(path), hint=f"give {FORMATS}"
        )
    if isinstance(outputs, Outputs):
        frame = frame_of(rows, outputs)
    else:
        parts = [frame_of(rows, each).assign(seed=seed) for seed, each in outputs.items()]
        frame = pd.concat(parts, ignore_index=True)
    content = _WRITE[kind](frame)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh:
        fresh.write_bytes(pack(content, path.suffix))
    return path


def frame_of(rows: Rows, outputs: Outputs) -> pd.DataFrame:
    """The columns of a predictions file, a row an example, in the order of ``rows``.

    Raises:
        ObjectiveError: the outputs are of other rows.
    """
    aligned = align(rows, outputs)
    frame = rows.frame.drop(columns=[name for name in rows.frame.columns if name in _LEFT_OUT]).reset_index(drop=True)
    for name, values in arrays(aligned).items():
        if name == "probabilities":
            for position, label in enumerate(aligned.labels):
                frame[f"{PROBABILITY}{label}"] = values[:, position]
        elif name.startswith("choice_"):
            frame[name] = [line[~np.isnan(line)].tolist() for line in values.astype(np.float64)]
        elif values.ndim == 1:
            frame[_RENAMED.get(name, name)] = values
    return frame


def _csv(frame: pd.DataFrame) -> bytes:
    texts = {name: [_field(value) for value in frame[name].tolist()] for name in frame.columns}
    text: str = frame.assign(**texts).to_csv(index=False, lineterminator="\n")
    return text.encode()


def _field(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict) else value


def _jsonl(frame: pd.DataFrame) -> bytes:
    columns = [str(name) for name in frame.columns]
    values: list[list[Any]] = [frame[name].tolist() for name in frame.columns]
    lines = (
        json.dumps({name: plain(value) for name, value in zip(columns, line, strict=True)}, ensure_ascii=False)
        for line in zip(*values, strict=True)
    )
    return ("\n".join(lines) + "\n").encode()


def _parquet(frame: pd.DataFrame) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for name in frame.columns:
        values = frame[name].tolist()
        try:
            columns[str(name)] = pa.array(values, from_pandas=True)
        except (pa.ArrowException, TypeError, ValueError):  # a column of the user's own that mixes kinds of values
            columns[str(name)] = pa.array([None if value is None else str(value) for value in values])
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


_WRITE = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}

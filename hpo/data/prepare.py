"""From study.yaml to the rows of a study: read, brought to one form, checked, split, fingerprinted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import FOLDS, DataConfig, SplitConfig, StudyConfig
from hpo.data.fingerprint import fingerprint
from hpo.data.forgetting import read_forgetting
from hpo.data.formats import Read, canonicalise
from hpo.data.hub import hub_tables
from hpo.data.labels import check_classes
from hpo.data.made import made_rows
from hpo.data.messages import Table
from hpo.data.read import read_frame
from hpo.data.resample import classes_of
from hpo.data.rows import Rows, Splits
from hpo.data.split import TEST, TRAIN, VALIDATION, assign, assign_by_time, clusters, folds
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

_PARTS = ("train", "validation", "test")


def prepare(config: StudyConfig) -> Splits:
    """The rows of a study.

    Splits that come with files (or splits of the hub) of their own stay as they are; the others are taken out of the
    training rows with their shares of ``data.split``, near copies and groups together.

    Raises:
        DataError: a file, a column, a label or a split cannot be used.
        ObjectiveError: the rows file of ``data.source`` cannot be used.
    """
    data = config.data
    if data is None:
        raise DataError("the study names no rows", where="data", hint="data: {train: rows.jsonl}")
    strategy = data.split.strategy or ("stratified" if config.task == "classification" else "random")
    data = data.model_copy(update={"split": data.split.model_copy(update={"strategy": strategy})})
    reads = {name: canonicalise(_limited(table, data), data, config.task) for name, table in _tables(data).items()}
    parts = _divide(reads, data)
    _check_sizes(parts, reads["train"])
    labels: tuple[str, ...] = ()
    if config.task == "classification":
        labels = check_classes(parts["train"], {name: parts.get(name) for name in _PARTS[1:]})
    forgetting = None if data.forgetting is None else read_forgetting(data.forgetting)
    every = parts if forgetting is None else {**parts, "forgetting": forgetting}
    known_by = _fingerprint(every, data, config.task)
    return Splits(parts["train"], parts["validation"], parts.get("test"), labels, known_by, forgetting)


def _tables(data: DataConfig) -> dict[str, Table]:
    if data.dataset is not None:
        return hub_tables(data)
    if data.source is not None:
        return {"train": made_rows(data.source)}
    files = {name: getattr(data, name) for name in _PARTS}
    if files["train"] is None:
        raise DataError("`data` names no rows", where="data", hint="train: FILE, dataset: NAME or source: rows.py")
    return {name: Table(read_frame(path), str(path)) for name, path in files.items() if path is not None}


def _limited(table: Table, data: DataConfig) -> Table:
    """At most ``limit`` rows, drawn by the split's seed, in their old order; ids stay those of the whole file."""
    if data.limit is None or len(table.frame) <= data.limit:
        return table
    drawn = np.random.default_rng(data.split.seed).choice(len(table.frame), data.limit, replace=False)
    frame = table.frame
    if data.columns.get("id", "id") not in frame:
        frame = frame.assign(id=[str(row) for row in range(len(frame))])
    return replace(table, frame=frame.iloc[np.sort(drawn)])


def _divide(reads: Mapping[str, Read], data: DataConfig) -> dict[str, Rows]:
    parts = {name: read.rows for name, read in reads.items()}
    shares = [0.0 if name in parts else getattr(data.split, name) for name in _PARTS[1:]]
    if data.split.strategy == "kfold" and "validation" in parts:
        what = "a kfold split takes its validation rows from the training rows, and there are validation rows"
        raise DataError(what, where="data.split.strategy", hint="strategy: stratified")
    if not any(shares):
        return parts
    split = _assigned(reads["train"], data, (shares[0], shares[1]))
    whole = parts["train"]
    for code, name, share in ((TRAIN, "train", 1.0), (VALIDATION, "validation", shares[0]), (TEST, "test", shares[1])):
        if share:
            parts[name] = whole.take(np.flatnonzero(split == code))
    return parts


def _assigned(read: Read, data: DataConfig, shares: tuple[float, float]) -> NDArray[np.int64]:
    cluster = clusters(read.content, read.rows.groups)
    if data.split.strategy == "time" and read.times is not None:
        return assign_by_time(cluster, _times(read.times, read.where), shares)
    classes = np.zeros(len(read.rows), dtype=np.int64)
    if data.split.strategy in ("stratified", "group", "kfold"):
        classes = classes_of(read.rows)
    if data.split.strategy == "kfold":
        return _one_fold(cluster, classes, data.split, shares[1])
    return assign(cluster, classes, shares, data.split.seed)


def _one_fold(
    cluster: NDArray[np.int64], classes: NDArray[np.int64], split: SplitConfig, test: float
) -> NDArray[np.int64]:
    """The test rows with their share, and of the others one fold as validation, whatever fold it is."""
    parts = assign(cluster, classes, (0.0, test), split.seed)
    rest = np.flatnonzero(parts != TEST)
    fold = folds(np.unique(cluster[rest], return_inverse=True)[1], classes[rest], split.k or FOLDS, split.seed)
    parts[rest[fold == (split.fold or 0)]] = VALIDATION
    return parts


def _times(values: pd.Series[Any], where: str) -> NDArray[np.float64]:
    """Numbers as they are, else dates."""
    import pandas as pd

    table = Table(values.to_frame(), where)
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=np.float64)
    if np.isfinite(numbers).all():
        return numbers
    dates = pd.to_datetime(values, errors="coerce", utc=True, format="mixed")
    hint = "numbers, or dates as 2024-05-31T12:00:00"
    table.refuse(dates.isna().to_numpy(dtype=bool), f"have no time in `{values.name}`", hint)
    return np.asarray(dates.astype("int64"), dtype=np.float64)


def _check_sizes(parts: Mapping[str, Rows], read: Read) -> None:
    for name, rows in parts.items():
        if not len(rows):
            hint = (
                "more rows or a larger share; copies and groups are never divided, so a few large ones can leave none"
            )
            raise DataError(f"the {name} split has no rows ({len(read.rows)} in all)", where=read.where, hint=hint)


def _fingerprint(parts: Mapping[str, Rows], data: DataConfig, task: str) -> str:
    """Of all rows, and of every setting that made them; where the files lie does not count."""
    settings = data.model_dump(include={"columns", "template", "limit", "split"})
    if data.split.strategy != "kfold":  # so that folds made no other study a different one
        del settings["split"]["k"], settings["split"]["fold"]
    return fingerprint([task, settings], parts)

"""The rows of a data set to be validated on: which part is scored, what may be trained on, subgroups by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.identity import identity
from hpo.config.models import DataConfig, ObjectiveConfig, StudyConfig, TaskKind
from hpo.config.space import Constant
from hpo.data.fingerprint import fingerprint
from hpo.errors import DataError, HpoError
from hpo.validation.models import DatasetEntry, ValidationConfig

if TYPE_CHECKING:
    from hpo.data.messages import Table
    from hpo.data.rows import Rows, Splits


@dataclass(frozen=True)
class DataSet:
    """One data set, read.

    Attributes:
        entry: what the file says of it.
        task: of its rows.
        rows: those that are scored.
        train: those that a baseline may be fitted on; None where there are none.
        labels: the class names; empty unless the task is classification.
        columns: columns of subgroups, each of shape (n,), as text; None where a row has nothing there.
        fingerprint: of the scored rows and the task.
        study: fingerprint of all rows and their division, as a study knows it; empty where rows are not divided.
        warnings: what a reader has to know.
        metrics: of a task of lm-evaluation-harness: evaluator and metric by name; None: not run yet, or another source.
    """

    entry: DatasetEntry
    task: TaskKind
    rows: Rows
    train: Rows | None
    labels: tuple[str, ...]
    columns: Mapping[str, NDArray[np.object_]] = field(default_factory=dict)
    fingerprint: str = ""
    study: str = ""
    warnings: tuple[str, ...] = ()
    metrics: Mapping[str, Any] | None = None

    @property
    def name(self) -> str:
        """How tables and sentences call it."""
        return self.entry.name

    @property
    def texts(self) -> NDArray[np.object_]:
        """What people are shown of the rows, shape (n,)."""
        frame = self.rows.frame
        if "text" in frame:
            return frame["text"].to_numpy(dtype=object)
        if "messages" in frame:
            return np.array([_last(messages) for messages in frame["messages"]], dtype=object)
        return np.full(len(frame), "", dtype=object)

    @property
    def references(self) -> NDArray[np.object_]:
        """The right answers, shape (n,); None where rows have none."""
        frame = self.rows.frame
        name = next((name for name in ("label", "reference") if name in frame), None)
        return frame[name].to_numpy(dtype=object) if name else np.full(len(frame), None, dtype=object)


def open_data(entry: DatasetEntry, config: ValidationConfig) -> DataSet:
    """Read one data set.

    Raises:
        DataError, ConfigurationError, ObjectiveError: its rows cannot be used.
    """
    task = entry.task or config.task
    if entry.lm_eval is not None:
        return DataSet(entry, "language_modeling", empty_rows(np.empty(0, dtype=object)), None, ())
    warnings: list[str] = []
    splits: Splits | None
    if entry.run is not None:
        task, data, splits = _of_run(entry, warnings)
    else:
        assert entry.data is not None
        data = entry.data
        splits = None if _whole(entry) else _prepared(entry.name, task, data)
    rows, train = _parts(entry, task, data, splits)
    labels = _labels(entry, task, rows, splits)  # of all rows: the drawn ones may lack a class
    rows = _limited(rows, entry.limit, config.statistics.seed)
    columns = {name: column(name, rows, data, entry) for name in entry.subgroups}
    study = "" if splits is None else splits.fingerprint
    return DataSet(
        entry, task, rows, train, labels, columns, fingerprint([task, labels], {"rows": rows}), study, tuple(warnings)
    )


def empty_rows(ids: NDArray[np.object_]) -> Rows:
    """Rows of which nothing but the ids is known, shape (n,)."""
    import pandas as pd

    from hpo.data.rows import Rows

    return Rows(pd.DataFrame({"id": ids}), "custom")


def _whole(entry: DatasetEntry) -> bool:
    """Whether every row of one file is scored, so that nothing is divided."""
    data = entry.data
    assert data is not None
    alone = data.test is not None and data.train is None
    return alone or entry.split == "all"


def _of_run(entry: DatasetEntry, warnings: list[str]) -> tuple[TaskKind, DataConfig, Splits]:
    """Task, data block and rows of the study in a run folder; where its rows are gone, those it has kept."""
    from hpo.records.opening import open_run

    folder, study, state = open_run(Path(str(entry.run)))
    if study.data is None:
        raise DataError("the study has no rows", where=str(entry.run), hint="name a run folder of a study with `data`")
    if entry.split == "all":
        raise DataError("a study's rows are divided", where=f"data set {entry.name}", hint="split: test")
    try:
        splits = _prepared(study.study, study.task, study.data)
    except HpoError as error:
        splits = _kept(folder.data, study.task)
        warnings.append(
            f"{entry.name}: the study's rows cannot be read again ({error.faults[0].what}); those kept in the run "
            "folder are used, in which texts are cut at 2,000 characters"
        )
    else:
        if state.identity and state.identity.get("data") != identity(study, splits.fingerprint)["data"]:
            warnings.append(f"{entry.name}: the rows have changed since the study")
    return study.task, study.data, splits


def _kept(folder: Path, task: TaskKind) -> Splits:
    from hpo.data import load_rows
    from hpo.data.rows import Splits

    parts = {name: folder / f"{name}.parquet" for name in ("train", "validation", "test")}
    train, validation = load_rows(parts["train"]), load_rows(parts["validation"])
    test = load_rows(parts["test"]) if parts["test"].is_file() else None
    labels = tuple(sorted(set(train.frame["label"]))) if task == "classification" else ()
    return Splits(train, validation, test, labels, "")


def _prepared(name: str, task: TaskKind, data: DataConfig) -> Splits:
    """The rows as a study of this data block would divide them."""
    from hpo.data import prepare

    space = {"nothing": Constant(type="constant", value=0)}
    objectives = (ObjectiveConfig(metric="loss", direction="minimize"),)
    return prepare(StudyConfig(study=name, task=task, data=data, search_space=space, objectives=objectives))


def _parts(entry: DatasetEntry, task: TaskKind, data: DataConfig, splits: Splits | None) -> tuple[Rows, Rows | None]:
    from hpo.data.formats import canonicalise

    if splits is None:
        return canonicalise(_table(data, entry), data, task).rows, None
    rows = getattr(splits, entry.split)
    if rows is None:
        raise DataError(
            "there are no test rows", where=f"data set {entry.name}", hint="split: validation, or a share for `test`"
        )
    return rows, (splits.train if entry.split != "train" else None)


def _table(data: DataConfig, entry: DatasetEntry) -> Table:
    """The file (or source) that the scored rows stand in."""
    from hpo.data.hub import hub_tables
    from hpo.data.made import made_rows
    from hpo.data.messages import Table
    from hpo.data.read import read_frame

    if data.dataset is not None:
        tables = hub_tables(data)
        return tables.get(entry.split, tables["train"])
    if data.source is not None:
        return made_rows(data.source)
    own = getattr(data, entry.split) if entry.split != "all" else None
    file = own or data.train or data.test
    return Table(read_frame(str(file)), str(file))


def column(name: str, rows: Rows, data: DataConfig, entry: DatasetEntry) -> NDArray[np.object_]:
    """A column of the file for the scored rows, as text, shape (n,); found by the rows' ids.

    Raises:
        DataError: the file has no such column.
    """
    from hpo.data.messages import as_text, missing

    table = _table(data, entry)
    values = table.column(data.columns.get(name, name) if name not in table.frame else name)
    named = data.columns.get("id", "id")
    ids = [as_text(each) for each in table.frame[named]] if named in table.frame else map(str, range(len(values)))
    texts = [None if gone else as_text(value) for value, gone in zip(values, missing(values), strict=True)]
    found = dict(zip(ids, texts, strict=True))
    return np.array([found.get(each) for each in rows.ids.tolist()], dtype=object)


def _limited(rows: Rows, limit: int | None, seed: int) -> Rows:
    if limit is None or len(rows) <= limit:
        return rows
    return rows.take(np.sort(np.random.default_rng(seed).choice(len(rows), limit, replace=False)))


def _labels(entry: DatasetEntry, task: TaskKind, rows: Rows, splits: Splits | None) -> tuple[str, ...]:
    if task != "classification":
        return ()
    there = set(rows.frame["label"].tolist())
    if not entry.labels:
        return splits.labels if splits is not None else tuple(sorted(there))
    unknown = sorted(there - set(entry.labels))
    if unknown:
        what = f"rows have classes that `labels` does not name: {', '.join(unknown[:5])}"
        raise DataError(what, where=f"data set {entry.name}", hint=f"labels: {list_of(entry.labels)}")
    return tuple(sorted(entry.labels))


def list_of(names: Sequence[str], most: int = 12) -> str:
    """Names for people, cut after the first few."""
    return ", ".join(names[:most]) + (", ..." if len(names) > most else "")


def _last(messages: Any) -> str:
    return str(messages[-1].get("content", "")) if len(messages) else ""

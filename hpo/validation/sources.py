"""Who answers for an entry of a validation file on a data set: a run, a model, an adapter, a baseline, a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import hpo.validation.classical as classical
import hpo.validation.from_adapter as from_adapter
import hpo.validation.from_model as from_model
import hpo.validation.from_run as from_run
from hpo.validation.data import DataSet
from hpo.validation.labels import check_labels, strangers
from hpo.validation.members import Context, Found, Kind, blamed
from hpo.validation.models import SOURCES, ModelEntry
from hpo.validation.stored import read_runs


def source_of(entry: ModelEntry, data: DataSet) -> tuple[str, str | None]:
    """Which source an entry has, and its value for a data set; None where it names none for this one."""
    kind = next(name for name in reversed(SOURCES) if getattr(entry, name))
    value = getattr(entry, kind)
    return kind, value.get(data.name) if isinstance(value, dict) else str(value)


def find(entry: ModelEntry, data: DataSet, context: Context) -> Found | None:
    """Whoever answers for an entry on a data set; None where the entry is not meant for it.

    Raises:
        HpoError: the source cannot be used, or answers with other classes than the data set has.
    """
    kind, value = source_of(entry, data)
    if value is None or (entry.datasets and data.name not in entry.datasets):
        return None
    with blamed(entry, data):
        found = _FINDERS[kind](entry, value, data, context)
        for member in found.members:
            check_labels(entry, data, member.labels)
    return found


def _predictions(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    kind: Kind = "people" if entry.kind == "people" else "predictions"
    runs = read_runs(Path(value), entry, data)
    return Found(kind, value, runs=runs, warnings=strangers(entry, data, runs))


def _classical(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    return classical.members(entry, data, context)


_FINDERS: Mapping[str, Callable[[ModelEntry, str, DataSet, Context], Found]] = {
    "predictions": _predictions,
    "run": from_run.members,
    "classical": _classical,
    "model": from_model.members,
    "adapter": from_adapter.members,
}

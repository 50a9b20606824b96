"""trials.csv and curves.csv: derived from the state, rewritten whole, at most every few seconds."""

from __future__ import annotations

import csv
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hpo.records.folder import RunFolder
from hpo.records.record import Record, StudyState

MIN_SECONDS = 5.0
SHARE = 0.05  # of the driver's time that tables may take: large ones are written less often
_FIRST = ("number", "state", "reason", "feasible", "violation", "source")
_LAST = ("examples", "started", "finished", "worker", "attempts", "message")


def trial_rows(state: StudyState) -> list[dict[str, Any]]:
    """One row a trial: settings under their names, ratios too, metrics and measurements; missing cells are None."""
    rows = [_row(state.records[number]) for number in sorted(state.records)]
    middle = dict.fromkeys(name for row in rows for name in row if name not in _FIRST + _LAST)
    return [{name: row.get(name) for name in (*_FIRST, *middle, *_LAST)} for row in rows]


def curve_rows(state: StudyState) -> list[dict[str, Any]]:
    """One row a metric of an evaluation: number, examples, fraction, metric, value."""
    return [
        {"number": n, "examples": p.examples, "fraction": p.fraction, "metric": metric, "value": value}
        for n in sorted(state.records)
        for p in state.records[n].curve
        for metric, value in p.metrics.items()
    ]


class Tables:
    """Writes the tables of a run folder, not more often than is useful."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._due = 0.0

    def write(self, state: StudyState, *, now: bool = False) -> None:
        """Rewrite both tables where they are older than five seconds (large ones: some minutes), or ``now``."""
        began = time.monotonic()
        if not now and began < self._due:
            return
        _write(self._folder.trials, trial_rows(state), ["number", "state"])
        _write(self._folder.curves, curve_rows(state), ["number", "examples", "fraction", "metric", "value"])
        for path in (self._folder.trials, self._folder.curves):
            self._folder.publish(self._folder.relative(path))
        ended = time.monotonic()
        self._due = ended + max(MIN_SECONDS, (ended - began) / SHARE)


def _row(record: Record) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(record, name) for name in (*_FIRST, *_LAST)}
    ratios = {name: value for name, value in record.params.items() if name not in record.settings}
    for part in (record.settings, ratios, record.metrics, record.measurements):
        row |= {name: value for name, value in part.items() if name not in row}
    return row


def _write(path: Path, rows: Iterable[Mapping[str, Any]], columns: list[str]) -> None:
    rows = list(rows)
    fresh = path.with_suffix(".new")
    with fresh.open("w", newline="", encoding="utf8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else columns)
        writer.writeheader()
        writer.writerows(rows)
    fresh.rename(path)

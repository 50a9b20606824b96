"""Answers on disk: predictions files that are read for a data set, and those that a validation keeps."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hpo.data.whole import write_text
from hpo.errors import DataError, HpoError
from hpo.evaluators.align import align, take
from hpo.evaluators.predictions import Predictions, read_predictions
from hpo.evaluators.write_predictions import write_predictions
from hpo.objective import Outputs
from hpo.validation.data import DataSet, list_of
from hpo.validation.models import ModelEntry

FORMAT = 1  # of what is kept; raised when its meaning changes


def read_runs(path: Path, entry: ModelEntry, data: DataSet) -> dict[int, Outputs]:
    """What a predictions file says of the scored rows, by seed, in their order.

    The file may hold further rows.

    Raises:
        DataError: rows are missing from it, or it disagrees with the data set on what is right.
    """
    labels = data.labels if not entry.labels else ()
    found = read_predictions(path, data.task, labels)
    where = {name: position for position, name in enumerate(found.rows.ids.tolist())}
    missing = [name for name in data.rows.ids.tolist() if name not in where]
    if missing:
        what = f"the file says nothing of {len(missing)} of the {len(data.rows)} rows ({list_of(missing, 3)})"
        raise DataError(what, where=str(path), hint="one line for every id of the data set, empty where no answer")
    positions = np.array([where[name] for name in data.rows.ids.tolist()], dtype=np.int64)
    _check_truth(path, entry, data, found, positions)
    return {seed: take(outputs, positions) for seed, outputs in found.runs.items()}


def _check_truth(path: Path, entry: ModelEntry, data: DataSet, found: Predictions, positions: Any) -> None:
    """Ids that name other rows would pair answers with the wrong questions."""
    frame = found.rows.frame
    name = next((name for name in ("label", "reference") if name in frame), None)
    if name is None:
        return
    theirs = [entry.labels.get(each, each) for each in frame[name].to_numpy(dtype=object)[positions].tolist()]
    other = [ours != each for ours, each in zip(data.references.tolist(), theirs, strict=True)]
    if any(other):
        first = int(np.argmax(other))
        raise DataError(
            f"{sum(other)} rows have another `{name}` than the data set's, the first of them {data.rows.ids[first]!r}: "
            f"{theirs[first]!r}, not {data.references[first]!r}",
            where=str(path),
            hint="are these predictions of another version of the data?",
        )


class Store:
    """Keeps answers under the results' folder, so that a validation that was stopped goes on where it was."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def path(self, model: str, data: str, seed: int) -> Path:
        """The predictions file of a member."""
        return self._folder / model / f"{data}{f'-seed{seed}' if seed else ''}.parquet"

    def read(self, model: str, data: DataSet, seed: int, key: str) -> tuple[Outputs, dict[str, Any]] | None:
        """Answers that were kept under the same key, and what they cost; None where there are none."""
        path = self.path(model, data.name, seed)
        note = _note(path)
        if note.get("key") != key or not path.is_file():
            return None
        try:
            outputs = read_predictions(path, data.task, data.labels).outputs
            return align(data.rows, outputs, data.labels), note["cost"]
        except (HpoError, KeyError):  # damaged: answered again
            return None

    def write(self, model: str, data: DataSet, seed: int, key: str, answers: tuple[Outputs, Mapping[str, Any]]) -> None:
        """Keep answers and their cost; the note comes last, so that a kill leaves nothing half."""
        path = self.path(model, data.name, seed)
        side = path.with_suffix(".json")
        side.unlink(missing_ok=True)
        write_predictions(path, data.rows, answers[0])
        write_text(side, json.dumps({"key": key, "cost": dict(answers[1])}) + "\n")


def _note(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.with_suffix(".json").read_text(encoding="utf8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def key_of(identity: Mapping[str, Any], entry: ModelEntry, data: DataSet, wanted: frozenset[str]) -> str:
    """A hash of everything that decides the answers of a member to a data set."""
    parts = [FORMAT, identity, entry.labels, data.fingerprint, data.labels, sorted(wanted)]
    return hashlib.blake2b(json.dumps(parts, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()

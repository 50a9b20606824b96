"""Outputs brought into the order of the rows and of the label list, or refused."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.errors import ObjectiveError
from hpo.objective import Outputs


def align(rows: Rows, outputs: Outputs, labels: tuple[str, ...] = ()) -> Outputs:
    """The outputs in the order of ``rows``, with probabilities in the order of ``labels``.

    Raises:
        ObjectiveError: an id is missing, twice or unknown, an array has another length, or the labels differ.
    """
    positions = _positions(rows.ids, np.asarray(outputs.ids, dtype=object))
    for name, values in arrays(outputs).items():
        if len(values) != len(rows):
            raise ObjectiveError(f"outputs carry {len(values)} values of {name} for {len(rows)} rows")
    return relabel(replace(take(outputs, positions), ids=rows.ids), labels)


def arrays(outputs: Outputs) -> dict[str, NDArray[Any]]:
    """What the outputs carry besides ids and labels, by the name of its field; first axis: the rows."""
    values = {each.name: getattr(outputs, each.name) for each in fields(Outputs) if each.name not in ("ids", "labels")}
    return {name: np.asarray(array) for name, array in values.items() if array is not None}


def take(outputs: Outputs, positions: NDArray[np.int64]) -> Outputs:
    """The outputs at ``positions``, in that order."""
    changes: dict[str, Any] = {name: values[positions] for name, values in arrays(outputs).items()}
    return replace(outputs, ids=np.asarray(outputs.ids, dtype=object)[positions], **changes)


def _positions(wanted: NDArray[np.object_], have: NDArray[np.object_]) -> NDArray[np.int64]:
    where = {name: position for position, name in enumerate(have.tolist())}
    missing = [name for name in wanted.tolist() if name not in where]
    extra = sorted(set(map(str, where)) - set(map(str, wanted.tolist())))
    if missing or extra or len(where) != len(have):
        parts = [f"{len(missing)} ids missing ({', '.join(map(str, missing[:3]))})"] if missing else []
        parts += [f"{len(extra)} ids unknown ({', '.join(extra[:3])})"] if extra else []
        parts += [f"{len(have) - len(where)} ids twice"] if len(where) != len(have) else []
        raise ObjectiveError(
            f"the outputs are not of these rows: {'; '.join(parts)}", hint="give one output a row, ids=rows.ids"
        )
    return np.array([where[name] for name in wanted.tolist()], dtype=np.int64)


def relabel(outputs: Outputs, labels: tuple[str, ...]) -> Outputs:
    """The outputs with probabilities in the order of ``labels``; as they are where that is empty.

    Raises:
        ObjectiveError: they are of other labels.
    """
    if not labels or outputs.labels == labels:
        return outputs
    if outputs.labels and sorted(outputs.labels) != sorted(labels):
        differ = ", ".join(sorted(set(outputs.labels) ^ set(labels))[:5])
        raise ObjectiveError(f"the outputs are of other labels than the study's: {differ}", hint="labels=task.labels")
    probabilities = outputs.probabilities
    if probabilities is not None and outputs.labels:
        probabilities = probabilities[:, [outputs.labels.index(label) for label in labels]]
    return replace(outputs, labels=labels, probabilities=probabilities)

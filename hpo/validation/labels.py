"""Classes of a model and of a data set: the same, mapped, or refused with both named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hpo.errors import ModelError
from hpo.evaluators.align import align
from hpo.objective import Outputs
from hpo.validation.data import DataSet, list_of
from hpo.validation.models import ModelEntry


def check_labels(entry: ModelEntry, data: DataSet, labels: tuple[str, ...]) -> None:
    """Refuse classes that are not the data set's, after the entry's own mapping.

    Raises:
        ModelError: names the classes of both.
    """
    unknown = sorted(set(entry.labels) - set(labels)) if labels else []
    if unknown:
        what = f"`labels` maps {list_of(unknown)}, but the model answers with {list_of(labels)}"
        raise ModelError(what, hint="write the model's own labels on the left")
    mapped = tuple(entry.labels.get(label, label) for label in labels)
    if not labels or not data.labels or sorted(mapped) == sorted(data.labels):
        return
    theirs, missing = list_of(sorted(mapped)), sorted(set(data.labels) - set(mapped))
    hint = f"labels: {{{next(iter(sorted(set(mapped) - set(data.labels))), mapped[0])}: {(missing or data.labels)[0]}"
    raise ModelError(
        f"the model answers with the classes {theirs}; the data set has {list_of(sorted(data.labels))}",
        hint=f"{hint}, ...}} in the model's entry says which is which; `datasets: [...]` keeps it to its own",
    )


def _mapped(entry: ModelEntry, outputs: Outputs) -> Outputs:
    """Answers in the data set's words."""
    if not entry.labels:
        return outputs
    labels = tuple(entry.labels.get(label, label) for label in outputs.labels)
    prediction = outputs.prediction
    if prediction is not None:
        prediction = np.array([entry.labels.get(each, each) for each in prediction.tolist()], dtype=object)
    return replace(outputs, labels=labels, prediction=prediction)


def relabelled(entry: ModelEntry, data: DataSet, outputs: Outputs) -> Outputs:
    """Answers in the data set's words, rows and order of classes.

    Raises:
        ObjectiveError: they are of other rows or classes.
    """
    check_labels(entry, data, outputs.labels)
    found = _mapped(entry, outputs)
    return align(data.rows, replace(found, labels=found.labels or data.labels), data.labels)

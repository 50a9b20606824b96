"""Classes of a model and of a data set: the same, mapped, or refused with both named."""

from __future__ import annotations

from collections.abc import Mapping
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
    found = _mapped(entry, outputs)
    if outputs.probabilities is None:  # then the classes are those that happened to be answered
        found = replace(found, labels=data.labels)
    else:
        check_labels(entry, data, outputs.labels)
    return align(data.rows, replace(found, labels=found.labels or data.labels), data.labels)


def strangers(entry: ModelEntry, data: DataSet, runs: Mapping[int, Outputs]) -> tuple[str, ...]:
    """A warning where answers are no class of the data set; they count as wrong, which is seldom what is meant."""
    said = [each.prediction.tolist() for each in runs.values() if each.prediction is not None]
    known = {*data.labels, *entry.labels}
    unknown = [str(one) for each in said for one in each if one is not None and one not in known]
    if data.task != "classification" or not unknown:
        return ()
    most = max(sorted(set(unknown)), key=unknown.count)
    return (
        f"{entry.name} on {data.name}: {len(unknown)} answers are no class of the data set, most often {most[:60]!r}; "
        "they count as wrong (`labels: {theirs: ours}` in the model's entry maps names)",
    )

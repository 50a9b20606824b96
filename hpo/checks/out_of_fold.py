"""Out-of-fold predictions: the model that answers a row has seen neither it, nor a copy of it, nor its group."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo import seeds
from hpo.data.rows import Rows
from hpo.data.split import clusters, folds
from hpo.errors import DataError, ObjectiveError
from hpo.evaluators.align import align
from hpo.evaluators.content import asked
from hpo.objective import Failed, Outputs, Progressed, Session, Task, Trial
from hpo.sessions import open_session

FOLDS = 5
Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Change = Callable[[Rows], Rows]


@dataclass(frozen=True)
class Learner:
    """What is trained on the folds: an objective with one configuration.

    Attributes:
        name: for people.
        objective: a ready objective's name, or ``mine.py``, as a study has it.
        params: absolute values of its parameters; those it has not are at their defaults.
        task: further fields of the task: ``model``, ``settings``, ``preparation``, ``resources``.
        searched: those of the parameters that a search has chosen.
    """

    name: str
    objective: str
    params: Mapping[str, Any] = field(default_factory=dict)
    task: Mapping[str, Any] = field(default_factory=dict)
    searched: Mapping[str, Any] = field(default_factory=dict)


BASELINE = Learner("TF-IDF with logistic regression", "sklearn_classifier")


def label_list(rows: Rows) -> tuple[str, ...]:
    """The classes of rows, sorted.

    Raises:
        DataError: rows have no classes, or only one.
    """
    if "label" not in rows.frame or rows.frame["label"].dtype != object:
        raise DataError("the rows have no classes to learn", hint="name the column with --label")
    if not len(rows):
        raise DataError("no row has both a text and a label", hint="the check `format` names what each lacks")
    labels = tuple(sorted({str(label) for label in rows.frame["label"]}))
    if len(labels) < 2:
        raise DataError(f"all rows are of the class {labels[0]!r}", hint="is it the right column? --label")
    if 2 * len(labels) > len(rows) > 2 * FOLDS:  # most classes would have no row to be learnt from
        what = f"there are {len(labels):,} classes in {len(rows):,} rows, too many to be learnt"
        raise DataError(what, hint="is it the right column? --label")
    return labels


def codes(rows: Rows, labels: tuple[str, ...]) -> Ints:
    """Number of each row's class in the list, shape (n,)."""
    index = {label: code for code, label in enumerate(labels)}
    return np.array([index[str(label)] for label in rows.frame["label"]], dtype=np.int64)


def ties(rows: Rows, *, grouped: bool) -> Ints:
    """What is held out together, by number, shape (n,): near copies, and (``grouped``) rows of one group.

    Raises:
        DataError: all rows are copies of each other or of one group, so that nothing can be held out.
    """
    cluster: Ints = clusters(asked(rows), rows.groups if grouped else None)
    if len(np.unique(cluster)) < 2:
        raise DataError("all rows are tied to each other by copies or groups; nothing can be held out")
    return cluster


def make_folds(rows: Rows, k: int = FOLDS, seed: int = 0, *, grouped: bool = True) -> Ints:
    """Fold of each row, shape (n,): near copies and (``grouped``) groups together, class shares kept.

    Raises:
        DataError: as ``ties``.
    """
    labels = label_list(rows)
    cluster = ties(rows, grouped=grouped)
    count = len(np.unique(cluster))
    drawn = folds(cluster, codes(rows, labels), min(k, count), seeds.derive(seed, "checks", "folds"))
    return np.unique(drawn, return_inverse=True)[1].astype(np.int64)  # empty folds are none


def predict(
    rows: Rows, fold: Ints, seed: int = 0, learner: Learner | None = None, training: Change | None = None
) -> Floats:
    """Probabilities of every row by the model of the other folds, shape (n, k), columns as in ``label_list``.

    Args:
        rows: n rows with classes.
        fold: of each row, shape (n,).
        seed: of the training runs.
        learner: what is trained; None: the classical baseline.
        training: changes the rows that a model learns from (and only those); None: as they are.

    Raises:
        DataError: the rows have no classes, or a model cannot be trained on them.
        ObjectiveError: the objective gives no probabilities.
    """
    labels = label_list(rows)
    chosen = learner or BASELINE
    found = np.zeros((len(rows), len(labels)))
    for one in np.unique(fold):
        held = np.flatnonzero(fold == one)
        learnt = rows.take(np.flatnonzero(fold != one))
        task = Task(
            kind="classification",
            train=learnt if training is None else training(learnt),
            validation=rows.take(held),
            labels=labels,
            outputs=frozenset({"prediction", "probabilities"}),
            seed=seed,
            **chosen.task,
        )
        found[held] = fit(task, chosen, seed)
    return found


def fit(task: Task, learner: Learner, seed: int) -> Floats:
    """Train on the task's training rows to the end; probabilities of its validation rows, shape (m, k).

    Raises:
        DataError: the model cannot be trained on these rows.
        ObjectiveError: it gives no probabilities.
    """
    rows = task.validation
    session = open_session(learner.objective, task)
    try:
        with tempfile.TemporaryDirectory() as folder:
            run_seed = seeds.derive(seed, "checks", "train")
            session.admit(Trial(0, learner.params, run_seed, Path(folder), searched=learner.searched))
            outputs = _last(session, learner)
    finally:
        session.close()
    if outputs is None or outputs.probabilities is None or rows is None:
        raise ObjectiveError(f"{learner.name} gives no probabilities", hint="give Outputs(probabilities=...)")
    aligned = align(rows, outputs, task.labels).probabilities
    return np.asarray(aligned, dtype=np.float64)


def outputs_of(rows: Rows, probabilities: Floats) -> Outputs:
    """Probabilities as a model's outputs, so that they are scored like any other's."""
    labels = label_list(rows)
    names = np.array(labels, dtype=object)
    return Outputs(rows.ids, names[probabilities.argmax(axis=1)], probabilities, labels)


def _last(session: Session, learner: Learner) -> Outputs | None:
    """Outputs of the last evaluation: at full length, so that no row has a say in when its own model stopped."""
    last: Outputs | None = None
    for event in session.events():
        if isinstance(event, Failed):
            raise DataError(f"{learner.name} cannot be trained on these rows: {event.message}")
        if isinstance(event, Progressed):
            last = event.progress.outputs
    return last

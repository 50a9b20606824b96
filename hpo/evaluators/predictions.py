"""Predictions files: what some model (or people) said of rows, read into Rows and Outputs, and written from them.

One line an example: ``id``, ``label`` or ``reference``, and what was said. All columns that are known:

- ``id``: text; unique, or unique for each ``seed``.
- ``label``: the true class, or the number to predict. ``reference``: the answer to generate. One of them, but where
  nothing but likelihoods, candidates, ratings or scores are given.
- ``prediction``: class, number or text; empty where there was no answer (which is a wrong one).
- ``probability_<class>``: one column a class, in [0, 1], their sum 1 within 1e-3; without ``prediction`` the likeliest
  class is the prediction.
- ``score``: with labels of two classes, a number that is larger for the second (in alphabetical order); without, how
  good the row's answer is.
- ``nll_sum``, ``n_tokens`` and ``n_bytes``: negative log-likelihood (nats), tokens and UTF-8 bytes of the scored text.
- ``choice_scores`` with ``choice_bytes`` or ``choices``: lists, one entry a choice; ``label`` is the right one's
  number from 0 (see ``multiple_choice``); of rows whose labels are such numbers the best choice is the prediction.
- ``passed``: true or false, of one candidate program or answer; or counts ``n`` and ``c``, candidates and those of
  them that passed (see ``pass_at_k``).
- ``seconds``: wall time of the row's prediction.
- ``group``: clusters (or, with ``passed``, the problem). ``seed``: whole number of the training run. ``text``: what the
  example was. Any other column stays with the rows, for subgroups.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import TaskKind
from hpo.data.messages import Table, as_number, as_text, missing, unknown_column
from hpo.data.read import read_frame
from hpo.data.rows import Format, Rows
from hpo.errors import DataError
from hpo.evaluators import prediction_columns as columns
from hpo.evaluators.align import relabel, take
from hpo.evaluators.multiple_choice import chosen
from hpo.objective import Outputs

if TYPE_CHECKING:
    import pandas as pd

SAID = ("prediction", "nll_sum", "choice_scores", "passed", "n", "score", "seconds")  # one of them, or probabilities
OURS = frozenset(
    {"id", "seed", "prediction", "nll_sum", "n_tokens", "n_bytes", "score", "choice_scores", "choice_bytes", "passed"}
    | {"n", "c", "seconds"}
)  # the other columns are of the rows


@dataclass(frozen=True)
class Predictions:
    """What a file says.

    Attributes:
        rows: one row an example, in the order of the file: id, and those of label, reference, group, text and columns
            of the user's own that are there.
        runs: outputs by seed, each in the order of ``rows``; a file without seeds is of seed 0.
        task: what the examples are: told by the caller or by the columns.
        frame: the file as it was read, a line a row.
    """

    rows: Rows
    runs: Mapping[int, Outputs]
    task: TaskKind
    frame: pd.DataFrame

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds, ascending."""
        return tuple(self.runs)

    @property
    def outputs(self) -> Outputs:
        """The outputs of the first seed: of the only one in most files."""
        return next(iter(self.runs.values()))


def read_predictions(path: str | Path, task: TaskKind | None = None, labels: tuple[str, ...] = ()) -> Predictions:
    """Read a predictions file: CSV, JSONL or Parquet, also .gz and .zst.

    Args:
        path: the file.
        task: classification, regression, instruction, ... of a data set whose truth the caller knows, so that the file
            may lack it; None: told from the columns (labels that are all numbers, one of them with a fraction, are
            regression), and the truth must be among them.
        labels: the label list where it is known; else the classes of the probabilities, else those of the labels.

    Raises:
        DataError: columns are missing; rows have no id, a repeated id, a label that is not in the list, or something
            that is no number where one is needed; probabilities are outside [0, 1] or do not sum to 1; seeds are of
            different rows or disagree on the truth. Rows are named by line.
    """
    table = Table(read_frame(path), str(path))
    ids, seeds = _ids(table), _seeds(table)
    _refuse_repeated(table, ids, seeds)
    if task is None:
        task = _task(table)
        _refuse_without_truth(table, task)
    said = _outputs(table, task, ids, labels)
    rows = _rows(table, task, ids, said.labels)
    positions = _positions(table, ids, seeds)
    first = next(iter(positions.values()))
    _refuse_other_truth(table, rows, positions)
    runs = {seed: take(said, where) for seed, where in positions.items()}
    return Predictions(rows.take(first), runs, task, table.frame)


def _ids(table: Table) -> NDArray[np.object_]:
    values = table.column("id")
    table.refuse(missing(values), "have no id", "ids name rows: one each")
    return np.array([as_text(value) for value in values], dtype=object)


def _seeds(table: Table) -> NDArray[np.int64]:
    if "seed" not in table.frame:
        return np.zeros(len(table.frame), dtype=np.int64)
    return columns.numbers(table, "seed", whole=True).astype(np.int64)


def _refuse_repeated(table: Table, ids: NDArray[np.object_], seeds: NDArray[np.int64]) -> None:
    import pandas as pd

    again = pd.DataFrame({"id": ids, "seed": seeds}).duplicated().to_numpy(dtype=bool)
    if again.any():
        seeded = "seed" in table.frame
        what = (
            f"repeat an id that was there before{' with the same seed' * seeded}, the first of them {ids[again][0]!r}"
        )
        hint = "one line an example" + (" and seed" if seeded else "; a column `seed` tells training runs apart")
        table.refuse(again, what, hint)


def _task(table: Table) -> TaskKind:
    have = set(map(str, table.frame.columns))
    if have & {"reference", "choice_scores"}:
        return "instruction"
    if "label" not in have:
        return "language_modeling" if "nll_sum" in have else "instruction"
    if any(name.startswith(columns.PROBABILITY) for name in have):
        return "classification"
    values = [as_number(value) for value in table.frame["label"]]
    return "regression" if np.isfinite(values).all() and any(v != round(v) for v in values) else "classification"


def _outputs(table: Table, task: TaskKind, ids: NDArray[np.object_], labels: tuple[str, ...]) -> Outputs:
    """Everything that was said, of all lines of the file."""
    have = set(map(str, table.frame.columns))
    probability, classes = columns.probabilities(table)
    if probability is None and not have & set(SAID):
        hint = "`prediction`, `probability_<class>` or one of: " + ", ".join(SAID[1:])
        raise unknown_column("prediction", list(table.frame.columns), table.where, hint)
    said: dict[str, Any] = {name: read(table) for name, read in _READ.items() if name in have}
    if "choice_scores" in said:
        said["choice_bytes"] = _choice_bytes(table, said["choice_scores"])
    said |= _samples(table, have)
    if "prediction" in have:
        said["prediction"] = columns.answers(table, task)
    elif probability is not None:
        likeliest = np.array(classes, dtype=object)[np.nan_to_num(probability).argmax(axis=1)]
        likeliest[np.isnan(probability).any(axis=1)] = None
        said["prediction"] = likeliest
    elif task == "classification" and "choice_scores" in said:
        said["prediction"] = np.array([str(each) for each in chosen(said["choice_scores"])], dtype=object)
    if task == "classification" and not (classes or labels):
        named = "label" if "label" in have else "prediction"
        classes = tuple(sorted({as_text(value).strip() for value in table.column(named).dropna()}))
    return _in_order(table, Outputs(ids, probabilities=probability, labels=classes or labels, **said), labels)


_READ: Mapping[str, Callable[[Table], NDArray[Any]]] = {
    "nll_sum": lambda table: columns.numbers(table, "nll_sum"),
    "n_tokens": lambda table: columns.numbers(table, "n_tokens", least=0, whole=True).astype(np.int64),
    "n_bytes": lambda table: columns.numbers(table, "n_bytes", least=0, whole=True).astype(np.int64),
    "score": lambda table: columns.numbers(table, "score"),
    "seconds": lambda table: columns.numbers(table, "seconds", least=0),
    "choice_scores": lambda table: columns.ragged(table, "choice_scores"),
}


def _choice_bytes(table: Table, scores: NDArray[np.float64]) -> NDArray[np.float64] | None:
    if "choice_bytes" in table.frame:
        found = columns.ragged(table, "choice_bytes")
    elif "choices" in table.frame:
        found = columns.ragged(table, "choices", lambda text: float(len(as_text(text).encode())))
    else:
        return None
    width = max(found.shape[1], scores.shape[1])
    padded = [np.pad(each, ((0, 0), (0, width - each.shape[1])), constant_values=np.nan) for each in (found, scores)]
    other = np.asarray(np.any(np.isnan(padded[0]) ^ np.isnan(padded[1]), axis=1))
    table.refuse(other, "have not as many choices as `choice_scores`", "one entry a choice in both lists")
    table.refuse(np.asarray(np.any(found <= 0, axis=1)), "have a choice without a byte")
    return found


def _samples(table: Table, have: set[str]) -> dict[str, NDArray[np.int64]]:
    if "passed" in have:
        passed = columns.passed(table).astype(np.int64)
        return {"n_samples": np.ones_like(passed), "n_passed": passed}
    if not {"n", "c"} <= have:
        return {}
    n, c = (columns.numbers(table, name, least=least, whole=True) for name, least in (("n", 1), ("c", 0)))
    table.refuse(c > n, "have more passed candidates (`c`) than candidates (`n`)")
    return {"n_samples": n.astype(np.int64), "n_passed": c.astype(np.int64)}


def _in_order(table: Table, outputs: Outputs, labels: tuple[str, ...]) -> Outputs:
    """Outputs with the label list that is known already, where it is."""
    if labels and outputs.probabilities is not None and sorted(outputs.labels) != sorted(labels):
        differ = ", ".join(sorted(set(outputs.labels) ^ set(labels))[:5])
        raise DataError(
            f"the probabilities are of other classes than the labels: {differ}",
            where=table.where,
            hint="one column probability_<class> for each of: " + ", ".join(labels[:20]),
        )
    return relabel(outputs, labels)


def _rows(table: Table, task: TaskKind, ids: NDArray[np.object_], labels: tuple[str, ...]) -> Rows:
    """A row a line of the file, so far with ids repeated for every seed."""
    import pandas as pd

    kept = [name for name in table.frame.columns if name not in OURS and not str(name).startswith(columns.PROBABILITY)]
    frame = table.frame[kept].reset_index(drop=True)
    frame.insert(0, "id", pd.Series(ids, dtype=object))
    if "label" in frame:
        frame["label"] = columns.truth(table, task)
        if task == "classification":
            _refuse_unknown(table, frame["label"].to_numpy(dtype=object), labels)
    for name in {"group", "text"} & set(frame.columns):
        gone = missing(table.frame[name])
        if name == "group":
            table.refuse(gone, "have no group", "fill them in, or remove the column")
        texts = [None if none else as_text(value) for value, none in zip(frame[name], gone, strict=True)]
        frame[name] = pd.Series(texts, dtype=object)
    kind: Format = "text_label" if {"text", "label"} <= set(frame.columns) else "custom"
    return Rows(frame, kind)


def _refuse_without_truth(table: Table, task: TaskKind) -> None:
    """Classes and numbers need a label, and generated answers a reference; candidates and choices do not."""
    have = set(map(str, table.frame.columns))
    needed = "label" if task in ("classification", "regression") else "reference"
    if needed not in have and (needed == "label" or ("prediction" in have and not have & {"passed", "n"})):
        hint = "`label` is the true class or number, `reference` the answer to generate"
        raise unknown_column(needed, list(table.frame.columns), table.where, hint)


def _refuse_unknown(table: Table, truth: NDArray[np.object_], labels: tuple[str, ...]) -> None:
    unknown = ~np.isin(truth.astype(str), np.array(labels, dtype=str))
    if unknown.any():
        named = ", ".join(repr(name) for name in sorted(set(truth[unknown].tolist()))[:5])
        table.refuse(
            unknown, f"have a label that is none of the classes: {named}", f"classes: {', '.join(labels[:20])}"
        )


def _positions(table: Table, ids: NDArray[np.object_], seeds: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Lines of every seed, ascending, in the order in which the first seed has its ids."""
    lines = {int(seed): np.flatnonzero(seeds == seed) for seed in np.unique(seeds)}
    first, order = next(iter(lines)), {}
    wanted = ids[lines[first]].tolist()
    for seed, where in lines.items():
        at = dict(zip(ids[where].tolist(), where.tolist(), strict=True))
        odd = sorted(set(wanted) ^ set(at))
        if odd:
            what = f"the seeds {first} and {seed} are of different rows: {len(odd)} ids, the first of them {odd[0]!r}"
            raise DataError(what, where=table.where, hint="every seed needs a line for every example")
        order[seed] = np.array([at[name] for name in wanted], dtype=np.int64)
    return order


def _refuse_other_truth(table: Table, rows: Rows, positions: Mapping[int, NDArray[np.int64]]) -> None:
    first = next(iter(positions.values()))
    for name in {"label", "reference", "group"} & set(rows.frame.columns):
        values = rows.frame[name].to_numpy(dtype=object)
        for where in positions.values():
            other = np.zeros(len(values), dtype=bool)
            other[where] = [
                a != b and not (a is None and b is None) for a, b in zip(values[where], values[first], strict=True)
            ]
            table.refuse(other, f"have another `{name}` than the same id has with another seed")

"""Columns of a predictions file as arrays of Outputs; whatever cannot be read is refused with its rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import TaskKind
from hpo.data.labels import class_names
from hpo.data.messages import Table, as_number, as_text, missing
from hpo.evaluators.outputs import missing as nothing

if TYPE_CHECKING:
    import pandas as pd

PROBABILITY = "probability_"
SUM_TOLERANCE = 1e-3  # probabilities are often written with three decimals
_ANSWER: Mapping[TaskKind, Callable[[Any], Any]] = {
    "regression": lambda value: as_number(value),
    "classification": lambda value: as_text(value).strip(),
}
_TRUE, _FALSE = {"true", "1", "1.0", "yes"}, {"false", "0", "0.0", "no"}


def numbers(table: Table, name: str, *, least: float = -np.inf, whole: bool = False) -> NDArray[np.float64]:
    """A column of finite numbers, shape (n,).

    Raises:
        DataError: rows with something else, with less than ``least``, or (``whole``) with a fraction.
    """
    found = np.array([as_number(value) for value in table.column(name)], dtype=np.float64)
    table.refuse(~np.isfinite(found), f"have no finite number in `{name}`", "every row needs one")
    table.refuse(found < least, f"have less than {least:g} in `{name}`")
    if whole:
        table.refuse(found != np.round(found), f"have no whole number in `{name}`")
    return found


def probabilities(table: Table) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
    """Probabilities, shape (n, k), and the classes that ``probability_<class>`` columns name; None where there is none.

    A row in which all of them are empty has no probabilities (NaN); its metrics count it as unscored.

    Raises:
        DataError: rows with a value that is no number or not in [0, 1], or whose sum is further than 1e-3 from 1.
    """
    columns = [str(name) for name in table.frame.columns if str(name).startswith(PROBABILITY)]
    if not columns:
        return None, ()
    empty = np.column_stack([missing(table.frame[name]) for name in columns])
    blank = empty.all(axis=1)
    found = np.column_stack([[as_number(value) for value in table.frame[name]] for name in columns]).astype(np.float64)
    for position, name in enumerate(columns):
        values = found[:, position]
        table.refuse(~np.isfinite(values) & ~blank, f"have no number in `{name}`", "one probability a class")
        table.refuse((values < 0) | (values > 1), f"have a probability outside [0, 1] in `{name}`")
    total = found.sum(axis=1)
    away = np.abs(total - 1) > SUM_TOLERANCE
    if away.any():
        first = f"the first of them to {total[away][0]:.6g}"
        table.refuse(away, f"have probabilities that do not sum to 1, {first}", "one column a class, all classes")
    return found, tuple(name.removeprefix(PROBABILITY).strip() for name in columns)


def answers(table: Table, task: TaskKind) -> NDArray[np.object_]:
    """The column ``prediction``: class names, numbers (regression) or texts, shape (n,); None where there is no answer.

    Raises:
        DataError: regression, and rows whose prediction is not a number.
    """
    values = table.column("prediction")
    none = nothing(values) if task in ("instruction", "custom") else missing(values)
    read = _ANSWER.get(task, as_text)
    said = [None if gone else read(value) for value, gone in zip(values, none, strict=True)]
    found: NDArray[np.object_] = np.array(said, dtype=object)
    if task == "regression":
        wrong = np.array([value is not None and not np.isfinite(value) for value in found.tolist()], dtype=bool)
        table.refuse(wrong, "have no finite number as prediction", "leave it empty where there is no answer")
    return found


def truth(table: Table, task: TaskKind) -> pd.Series[Any]:
    """The column ``label``: class names or, for regression, numbers.

    Raises:
        DataError: rows without a label, or (regression) without a number.
    """
    import pandas as pd

    if task == "regression":
        return pd.Series(numbers(table, "label"))
    return class_names(table.column("label"), table)


def passed(table: Table) -> NDArray[np.float64]:
    """The column ``passed`` as 0 and 1, shape (n,).

    Raises:
        DataError: rows with something other than true and false (or 1 and 0).
    """
    texts = [str(value).strip().lower() for value in table.column("passed")]
    known = np.array([text in _TRUE | _FALSE for text in texts], dtype=bool)
    table.refuse(~known, "have neither true nor false in `passed`", "true where the candidate passed its tests")
    return np.array([text in _TRUE for text in texts], dtype=np.float64)


def ragged(table: Table, name: str, of: Callable[[Any], float] = as_number) -> NDArray[np.float64]:
    """A column of lists as one array, shape (n, m), NaN behind the shorter ones; in CSV a list is written as JSON.

    Args:
        table: the file.
        name: the column.
        of: an entry of a list to its number; NaN for what is none.

    Raises:
        DataError: rows with something other than a list of at least one finite number.
    """
    lists = [_list(value) for value in table.column(name)]
    table.refuse(np.array([not each for each in lists], dtype=bool), f"have no list in `{name}`", "as [-1.5, -0.7]")
    found = np.full((len(lists), max(map(len, lists))), np.nan)
    for line, each in enumerate(lists):
        found[line, : len(each)] = [of(value) for value in each]
    inside = np.arange(found.shape[1]) < np.array([len(each) for each in lists])[:, None]
    wrong = (inside & ~np.isfinite(found)).any(axis=1)
    table.refuse(wrong, f"have something in the list `{name}` that cannot be used", "finite numbers are needed")
    return found


def _list(value: Any) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return value if isinstance(value, list) else []

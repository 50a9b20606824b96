"""Labels: class names as text, targets as numbers, and what must be true of them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.data.messages import Table, as_number, as_text, missing
from hpo.data.rows import Rows
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd


def class_names(values: pd.Series[Any], table: Table) -> pd.Series[Any]:
    """Class names as text; 1, 1.0 and "1" are the same class.

    Raises:
        DataError: rows without a label, or with a list.
    """
    import pandas as pd

    table.refuse(missing(values), f"have no label (column `{values.name}`)", "fill them in, or remove the rows")
    nested = np.array([isinstance(value, list | dict) for value in values])
    table.refuse(nested, f"have a list or an object as label (column `{values.name}`)", "one class a row is needed")
    return pd.Series([as_text(value).strip() for value in values], dtype=object)


def targets(values: pd.Series[Any], table: Table) -> pd.Series[float]:
    """Targets as numbers.

    Raises:
        DataError: rows whose target is not a finite number.
    """
    import pandas as pd

    numbers = np.array([as_number(value) for value in values], dtype=np.float64)
    what = f"have no finite number as target (column `{values.name}`)"
    table.refuse(~np.isfinite(numbers), what, "regression needs numbers; for names use task: classification")
    return pd.Series(numbers)


def check_classes(train: Rows, others: dict[str, Rows | None]) -> tuple[str, ...]:
    """The class names, sorted.

    Raises:
        DataError: fewer than two classes in the training rows, or a class that only other rows have.
    """
    known = set(train.frame["label"])
    if len(known) < 2:
        only = f" ({next(iter(known))!r})" if known else ""
        what = f"the training rows have {len(known)} class{'es' * (len(known) != 1)}{only}; classification needs two"
        raise DataError(what, where="data", hint="is `label` the right column?")
    for name, rows in others.items():
        unseen = sorted(set(rows.frame["label"]) - known) if rows is not None else []
        if unseen:
            listed = ", ".join(map(repr, unseen[:5])) + (", ..." if len(unseen) > 5 else "")
            what = f"the {name} rows have classes that no training row has: {listed}"
            raise DataError(what, where="data", hint="add such rows to the training rows, or remove them everywhere")
    return tuple(sorted(known))


def class_counts(rows: Rows) -> dict[str, int]:
    """Rows of each class, by name, sorted; empty where rows have no class names. A label that is no name is none."""
    if "label" not in rows.frame or rows.frame["label"].dtype != object:
        return {}
    return dict(sorted(Counter(label for label in rows.frame["label"] if isinstance(label, str)).items()))

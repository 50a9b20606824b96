"""What an evaluator reads of a model's outputs, and the error where it is not there."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.errors import ObjectiveError
from hpo.objective import Outputs

FIELDS = {
    "prediction": ("prediction",),
    "probabilities": ("probabilities",),
    "likelihood": ("nll_sum", "n_tokens"),
    "score": ("score",),
    "choices": ("choice_scores",),
    "choice_bytes": ("choice_bytes",),
    "samples": ("n_samples", "n_passed"),
    "ratings": ("ratings",),
    "seconds": ("seconds",),
}
PREDICTED = frozenset({"prediction", "probabilities", "likelihood"})  # what ready objectives give; the rest is told


def given(outputs: Outputs | None) -> frozenset[str]:
    """Which of the keys of FIELDS are there."""
    return frozenset(
        name for name, fields in FIELDS.items() if all(getattr(outputs, field, None) is not None for field in fields)
    )


def column(outputs: Outputs | None, field: str) -> NDArray[Any]:
    """An array of the outputs by its name.

    Raises:
        ObjectiveError: the outputs do not have it.
    """
    values: NDArray[Any] | None = getattr(outputs, field, None)
    if values is None:
        raise ObjectiveError(f"the objective's outputs carry no {field}", hint=f"give Outputs(..., {field}=...)")
    return values


def missing(values: Iterable[Any]) -> NDArray[np.bool_]:
    """Which values are None, NaN or pandas' NA, shape (n,)."""
    import pandas as pd

    found: NDArray[np.bool_] = pd.isna(np.fromiter(values, dtype=object))  # lists stay single values
    return found

"""Pairs of generated answer and reference, as every evaluator of generated text reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.outputs import column, missing
from hpo.objective import Outputs


def references(data: Rows) -> NDArray[np.object_]:
    """The answers to compare with, shape (n,); None throughout where the rows have none, so that they are unscored."""
    if "reference" not in data.frame:
        return np.full(len(data), None, dtype=object)
    return data.frame["reference"].to_numpy(dtype=object)


def pair_statistics(
    data: Rows, outputs: Outputs | None, names: Sequence[str], measure: Callable[[str, str], Sequence[float]]
) -> dict[str, NDArray[np.float64]]:
    """One statistic a name, shape (n,): what ``measure(answer, reference)`` gives for a row, in the order of ``names``.

    No answer counts as an empty one; a row without reference is NaN throughout, which is unscored.

    Raises:
        ObjectiveError: the outputs have no prediction.
    """
    answers, expected = column(outputs, "prediction"), references(data)
    answered, known = ~missing(answers), ~missing(expected)
    table = np.full((len(data), len(names)), np.nan)
    for row in np.flatnonzero(known):
        table[row] = measure(str(answers[row]) if answered[row] else "", str(expected[row]))
    return {name: table[:, position] for position, name in enumerate(names)}

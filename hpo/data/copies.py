"""Copies of training rows: under names of their own, in the groups of the rows they come from."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows


def copies(rows: Rows, positions: NDArray[np.int64]) -> Rows:
    """The rows at ``positions``, shape (m,), which may repeat, named ``<id>#1``, ``<id>#2``, ... ."""
    import pandas as pd

    ids = rows.ids
    taken, names = {str(name) for name in ids}, []
    for row in positions:
        number = 1
        while (name := f"{ids[row]}#{number}") in taken:
            number += 1
        taken.add(name)
        names.append(name)
    found = rows.take(positions)
    return replace(found, frame=found.frame.assign(id=pd.Series(names, dtype=object)))


def joined(rows: Rows, more: Rows) -> Rows:
    """Rows, and more of the same columns after them."""
    import pandas as pd

    return replace(rows, frame=pd.concat([rows.frame, more.frame], ignore_index=True)) if len(more) else rows

"""Outliers among training rows, by a robust score: rows far from the median in units of the median deviation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hpo.config.preparation import Outliers
from hpo.data.rows import Rows
from hpo.data.texts import asked
from hpo.statistics.robust import modified_z

CUT = 3.5  # Iglewicz and Hoaglin's recommendation


def inside(rows: Rows, method: Outliers) -> NDArray[np.int64]:
    """Positions of the rows that are no outliers, ascending.

    ``length``: by the logarithm of the number of words, since lengths are skewed; ``target``: by the target of a
    regression. A row is an outlier where its modified z-score is over 3.5 in size.

    Args:
        rows: n rows.
        method: see above.
    """
    if method == "none":
        return np.arange(len(rows))
    if method == "target":
        values = rows.frame["label"].to_numpy(dtype=np.float64)
    else:
        values = np.log1p([len(text.split()) for text in asked(rows)])
    return np.flatnonzero(np.abs(modified_z(values)) <= CUT)

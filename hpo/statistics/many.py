"""Three or more models that are right or wrong on the same items: Cochran's Q."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics.distributions import chi2_tail
from hpo.statistics.values import Omnibus

METHOD = "Cochran Q"


def cochran_q(correct: NDArray[Any]) -> Omnibus:
    """Do k models have the same accuracy (Cochran 1950, eq. 2; chi-squared with k - 1 degrees of freedom)?

    Args:
        correct: 0 or 1, shape (n items, k models).

    Returns:
        The test; p is 1 where no item tells the models apart; refused for fewer than three models or other values.
    """
    x = np.atleast_2d(np.asarray(correct, dtype=np.float64))
    n, k = x.shape
    if k < 3:
        return Omnibus(METHOD, math.nan, math.nan, n, "fewer than three models: compare the pair")
    if not ((x == 0) | (x == 1)).all():
        return Omnibus(METHOD, math.nan, math.nan, n, "values other than 0 and 1, or missing; score every item")
    of_model, of_item = x.sum(axis=0), x.sum(axis=1)
    telling = float((of_item * (k - of_item)).sum())
    if telling == 0:
        return Omnibus(METHOD, 0.0, 1.0, n)
    statistic = k * (k - 1) * float(((of_model - of_model.mean()) ** 2).sum()) / telling
    return Omnibus(METHOD, statistic, chi2_tail(statistic, k - 1), n)

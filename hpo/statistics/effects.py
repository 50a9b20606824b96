"""Effect sizes with their intervals: d_z, d_av, Cohen's h, Cliff's delta. No verbal labels."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics import auc
from hpo.statistics.distributions import normal_quantile
from hpo.statistics.values import DEFAULT, EffectSize, Settings

Values = NDArray[Any]


def d_z(a: Values, b: Values, settings: Settings = DEFAULT) -> EffectSize:
    """Mean difference in standard deviations of the paired differences (Lakens 2013, eq. 6); NaN without spread.

    The interval takes the large-sample variance 1/n + d^2 / (2n) (Goulet-Pelletier & Cousineau 2018, table 2).
    """
    return _d_z(_paired(a, b), settings)


def _d_z(difference: NDArray[np.float64], settings: Settings) -> EffectSize:
    n = len(difference)
    spread = float(difference.std(ddof=1)) if n > 1 else 0.0
    if spread == 0 or np.ptp(difference) == 0:
        return EffectSize("d_z", math.nan, math.nan, math.nan)
    value = float(difference.mean()) / spread
    return _around("d_z", value, math.sqrt(1 / n + value**2 / (2 * n)), settings)


def d_av(a: Values, b: Values, settings: Settings = DEFAULT) -> EffectSize:
    """Mean difference in the average standard deviation of the two (Lakens 2013, eq. 10); NaN without spread.

    The interval is that of d_z in the other unit (Algina & Keselman 2003, section 2).
    """
    inner = d_z(a, b, settings)
    difference = _paired(a, b)
    average = (float(np.std(a, ddof=1)) + float(np.std(b, ddof=1))) / 2 if len(difference) > 1 else 0.0
    scale = float(difference.std(ddof=1)) / average if average > 0 else math.nan
    return EffectSize("d_av", inner.value * scale, inner.low * scale, inner.high * scale)


def cohen_h(p_a: float, p_b: float, n: int, correlation: float = 0.0, settings: Settings = DEFAULT) -> EffectSize:
    """Difference of arcsines, 2 asin sqrt p_a - 2 asin sqrt p_b (Cohen 1988, eq. 6.2.1).

    Args:
        p_a: proportion of a.
        p_b: proportion of b.
        n: items, on each side.
        correlation: phi of the two answers to one item; 0 where the sides are independent.
        settings: confidence.

    Returns:
        The effect; each arcsine has variance 1/n, so the difference has 2 (1 - phi) / n.
    """
    value = 2 * math.asin(math.sqrt(p_a)) - 2 * math.asin(math.sqrt(p_b))
    return _around("cohen_h", value, math.sqrt(max(2 * (1 - correlation), 0.0) / n), settings)


def cliffs_delta(a: Values, b: Values, settings: Settings = DEFAULT) -> EffectSize:
    """P(A > B) - P(A < B) of two independent samples (Cliff 1993, eq. 1), by ranks.

    It is 2 AUC - 1, so its interval is DeLong's, on Fisher's z scale so that it stays within (-1, 1). A12 is
    (delta + 1) / 2. The ends are NaN where the samples do not overlap or hold fewer than two values.
    """
    label = np.concatenate([np.ones(len(a), bool), np.zeros(len(b), bool)])
    scores = np.concatenate([np.asarray(a, np.float64), np.asarray(b, np.float64)])
    value = 2 * auc.area(label, scores) - 1
    if min(len(a), len(b)) < 2 or abs(value) == 1:
        return EffectSize("cliffs_delta", value, math.nan, math.nan)
    _, spread = auc.covariance(label, scores[None])
    error = 2 * math.sqrt(spread[0, 0]) / (1 - value**2)
    inner = _around("cliffs_delta", math.atanh(value), error, settings)
    return EffectSize("cliffs_delta", value, math.tanh(inner.low), math.tanh(inner.high))


def phi(a: Values, b: Values) -> float:
    """Correlation of two paired columns of 0 and 1; 0 where one of them does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def _paired(a: Values, b: Values) -> NDArray[np.float64]:
    return np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)


def _around(name: str, value: float, error: float, settings: Settings) -> EffectSize:
    half = normal_quantile(0.5 + settings.confidence / 2) * error
    return EffectSize(name, value, value - half, value + half)

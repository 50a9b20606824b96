"""Power before the fact: rows that a stated difference needs, and the difference that the rows at hand can show."""

from __future__ import annotations

import math

from hpo.statistics.distributions import normal_quantile
from hpo.statistics.values import DEFAULT, Settings
from hpo.statistics.verdicts import POWER


def paired_proportions_n(
    difference: float, discordance: float, power: float = POWER, settings: Settings = DEFAULT
) -> float:
    """Items on which two models must both be scored to tell two accuracies apart, two-sided.

    n = (z_{alpha/2} sqrt(p_d) + z_beta sqrt(p_d - delta^2))^2 / delta^2 (Connor 1987, eq. 2).

    Args:
        difference: of the two proportions, delta; not 0.
        discordance: share of items that exactly one of the two gets right, p_d; at least |delta|.
        power: to find it.
        settings: confidence.

    Returns:
        The number, not rounded; NaN where the difference is 0 or greater than the discordance.
    """
    delta = abs(difference)
    if delta == 0 or delta > discordance:
        return math.nan
    z_alpha, z_beta = normal_quantile(1 - settings.alpha / 2), normal_quantile(power)
    return ((z_alpha * math.sqrt(discordance) + z_beta * math.sqrt(discordance - delta**2)) / delta) ** 2


def paired_proportions_mde(n: int, discordance: float, power: float = POWER, settings: Settings = DEFAULT) -> float:
    """Least difference of two accuracies that n items show at this discordance.

    Returns:
        The difference. Where it would be above the discordance, the discordance grows with it (all disagreements then
        favour one side); NaN where n items show none at all, or nothing is discordant.
    """
    if discordance <= 0 or n <= 0:
        return math.nan

    def enough(delta: float) -> bool:
        return paired_proportions_n(delta, max(discordance, delta), power, settings) <= n

    low, high = 0.0, 1.0
    if not enough(high):
        return math.nan
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def paired_means_n(difference: float, spread: float, power: float = POWER, settings: Settings = DEFAULT) -> float:
    """Items to tell two paired means apart, two-sided: ((z_{alpha/2} + z_beta) s / delta)^2 (Miller 2024, eq. 9).

    Args:
        difference: of the two means, delta; not 0.
        spread: standard deviation of the paired differences, s.
        power: to find it.
        settings: confidence.

    Returns:
        The number, not rounded; NaN where the difference is 0.
    """
    if difference == 0:
        return math.nan
    return (_both(power, settings) * spread / difference) ** 2


def paired_means_mde(n: int, spread: float, power: float = POWER, settings: Settings = DEFAULT) -> float:
    """Least difference of two paired means that n items show (Miller 2024, section 5); NaN without items."""
    return _both(power, settings) * spread / math.sqrt(n) if n > 0 else math.nan


def _both(power: float, settings: Settings) -> float:
    return normal_quantile(1 - settings.alpha / 2) + normal_quantile(power)

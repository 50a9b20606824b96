"""From a difference and its uncertainty to one of four verdicts; a refusal says what would answer the question."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from hpo.statistics.distributions import normal_quantile, t_quantile, t_tail
from hpo.statistics.values import Comparison, Settings

POWER = 0.8  # of the minimum detectable effect, and of the rows that would decide


@dataclass(frozen=True)
class Uncertain:
    """A difference, its standard error and the degrees of freedom of its t distribution."""

    difference: float
    standard_error: float
    df: float

    @property
    def p_value(self) -> float:
        """Two-sided; 1 for a difference of 0 without any spread."""
        if self.standard_error == 0:
            return 1.0 if self.difference == 0 else 0.0
        return min(1.0, 2 * t_tail(abs(self.difference) / self.standard_error, self.df))

    def interval(self, confidence: float) -> tuple[float, float]:
        """Ends of the confidence interval."""
        half = t_quantile(0.5 + confidence / 2, self.df) * self.standard_error
        return self.difference - half, self.difference + half

    def detectable(self, alpha: float) -> float:
        """Minimum detectable effect at this standard error with power POWER (Miller 2024, section 5)."""
        return (t_quantile(1 - alpha / 2, self.df) + normal_quantile(POWER)) * self.standard_error


def refused(reason: str, n: int, method: str = "none", warnings: tuple[str, ...] = ()) -> Comparison:
    """A comparison that is not made, and why."""
    missing = math.nan
    return Comparison(method, n, missing, missing, missing, None, "refused", reason, warnings=warnings)


def compared(method: str, n: int, found: Uncertain, settings: Settings) -> Comparison:
    """The comparison that a difference with a t distribution gives, verdict included."""
    low, high = found.interval(settings.confidence)
    comparison = Comparison(
        method=method,
        n=n,
        difference=found.difference,
        low=low,
        high=high,
        p_value=found.p_value,
        verdict="undecided",
        minimum_detectable_effect=found.detectable(settings.alpha),
        equivalence_p=equivalence_p(found.interval, settings.equivalence_margin),
    )
    return decide(comparison, settings)


def equivalence_p(interval: Callable[[float], tuple[float, float]], margin: float | None) -> float | None:
    """P-value of the two one-sided tests: the least alpha whose 1 - 2 alpha interval lies within the margin.

    Args:
        interval: confidence to the ends of the interval, which widens with it.
        margin: of equivalence, above 0; None: no test.

    Returns:
        A value in [0, .5]; .5 where even the estimate lies outside (Schuirmann 1987).
    """
    if margin is None:
        return None
    low, high = 0.0, 0.5
    for _ in range(40):
        middle = (low + high) / 2
        ends = interval(1 - 2 * middle)
        low, high = (low, middle) if max(abs(ends[0]), abs(ends[1])) < margin else (middle, high)
    return high


def decide(
    comparison: Comparison, settings: Settings, p_adjusted: float | None = None, equivalence: float | None = None
) -> Comparison:
    """Set the verdict from the p-value, else from the test of equivalence; both adjusted where adjusted ones are given.

    Only a refusal stays what it is.
    """
    if comparison.verdict == "refused" or comparison.p_value is None:
        return comparison
    p = comparison.p_value if p_adjusted is None else p_adjusted
    equal = comparison.equivalence_p if equivalence is None else equivalence
    changed = replace(comparison, p_adjusted=p_adjusted)
    if p <= settings.alpha:
        return replace(changed, verdict="better", reason="")
    if equal is not None and settings.equivalence_margin is not None and equal <= settings.alpha:
        return replace(changed, verdict="equivalent", reason=f"within {settings.equivalence_margin:g} of each other")
    lost = comparison.p_value <= settings.alpha < p
    kept = comparison.reason if comparison.verdict == "undecided" else ""
    reason = f"not after the correction for several comparisons (adjusted p = {p:.3g})" if lost else kept
    return replace(changed, verdict="undecided", reason=reason or _more(comparison, settings))


def _more(comparison: Comparison, settings: Settings) -> str:
    """What would decide."""
    if comparison.smallest_p is not None and comparison.smallest_p > settings.alpha:
        return (
            f"cannot reject by design: the smallest p that so few values can give is {comparison.smallest_p:.3g};"
            " more of them would answer"
        )
    detectable, difference = comparison.minimum_detectable_effect, abs(comparison.difference)
    if detectable is None or detectable <= 0 or not math.isfinite(detectable):
        return "more rows would decide"
    if difference < detectable / 100:
        return (
            f"a difference of {detectable:.3g} would have been found with power {POWER:g};"
            " the one observed is far smaller"
        )
    more = math.ceil(comparison.n * ((detectable / difference) ** 2 - 1))
    if more <= 0:
        return "more rows would decide"
    return f"about {two_digits(more):,} more rows would decide, if the difference is as large as observed"


def two_digits(count: int) -> int:
    """A number of rows in two significant digits, upwards: it is an order of magnitude, not a promise."""
    unit = int(10 ** max(len(str(count)) - 2, 0))
    return -(-count // unit) * unit

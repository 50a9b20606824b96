"""What statistics return: an estimate with its interval, an effect size, a comparison with its verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

Verdict = Literal["better", "equivalent", "undecided", "refused"]
Correction = Literal["holm", "none"]


@dataclass(frozen=True)
class Settings:
    """How sure, how often resampled, how corrected; the same for every number of a report.

    Attributes:
        confidence: of every interval, in (0, 1); alpha is 1 - confidence.
        resamples: of every bootstrap and permutation test.
        correction: for the comparisons of one question.
        equivalence_margin: in the metric's own units, declared beforehand; None: equivalence is never claimed.
        seed: of every resampling.
    """

    confidence: float = 0.95
    resamples: int = 10_000
    correction: Correction = "holm"
    equivalence_margin: float | None = None
    seed: int = 0

    @property
    def alpha(self) -> float:
        """The level of every test."""
        return 1.0 - self.confidence


DEFAULT = Settings()


@dataclass(frozen=True)
class Estimate:
    """A value with its confidence interval, from n rows; NaN where it is undefined or refused (then ``reason``)."""

    value: float
    low: float
    high: float
    n: int
    method: str
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: missing is None."""
        return {
            "value": finite(self.value),
            "ci_low": finite(self.low),
            "ci_high": finite(self.high),
            "n": self.n,
            "method": self.method,
            "reason": self.reason,
        }


@dataclass(frozen=True)
class EffectSize:
    """A named effect size with its confidence interval."""

    name: str
    value: float
    low: float
    high: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: missing is None."""
        return {
            "name": self.name,
            "value": finite(self.value),
            "ci_low": finite(self.low),
            "ci_high": finite(self.high),
        }


@dataclass(frozen=True)
class Comparison:
    """Is a different from b? ``difference`` is a minus b, in the metric's own units.

    Attributes:
        method: the test and the interval, in words.
        n: rows (or values) compared.
        difference: a minus b.
        low: lower end of its confidence interval.
        high: upper end.
        p_value: two-sided; None where the comparison is refused.
        verdict: ``better`` says that the two differ and the sign of ``difference`` which is ahead.
        reason: of a refusal or an indecision, with what would make the question answerable.
        p_adjusted: after the correction for multiplicity, where one was made.
        effect: an effect size.
        minimum_detectable_effect: at this n, with power .8.
        equivalence_p: of the two one-sided tests, where a margin was declared.
        seeds: training seeds of each side.
        groups: clusters of rows, where they are clustered.
        warnings: what a reader has to know.
        smallest_p: that a permutation test of so few values can give, where that is a bound.
    """

    method: str
    n: int
    difference: float
    low: float
    high: float
    p_value: float | None
    verdict: Verdict
    reason: str = ""
    p_adjusted: float | None = None
    effect: EffectSize | None = None
    minimum_detectable_effect: float | None = None
    equivalence_p: float | None = None
    seeds: int = 1
    groups: int | None = None
    warnings: tuple[str, ...] = ()
    smallest_p: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: the keys of a pair, without the names of a and b."""
        return {
            "method": self.method,
            "n": self.n,
            "difference": finite(self.difference),
            "ci_low": finite(self.low),
            "ci_high": finite(self.high),
            "p_value": finite(self.p_value),
            "p_adjusted": finite(self.p_adjusted),
            "effect_size": None if self.effect is None else self.effect.as_dict(),
            "verdict": self.verdict,
            "reason": self.reason,
            "minimum_detectable_effect": finite(self.minimum_detectable_effect),
            "seeds": self.seeds,
            "groups": self.groups,
            "warnings": list(self.warnings),
        }


@dataclass(frozen=True)
class Omnibus:
    """One test of several at once: do any of them differ? NaN where it was refused (then ``reason``)."""

    method: str
    statistic: float
    p_value: float
    n: int
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: missing is None."""
        return {
            "method": self.method,
            "statistic": finite(self.statistic),
            "p_value": finite(self.p_value),
            "n": self.n,
            "reason": self.reason,
        }


def finite(value: float | None) -> float | None:
    """The number as JSON can hold it: None for what is missing, NaN or infinite."""
    return float(value) if value is not None and math.isfinite(value) else None

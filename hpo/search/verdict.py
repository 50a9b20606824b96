"""What a finished trial's numbers mean for the study: its values, its constraints, whether it is feasible."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hpo.config.models import ConstraintConfig

MEMORY = "memory"


@dataclass(frozen=True)
class Feasibility:
    """Constraint values (> 0 is violated; the study's in order, then memory) and the verdict on them."""

    constraints: tuple[float, ...]
    violation: str

    @property
    def feasible(self) -> bool:
        """Whether no constraint is violated."""
        return not self.violation


def constraint_names(constraints: Sequence[ConstraintConfig]) -> list[str]:
    """Names of the components of ``Feasibility.constraints``.

    >>> constraint_names([ConstraintConfig(metric="latency_ms", max=20)])
    ['latency_ms <= 20', 'memory']
    """
    return [*(_name(c) for c in constraints), MEMORY]


def judge(constraints: Sequence[ConstraintConfig], numbers: Mapping[str, float], *, fits: bool = True) -> Feasibility:
    """Constraint values of one trial.

    A number that was not measured counts as violated by 1: a run must show that it keeps a bound.

    >>> judge([ConstraintConfig(metric="latency_ms", max=20)], {"latency_ms": 23.5}).violation
    'latency_ms <= 20 by 3.5'
    """
    values = [_excess(constraint, numbers.get(constraint.metric)) for constraint in constraints]
    broken = [f"{_name(c)} by {v:.6g}" for c, v in zip(constraints, values, strict=True) if v > 0]
    if not fits:
        broken.append("memory: does not fit")
    return Feasibility((*values, -1.0 if fits else 1.0), "; ".join(broken))


def _excess(constraint: ConstraintConfig, value: float | None) -> float:
    if value is None or not math.isfinite(value):
        return 1.0
    return value - constraint.max if constraint.max is not None else float(constraint.min or 0.0) - value


def _name(constraint: ConstraintConfig) -> str:
    if constraint.max is not None:
        return f"{constraint.metric} <= {constraint.max:g}"
    return f"{constraint.metric} >= {constraint.min:g}"

"""How a Ray Tune trial ended, in Optuna's words: a pure function of what it showed last and of who ended it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from numbers import Real
from typing import Any, Literal

from hpo.config.models import ConstraintConfig
from hpo.search.verdict import judge

State = Literal["COMPLETE", "PRUNED", "FAIL"]

# What Tune adds to every result and says nothing about the trial's quality.
_TUNE_KEYS = {
    *("done", "trial_id", "date", "timestamp", "pid", "hostname", "node_ip", "experiment_tag", "warmup_time"),
    *("time_since_restore", "iterations_since_restore", "episodes_total", "timesteps_total"),
    *("timesteps_since_restore", "should_checkpoint", "checkpoint_dir_name"),
}


@dataclass(frozen=True)
class Cause:
    """Who ended a trial: itself, unless one of these says otherwise.

    Attributes:
        scheduler: what stopped it short of its full length.
        error: what it raised.
        cut: why it ended without an end of its own.
    """

    scheduler: str = ""
    error: str = ""
    cut: str = ""


@dataclass(frozen=True)
class Ending:
    """What Optuna is told: state, values (None where there are none), constraints and user attributes."""

    state: State
    values: list[float] | None
    constraints: tuple[float, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


def ending_of(
    metrics: Sequence[str], constraints: Sequence[ConstraintConfig], result: Mapping[str, Any], cause: Cause
) -> Ending:
    """The end of a trial whose last result is ``result`` (empty where it never reported).

    An error or a value that is not a finite number is FAIL; a stop by the scheduler PRUNED, with the last value where
    there is one objective (Optuna keeps none otherwise); everything else COMPLETE. The last values of a trial that is
    not COMPLETE also stand in its attributes.
    """
    numbers = {name: float(value) for name, value in result.items() if _is_number(name, value)}
    values = [numbers[name] for name in metrics if math.isfinite(numbers.get(name, math.nan))]
    usable = len(values) == len(metrics)
    state, reason, message = _state(metrics, numbers, usable=usable, cause=cause)
    verdict = judge(constraints, numbers)
    attributes: dict[str, Any] = {name: value for name, value in numbers.items() if math.isfinite(value)}
    attributes |= {"reason": reason, "message": message} if reason else {}
    if constraints and state != "FAIL":
        attributes["feasible"] = verdict.feasible
        attributes |= {"violation": verdict.violation} if verdict.violation else {}
    kept = state == "COMPLETE" or (state == "PRUNED" and usable and len(metrics) == 1)
    return Ending(state, values if kept else None, verdict.constraints[:-1], attributes)


def _state(
    metrics: Sequence[str], numbers: Mapping[str, float], *, usable: bool, cause: Cause
) -> tuple[State, str, str]:
    if cause.error:
        return "FAIL", "error", cause.error
    infinite = [f"{name}={numbers[name]}" for name in metrics if not math.isfinite(numbers.get(name, 0.0))]
    if infinite:
        return "FAIL", "not_finite", f"the last result has no finite value: {', '.join(infinite)}"
    if cause.scheduler:
        return "PRUNED", "scheduler", cause.scheduler
    if cause.cut:
        return "FAIL", "cut", cause.cut
    if not usable:
        absent = ", ".join(name for name in metrics if name not in numbers)
        return "FAIL", "no_result", f"it ended without a value of {absent}"
    return "COMPLETE", "", ""


def _is_number(name: str, value: Any) -> bool:
    ours = name not in _TUNE_KEYS and not name.startswith("config/")
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        value = value.item()
    return ours and isinstance(value, Real) and not isinstance(value, bool)

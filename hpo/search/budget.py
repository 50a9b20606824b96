"""When a search ends: the first of its limits that is reached, in the user's words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hpo.config.models import BudgetConfig, ObjectiveConfig
from hpo.records.champion import value_of
from hpo.records.record import Record


@dataclass(frozen=True)
class Spent:
    """What a study has used so far, over all its calls."""

    seconds: float
    device_seconds: float
    price_per_device_hour: float | None

    @property
    def cost_usd(self) -> float:
        """Dollars at the stated price; 0 without one."""
        return self.device_seconds / 3600 * (self.price_per_device_hour or 0.0)


def exhausted(budget: BudgetConfig, number: int, spent: Spent, seen: Sequence[Record], primary: ObjectiveConfig) -> str:
    """Why trial ``number`` must not be asked any more; empty where it may.

    Args:
        budget: the limits.
        number: the trial that would come next.
        spent: time and money used.
        seen: finished trials that the next one may depend on, in order of number.
        primary: the metric that a plateau is judged by.
    """
    if budget.trials is not None and number >= budget.trials:
        return f"budget of {budget.trials} trials used"
    if budget.hours is not None and spent.seconds >= budget.hours * 3600:
        return f"budget of {budget.hours:g} hours used"
    if budget.device_hours is not None and spent.device_seconds >= budget.device_hours * 3600:
        return f"budget of {budget.device_hours:g} device hours used"
    if budget.cost_usd is not None and spent.cost_usd >= budget.cost_usd:
        return f"budget of {budget.cost_usd:g} US dollars used"
    if budget.plateau is not None and plateaued(seen, primary, budget.plateau.trials):
        return f"no better trial among the last {budget.plateau.trials}"
    return ""


def plateaued(seen: Sequence[Record], primary: ObjectiveConfig, trials: int) -> bool:
    """Whether the last ``trials`` finished trials brought nothing better than those before them."""
    if len(seen) <= trials:
        return False
    before, last = seen[:-trials], seen[-trials:]
    if not (old := _values(before, primary)):
        return False
    return max(_values(last, primary), default=float("-inf")) <= max(old)


def stops_by_clock(budget: BudgetConfig) -> bool:
    """Whether the search's length depends on time, so that it cannot be repeated exactly."""
    return any(limit is not None for limit in (budget.hours, budget.device_hours, budget.cost_usd))


def _values(records: Sequence[Record], primary: ObjectiveConfig) -> list[float]:
    sign = 1.0 if primary.direction == "maximize" else -1.0
    values = (value_of(r, primary.metric) for r in records if r.state == "complete" and r.feasible)
    return [sign * value for value in values if value is not None]

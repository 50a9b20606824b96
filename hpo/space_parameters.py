"""One parameter of a search space: its Optuna distribution, its values, its default."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.config.space import Categorical, Constant, IntLogUniform, IntUniform, LogUniform, Parameter, Ratio, Uniform

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

Searched = Uniform | LogUniform | IntUniform | IntLogUniform | Categorical | Ratio


def raw_name(name: str, parameter: Parameter) -> str:
    """The name under which Optuna holds a parameter."""
    return f"{name}_per_{parameter.of}" if isinstance(parameter, Ratio) else name


def distribution(parameter: Searched) -> BaseDistribution:
    """Optuna's distribution; the upper end of a step grid is lowered to the grid."""
    if isinstance(parameter, Uniform):
        high = parameter.high if parameter.step is None else _top(parameter.low, parameter.high, parameter.step)
        return FloatDistribution(parameter.low, high, step=parameter.step)
    if isinstance(parameter, IntUniform):
        high = parameter.low + (parameter.high - parameter.low) // parameter.step * parameter.step
        return IntDistribution(parameter.low, high, step=parameter.step)
    if isinstance(parameter, LogUniform):
        return FloatDistribution(parameter.low, parameter.high, log=True)
    if isinstance(parameter, IntLogUniform):
        return IntDistribution(parameter.low, parameter.high, log=True)
    return CategoricalDistribution([held(choice) for choice in parameter.choices])


def draw(trial: BaseTrial, name: str, dist: BaseDistribution) -> Any:
    """One value from ``trial``, as Optuna holds it."""
    if isinstance(dist, CategoricalDistribution):
        return trial.suggest_categorical(name, dist.choices)
    if isinstance(dist, IntDistribution):
        return trial.suggest_int(name, dist.low, dist.high, step=dist.step, log=dist.log)
    dist = cast(FloatDistribution, dist)
    return trial.suggest_float(name, dist.low, dist.high, step=dist.step, log=dist.log)


def points(dist: BaseDistribution) -> Sequence[Any] | None:
    """All values in a fixed order; None where there is no end of them."""
    if isinstance(dist, CategoricalDistribution):
        return dist.choices
    if isinstance(dist, IntDistribution):
        return range(dist.low, dist.high + 1, dist.step)
    dist = cast(FloatDistribution, dist)
    if dist.low == dist.high:
        return (dist.low,)
    if dist.step is None:
        return None
    return [_on_grid(dist, k) for k in range(round((dist.high - dist.low) / dist.step) + 1)]


def canonical(dist: BaseDistribution, value: Any) -> Any:
    """The one spelling of a held value: whole numbers as int, grid values without rounding noise."""
    if isinstance(dist, CategoricalDistribution):
        return int(dist.to_internal_repr(value))
    if isinstance(dist, IntDistribution):
        return int(value)
    dist = cast(FloatDistribution, dist)
    return float(value) if dist.step is None else _on_grid(dist, round((value - dist.low) / dist.step))


def default(parameter: Searched, dist: BaseDistribution) -> Any:
    """The parameter's own default, else the middle (geometric, on the grid), the first choice, or the ratio 2."""
    if parameter.default is not None:
        return parameter.default
    if isinstance(parameter, Ratio):
        return 2.0 if 2.0 in parameter.choices else parameter.choices[0]
    if isinstance(parameter, Categorical):
        return parameter.choices[0]
    if isinstance(parameter, LogUniform):
        return min(max(math.sqrt(parameter.low) * math.sqrt(parameter.high), parameter.low), parameter.high)
    if isinstance(parameter, IntLogUniform):
        return min(max(round(math.sqrt(parameter.low * parameter.high)), parameter.low), parameter.high)
    values = points(dist)
    return parameter.low + (parameter.high - parameter.low) / 2 if values is None else values[(len(values) - 1) // 2]


def encoded(parameter: Searched, dist: BaseDistribution, value: Any) -> tuple[Any] | None:
    """``value`` as Optuna holds it, in a tuple; None where it lies outside."""
    if isinstance(dist, CategoricalDistribution):
        choices = cast(Categorical | Ratio, parameter).choices
        return next(((kept,) for kept, choice in zip(dist.choices, choices, strict=True) if same(choice, value)), None)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    if isinstance(dist, IntDistribution) and value != int(value):
        return None
    inside = dist._contains(float(value))  # the only place where Optuna says so
    return (canonical(dist, value),) if inside else None


def describe(parameter: Parameter) -> str:
    """The allowed values, for people."""
    if isinstance(parameter, Constant):
        return f"the constant {parameter.value!r}"
    if isinstance(parameter, Categorical):
        return ", ".join(str(plain(choice)) for choice in parameter.choices)
    if isinstance(parameter, Ratio):
        return f"{parameter.of} times {', '.join(f'{choice:g}' for choice in parameter.choices)}"
    step = getattr(parameter, "step", None)
    return f"{parameter.low:g} to {parameter.high:g}" + (f" in steps of {step:g}" if step not in (None, 1) else "")


def holds(actual: Any, wanted: Any) -> bool:
    """Whether a condition's value, or one of its list, is the actual one."""
    return same(actual, wanted) or (isinstance(wanted, list | tuple) and any(same(actual, one) for one in wanted))


def times(ratio: float, base: Any) -> Any:
    """``ratio`` x ``base``; a whole number stays one where the product is exact."""
    product = ratio * base
    whole = isinstance(base, int) and math.isfinite(product) and product == int(product)
    return int(product) if whole else product


def ratio_of(parameter: Ratio, value: Any, base: Any) -> float | None:
    """The ratio among the choices that gives ``value``; None where there is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return next((r for r in parameter.choices if math.isclose(times(r, base), value, rel_tol=1e-9)), None)


def same(a: Any, b: Any) -> bool:
    """Equality that tells True from 1 and takes a tuple for a list."""
    a, b = plain(a), plain(b)
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def plain(choice: Any) -> Any:
    """A choice as JSON knows it: a tuple becomes a list."""
    return [plain(one) for one in choice] if isinstance(choice, tuple | list) else choice


def held(choice: Any) -> Any:
    """A choice as Optuna can store it: a list becomes its JSON text."""
    return json.dumps(plain(choice)) if isinstance(choice, tuple | list) else choice


def ordered(parameters: Mapping[str, Parameter], fixed: Mapping[str, Any]) -> dict[str, Parameter] | tuple[str, ...]:
    """Parameters in an order in which each follows those it refers to; the names without a place if there is none."""
    left, done = dict(parameters), dict[str, Parameter]()
    while left:
        ready = next((n for n, p in left.items() if refers_to(p) <= done.keys() | fixed.keys()), None)
        if ready is None:
            return tuple(left)
        done[ready] = left.pop(ready)
    return done


def refers_to(parameter: Parameter) -> set[str]:
    """Names of the parameters or fixed settings that a parameter depends on."""
    return set(parameter.when or {}) | ({parameter.of} if isinstance(parameter, Ratio) else set())


def _on_grid(dist: FloatDistribution, k: int) -> float:
    return float(Decimal(str(dist.low)) + k * Decimal(str(dist.step)))


def _top(low: float, high: float, step: float) -> float:
    """The highest grid value that is one in Optuna's own decimal arithmetic, too: it checks again whenever it loads."""
    start, width = Decimal(str(low)), Decimal(str(step))
    steps = (Decimal(str(high)) - start) // width
    while (Decimal(str(float(start + steps * width))) - start) % width:  # a step of too many digits
        steps -= 1
    return float(start + steps * width)

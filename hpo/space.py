"""The search space: parameters of study.yaml as Optuna distributions, with conditions, ratios and constants."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from optuna.distributions import BaseDistribution

from hpo import space_parameters as one
from hpo.config.space import Categorical, Constant, Parameter, Ratio
from hpo.errors import ConfigurationError, Fault

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

Raw = dict[str, Any]
Settings = dict[str, Any]


@dataclass(frozen=True)
class SearchSpace:
    """What may be tried.

    Raw parameters are what Optuna holds: a ratio stands under ``<name>_per_<of>`` as the ratio itself, a list as its
    JSON text, and constants not at all. Settings are the absolute values a trial runs with. A parameter that refers
    (by ``when`` or ``of``) to one that does not exist in a configuration does not exist in it either.

    Attributes:
        parameters: by name, in an order in which each follows those it refers to (else as declared).
        fixed: settings that are the same for all trials; conditions and ratios may refer to them.
    """

    parameters: Mapping[str, Parameter]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    _held: Mapping[str, BaseDistribution] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, parameters: Mapping[str, Parameter], fixed: Mapping[str, Any] | None = None) -> SearchSpace:
        """The space of validated parameters.

        Raises:
            ConfigurationError: parameters refer to each other in a circle, or to something unknown.
        """
        fixed = {name: value for name, value in (fixed or {}).items() if name not in parameters}
        order = one.ordered(parameters, fixed)
        if isinstance(order, tuple):
            raise ConfigurationError(
                f"these parameters refer to each other in a circle, or to something unknown: {', '.join(order)}",
                where="search_space",
                hint="`when` and `of` name other parameters of the space or settings of `training`",
            )
        searched = {name: p for name, p in order.items() if not isinstance(p, Constant)}
        return cls(order, fixed, {one.raw_name(name, p): one.distribution(p) for name, p in searched.items()})

    @property
    def names(self) -> tuple[str, ...]:
        """Raw names, in drawing order."""
        return tuple(self._held)

    @property
    def conditional(self) -> bool:
        """Whether the set of parameters differs between configurations."""
        searched = {name for name, p in self.parameters.items() if not isinstance(p, Constant)}
        return any(searched & set(p.when or {}) for p in self.parameters.values())

    def suggest(self, trial: BaseTrial) -> Raw:
        """Draw every parameter that exists in this configuration from ``trial``."""
        return self._walk(lambda name, _: one.draw(trial, self._raw_name(name), self._distribution(name)))[0]

    def distributions(self, raw: Mapping[str, Any]) -> dict[str, BaseDistribution]:
        """Optuna distributions of the raw parameters present."""
        return {name: held for name, held in self._held.items() if name in raw}

    def settings(self, raw: Mapping[str, Any]) -> Settings:
        """Absolute values of all parameters that exist in this configuration, constants included.

        Raises:
            ConfigurationError: ``raw`` lacks a parameter that exists in it.
        """
        return self._walk(lambda name, _: self._read(raw, name))[1]

    def encode(self, settings: Mapping[str, Any]) -> Raw:
        """Raw parameters of absolute values; missing ones take their defaults, inactive ones are dropped.

        Args:
            settings: by name; a ratio parameter as its absolute value or, under its raw name, as the ratio.

        Raises:
            ConfigurationError: a name is unknown or a value lies outside the space; holds every fault.
        """
        faults = [self._unknown(name) for name in settings if name not in self.parameters and name not in self._held]

        def choose(name: str, known: Settings) -> Any:
            value = self._encoded(name, settings, known)
            if value is None:
                given = settings.get(name, settings.get(self._raw_name(name)))
                hint = f"allowed: {one.describe(self.parameters[name])}"
                faults.append(Fault(name, f"{name}: {given!r} lies outside the space", hint))
                value = self._encoded(name, {}, known)
            if value is None:  # not even the default is inside
                raise ConfigurationError.of(faults)
            return value[0]

        raw, absolute = self._walk(choose)
        for name, parameter in self.parameters.items():
            constant = isinstance(parameter, Constant) and name in absolute
            if constant and name in settings and not one.same(settings[name], absolute[name]):
                faults.append(Fault(name, f"{name} is {one.describe(parameter)}, not {settings[name]!r}"))
        if faults:
            raise ConfigurationError.of(faults)
        return raw

    def default(self) -> Raw:
        """The default configuration (trial 0)."""
        return self.encode({})

    def size(self) -> int | None:
        """Number of distinct configurations; None where a parameter is continuous."""
        deciding = {other for p in self.parameters.values() for other in p.when or {}}
        for name, parameter in reversed(list(self.parameters.items())):  # the value of a ratio depends on what it is of
            if isinstance(parameter, Ratio) and name in deciding:
                deciding.add(parameter.of)
        return self._count(tuple(self.parameters), {}, deciding)

    def grid(self) -> Iterator[Raw]:
        """Every configuration once, in an order that depends on the space alone; the last parameter varies fastest.

        Raises:
            ConfigurationError: a parameter is continuous.
        """
        endless = [name for name, dist in self._held.items() if one.points(dist) is None]
        if endless:
            raise ConfigurationError(
                f"a grid needs a finite number of values; without end: {', '.join(endless)}",
                where="search_space",
                hint="give each a step or choices, or take another sampler",
            )
        return self._enumerate(tuple(self.parameters), {}, {})

    def key(self, raw: Mapping[str, Any]) -> Hashable:
        """A value that two configurations share exactly when they are the same one."""
        existing, _ = self._walk(lambda name, _: self._read(raw, name))
        return tuple((name, one.canonical(self._held[name], value)) for name, value in existing.items())

    def _raw_name(self, name: str) -> str:
        return one.raw_name(name, self.parameters[name])

    def _distribution(self, name: str) -> BaseDistribution:
        return self._held[self._raw_name(name)]

    def _walk(self, choose: Callable[[str, Settings], Any]) -> tuple[Raw, Settings]:
        raw: Raw = {}
        settings: Settings = {}
        for name, parameter in self.parameters.items():
            if not self._exists(name, settings):
                continue
            value = None
            if not isinstance(parameter, Constant):
                value = raw[self._raw_name(name)] = choose(name, settings)
            settings[name] = self._absolute(name, value, settings)
        return raw, settings

    def _exists(self, name: str, settings: Settings) -> bool:
        """Whether a parameter exists beside the earlier ones in ``settings``."""
        parameter, there = self.parameters[name], {**self.fixed, **settings}
        if isinstance(parameter, Ratio) and parameter.of not in there:
            return False
        return all(other in there and one.holds(there[other], want) for other, want in (parameter.when or {}).items())

    def _absolute(self, name: str, value: Any, settings: Settings) -> Any:
        parameter = self.parameters[name]
        if isinstance(parameter, Constant):
            return one.plain(parameter.value)
        if isinstance(parameter, Ratio):
            return one.times(value, self._base(parameter, settings))
        held = one.canonical(self._distribution(name), value)
        return one.plain(parameter.choices[held]) if isinstance(parameter, Categorical) else held

    def _base(self, parameter: Ratio, settings: Settings) -> Any:
        return settings[parameter.of] if parameter.of in settings else self.fixed[parameter.of]

    def _read(self, raw: Mapping[str, Any], name: str) -> Any:
        held = self._raw_name(name)
        if held not in raw:
            raise ConfigurationError(f"{held} is missing from a configuration of this space", where=held)
        return raw[held]

    def _encoded(self, name: str, given: Mapping[str, Any], known: Settings) -> tuple[Any] | None:
        parameter, dist = self.parameters[name], self._distribution(name)
        if isinstance(parameter, Constant):
            return None
        if isinstance(parameter, Ratio) and name in given:
            value: Any = one.ratio_of(parameter, given[name], self._base(parameter, known))
        else:
            names = (name, self._raw_name(name))
            value = next((given[n] for n in names if n in given), one.default(parameter, dist))
        return one.encoded(parameter, dist, value)

    def _count(self, names: tuple[str, ...], settings: Settings, deciding: set[str]) -> int | None:
        total = 1
        for position, name in enumerate(names):
            if not self._exists(name, settings):
                continue
            if isinstance(self.parameters[name], Constant):
                settings = {**settings, name: self._absolute(name, None, settings)}
                continue
            points = one.points(self._distribution(name))
            if points is None:
                return None
            if name in deciding:
                sums = [self._count(names[position + 1 :], self._with(name, p, settings), deciding) for p in points]
                return None if None in sums else total * sum(n for n in sums if n is not None)
            settings = {**settings, name: None}  # whether it exists may matter to later ones, its value does not
            total *= len(points)
        return total

    def _with(self, name: str, value: Any, settings: Settings) -> Settings:
        return {**settings, name: self._absolute(name, value, settings)}

    def _enumerate(self, names: tuple[str, ...], raw: Raw, settings: Settings) -> Iterator[Raw]:
        if not names:
            yield raw
            return
        name, rest = names[0], names[1:]
        if not self._exists(name, settings):
            yield from self._enumerate(rest, raw, settings)
        elif isinstance(self.parameters[name], Constant):
            yield from self._enumerate(rest, raw, self._with(name, None, settings))
        else:
            for value in one.points(self._distribution(name)) or ():
                yield from self._enumerate(
                    rest, {**raw, self._raw_name(name): value}, self._with(name, value, settings)
                )

    def _unknown(self, name: str) -> Fault:
        near = difflib.get_close_matches(name, [*self.parameters, *self._held], 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(self.parameters)}"
        return Fault(name, f"{name} is not a parameter of the search space", hint)

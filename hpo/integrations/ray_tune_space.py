"""Search spaces for Ray Tune: Optuna distributions, a SearchSpace of ours, a function, or Tune's own, converted."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import BaseTrial
from ray.tune.search.sample import Categorical, Domain, Float, Integer, LogUniform, Quantized, Uniform

from hpo.errors import ConfigurationError
from hpo.space import SearchSpace
from hpo.space_parameters import draw

Config = dict[str, Any]
Function = Callable[[BaseTrial], "Config | None"]
_PLAIN = (str, int, float, bool, type(None))


class Space(Protocol):
    """What a trial may be given."""

    def suggest(self, trial: BaseTrial) -> Config:
        """Draw from ``trial`` the configuration that Tune hands to the trainable."""

    def encode(self, config: Mapping[str, Any]) -> Config:
        """A configuration as Optuna's parameters. Raises ConfigurationError where it lies outside."""


class OwnSpace:
    """A SearchSpace: conditions and ratios hold, and the trainable gets absolute values."""

    def __init__(self, space: SearchSpace) -> None:
        self._space = space

    def suggest(self, trial: BaseTrial) -> Config:
        """Draw the parameters that exist in this configuration, constants included."""
        return self._space.settings(self._space.suggest(trial))

    def encode(self, config: Mapping[str, Any]) -> Config:
        """Missing parameters take their defaults."""
        return self._space.encode(config)


class FunctionSpace:
    """A function of an Optuna trial that calls its ``suggest_`` methods and may return constants to add."""

    def __init__(self, function: Function) -> None:
        self._function = function

    def suggest(self, trial: BaseTrial) -> Config:
        """What the function drew, and what it returned."""
        added = self._function(trial) or {}
        return {**trial.params, **added}

    def encode(self, config: Mapping[str, Any]) -> Config:
        """As given: only the function knows what it asks for."""
        return dict(config)


@dataclass(frozen=True)
class Drawn:
    """A distribution, and what its choices stand for where Optuna cannot store them."""

    distribution: BaseDistribution
    choices: tuple[Any, ...] | None = None

    @classmethod
    def of(cls, distribution: BaseDistribution) -> Drawn:
        """From a distribution of any choices."""
        if isinstance(distribution, CategoricalDistribution):
            return cls.among(distribution.choices)
        return cls(distribution)

    @classmethod
    def among(cls, choices: Sequence[Any]) -> Drawn:
        """One of ``choices``."""
        return cls(CategoricalDistribution([held(choice) for choice in choices]), tuple(choices))

    def value(self, stored: Any) -> Any:
        """What the trainable gets where Optuna holds ``stored``."""
        return stored if self.choices is None else self.choices[int(self.distribution.to_internal_repr(stored))]


class TreeSpace:
    """Distributions and constants in nested mappings; Optuna's parameter names join the keys with ``/``."""

    def __init__(self, leaves: Mapping[str, Any]) -> None:
        self._constants = {name: leaf for name, leaf in leaves.items() if not isinstance(leaf, Drawn)}
        self._drawn = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, Drawn)}

    def suggest(self, trial: BaseTrial) -> Config:
        """Draw every distribution."""
        values = {name: one.value(draw(trial, name, one.distribution)) for name, one in self._drawn.items()}
        return nested(self._constants | values)

    def encode(self, config: Mapping[str, Any]) -> Config:
        """Every drawn parameter has to be given."""
        given = flat_config(config, stop=set(self._drawn))
        return {name: self._checked(name, given) for name in self._drawn}

    def _checked(self, name: str, given: Mapping[str, Any]) -> Any:
        if name not in given:
            raise ConfigurationError(f"{name} is missing", where="known", hint="give every parameter of the space")
        distribution, value = self._drawn[name].distribution, held(given[name])
        try:
            inside = distribution._contains(distribution.to_internal_repr(value))
        except (TypeError, ValueError):
            inside = False
        if not inside:
            raise ConfigurationError(f"{name}: {value!r} lies outside the space", where="known", hint=f"{distribution}")
        return value


def held(choice: Any) -> Any:
    """A choice as Optuna can store it: text, numbers, booleans and None as they are, everything else as text."""
    if isinstance(choice, _PLAIN):
        return choice
    try:
        return json.dumps(choice, sort_keys=True)
    except (TypeError, ValueError):
        return str(getattr(choice, "__name__", choice))


def space_of(given: Any) -> Space:
    """The space behind what a user passes.

    Args:
        given: a SearchSpace; a function of an Optuna trial; or a mapping, which may be nested, of Optuna
            distributions, Ray Tune domains and constants.

    Raises:
        ConfigurationError: nothing is drawn, or a domain of Tune has no equal in Optuna; holds the first fault.
    """
    if isinstance(given, SearchSpace):
        return OwnSpace(given)
    if callable(given):
        return FunctionSpace(given)
    if not isinstance(given, Mapping):
        raise ConfigurationError(
            f"a search space cannot be a {type(given).__name__}",
            where="space",
            hint="pass a SearchSpace, a mapping of Optuna distributions or Tune domains, or a function of a trial",
        )
    leaves = {name: _leaf(name, leaf) for name, leaf in flat_config(given).items()}
    if not any(isinstance(leaf, Drawn) for leaf in leaves.values()):
        raise ConfigurationError(
            "nothing in it is drawn", where="space", hint="for example {'lr': tune.loguniform(1e-5, 1e-3)}"
        )
    return TreeSpace(leaves)


def flat_config(config: Mapping[str, Any], prefix: str = "", stop: set[str] | None = None) -> Config:
    """Nested mappings as one, with keys joined by ``/``; a mapping at a path in ``stop`` is a value."""
    flat: Config = {}
    for key, value in config.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and "grid_search" not in value and path not in (stop or ()):
            flat |= flat_config(value, f"{path}/", stop)
        else:
            flat[path] = value
    return flat


def nested(flat: Mapping[str, Any]) -> Config:
    """The inverse of ``flat_config``.

    >>> nested({"a/b": 1, "a/c": 2, "d": 3})
    {'a': {'b': 1, 'c': 2}, 'd': 3}
    """
    config: Config = {}
    for path, value in flat.items():
        *above, name = path.split("/")
        branch = config
        for key in above:
            branch = branch.setdefault(key, {})
        branch[name] = value
    return config


def _leaf(name: str, leaf: Any) -> Any:
    if isinstance(leaf, Mapping) and "grid_search" in leaf:
        raise _unknown(name, "a grid has no equal in Optuna", "use tune.choice")
    if isinstance(leaf, Domain):
        return _converted(name, leaf)
    return Drawn.of(leaf) if isinstance(leaf, BaseDistribution) else leaf


def _converted(name: str, domain: Domain) -> Drawn:
    sampler: Any = domain.get_sampler()
    step = None
    if isinstance(sampler, Quantized):
        sampler, step = sampler.sampler, sampler.q
    if isinstance(domain, Categorical) and isinstance(sampler, Uniform):
        return Drawn.among(domain.categories)
    log = isinstance(sampler, LogUniform)
    if not (log or isinstance(sampler, Uniform)) or not isinstance(domain, Float | Integer):
        kind = type(sampler).__name__ if isinstance(domain, Float | Integer) else type(domain).__name__
        raise _unknown(name, f"{kind} has no equal in Optuna", "use uniform, loguniform, randint, lograndint or choice")
    if log and step not in (None, 1):
        raise _unknown(name, "Optuna has no steps on a logarithmic scale", "leave the step out, or list the choices")
    if isinstance(domain, Float):
        return Drawn(FloatDistribution(domain.lower, domain.upper, log=log, step=step))
    # Tune leaves the upper end of whole numbers out, but not where they go in steps.
    upper = domain.upper - 1 if step in (None, 1) else domain.upper
    return Drawn(IntDistribution(domain.lower, upper, log=log, step=int(step or 1)))


def _unknown(name: str, what: str, hint: str) -> ConfigurationError:
    return ConfigurationError(what, where=f"space: {name}", hint=hint)

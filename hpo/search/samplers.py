"""Which Optuna sampler draws which trial: a new one for every draw, so that it depends on its seed and what it sees."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Literal

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.search_space import IntersectionSearchSpace
from optuna.study import Study
from optuna.trial import FrozenTrial

from hpo.config.models import SamplerConfig
from hpo.errors import ConfigurationError
from hpo.space import SearchSpace

STARTUP_TRIALS = (
    3  # random draws after the default and the known configurations; Optuna's own ten cost a third of a study
)
SamplerName = Literal["tpe", "gp", "random", "grid"]


class SharedTPESampler(optuna.samplers.TPESampler):
    """Optuna's, but with the search space of the finished trials worked out once, and not anew by every sampler.

    That is half of a draw at 20,000 trials, and changes no draw.
    """

    intersection: IntersectionSearchSpace | None = None

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """The parameters that are drawn together; see Optuna."""
        if self.intersection is None:
            return super().infer_relative_search_space(study, trial)
        found = self.intersection.calculate(study, use_cache=True)
        return {name: distribution for name, distribution in found.items() if not distribution.single()}


def check_sampler(config: SamplerConfig) -> None:
    """Raises ConfigurationError where the sampler's library is not installed."""
    if config.name == "gp" and importlib.util.find_spec("torch") is None:
        raise ConfigurationError(
            "sampler gp needs torch, which is not installed",
            where="sampler.name",
            hint="pip install -c constraints.txt '.[llm]', or take sampler tpe",
        )


def sampler_for(name: SamplerName, space: SearchSpace, seed: int) -> BaseSampler:
    """A fresh sampler; ``random`` serves start-up draws too.

    TPE is multivariate and, on conditional spaces, grouped; GP takes expected improvement and draws conditional
    parameters at random, as its surrogate knows only those that every trial has.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if name == "tpe":
            kind = optuna.samplers.TPESampler if space.conditional else SharedTPESampler
            return kind(seed=seed, n_startup_trials=1, multivariate=True, group=space.conditional, constant_liar=True)
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)
        return optuna.samplers.RandomSampler(seed=seed)

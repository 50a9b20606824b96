"""Which Optuna sampler draws which trial: a new one for every draw, so that it depends on its seed and what it sees."""

from __future__ import annotations

import importlib.util
import warnings
from typing import Literal

import optuna
from optuna.samplers import BaseSampler

from hpo.config.models import SamplerConfig
from hpo.errors import ConfigurationError
from hpo.space import SearchSpace

STARTUP_TRIALS = (
    3  # random draws after the default and the known configurations; Optuna's own ten cost a third of a study
)
SamplerName = Literal["tpe", "gp", "random", "grid"]


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
            return optuna.samplers.TPESampler(
                seed=seed, n_startup_trials=1, multivariate=True, group=space.conditional, constant_liar=True
            )
        if name == "gp":
            return optuna.samplers.GPSampler(seed=seed, n_startup_trials=1, warn_independent_sampling=False)
        return optuna.samplers.RandomSampler(seed=seed)

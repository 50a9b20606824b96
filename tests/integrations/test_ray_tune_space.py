"""Search spaces for Ray Tune: what Optuna is asked for, and what the trainable gets."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

pytest.importorskip("ray")
from ray import tune

from hpo.config.space import Categorical, Constant, LogUniform, Ratio
from hpo.errors import ConfigurationError
from hpo.integrations.ray_tune_space import space_of
from hpo.space import SearchSpace


def drawn(space: Any, seed: int = 0) -> tuple[dict[str, Any], optuna.trial.FrozenTrial]:
    """A configuration as the trainable gets it, and the trial that it was drawn from."""
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    trial = study.ask()
    config = space_of(space).suggest(trial)
    return config, study.trials[0]


@pytest.mark.parametrize(
    ("domain", "distribution"),
    [
        (tune.uniform(0, 2), FloatDistribution(0, 2)),
        (tune.quniform(0, 2, 0.5), FloatDistribution(0, 2, step=0.5)),
        (tune.loguniform(1e-5, 1e-2), FloatDistribution(1e-5, 1e-2, log=True)),
        (tune.randint(1, 5), IntDistribution(1, 4)),  # Tune leaves the upper end out
        (tune.qrandint(8, 64, 8), IntDistribution(8, 64, step=8)),  # but not where there are steps
        (tune.lograndint(1, 65), IntDistribution(1, 64, log=True)),
        (tune.choice(["adam", "sgd", None]), CategoricalDistribution(["adam", "sgd", None])),
    ],
)
def test_domains_of_tune_become_distributions_with_the_same_values(domain: Any, distribution: Any) -> None:
    assert drawn({"a": domain})[1].distributions == {"a": distribution}


@pytest.mark.parametrize(
    ("domain", "what"),
    [
        (tune.grid_search([1, 2]), "a grid has no equal"),
        (tune.sample_from(lambda spec: 1), "Function has no equal"),
        (tune.randn(0, 1), "Normal has no equal"),
        (tune.qloguniform(1e-4, 1e-1, 5e-5), "no steps on a logarithmic scale"),
    ],
)
def test_what_optuna_has_no_equal_for_is_refused_by_its_name(domain: Any, what: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"space: model/a: .*{what}"):
        space_of({"model": {"a": domain}})


def test_a_nested_space_gives_a_nested_configuration_with_its_constants() -> None:
    config, trial = drawn({"optim": {"lr": FloatDistribution(0, 1), "name": "adam"}, "rank": tune.choice([8])})
    assert set(trial.params) == {"optim/lr", "rank"}
    assert config == {"optim": {"lr": trial.params["optim/lr"], "name": "adam"}, "rank": 8}


def test_choices_that_optuna_cannot_store_reach_the_trainable_as_they_are() -> None:
    # given lists, and values that are equal in Python but not the same
    layers = [["q", "v"], ["q", "k", "v"]]
    seen = {str(drawn({"layers": tune.choice(layers)}, seed)[0]["layers"]) for seed in range(10)}
    assert seen == {str(each) for each in layers}
    flags = {repr(drawn({"flag": tune.choice([True, 0])}, seed)[0]["flag"]) for seed in range(10)}
    assert flags == {"True", "0"}


def test_a_search_space_of_ours_keeps_its_ratios_and_conditions() -> None:
    space = SearchSpace.of(
        {
            "method": Categorical(type="categorical", choices=("lora", "full")),
            "rank": Categorical(type="categorical", choices=(8, 16), when={"method": "lora"}),
            "alpha": Ratio(type="ratio", of="rank", choices=(2.0,)),
            "lr": LogUniform(type="log_uniform", low=1e-5, high=1e-2),
            "epochs": Constant(type="constant", value=3),
        }
    )
    for seed in range(8):
        config, trial = drawn(space, seed)
        assert config["epochs"] == 3
        if config["method"] == "lora":
            assert config["alpha"] == 2 * config["rank"] and trial.params["alpha_per_rank"] == 2
        else:
            assert set(config) == {"method", "lr", "epochs"}


def test_a_function_draws_and_adds_constants() -> None:
    def space(trial: optuna.trial.BaseTrial) -> dict[str, Any]:
        trial.suggest_float("lr", 0, 1)
        return {"epochs": 3}

    config, trial = drawn(space)
    assert config == {"lr": trial.params["lr"], "epochs": 3}


def test_a_known_configuration_outside_the_space_is_refused() -> None:
    space = space_of({"optim": {"lr": FloatDistribution(0, 1)}})
    assert space.encode({"optim": {"lr": 0.5}}) == {"optim/lr": 0.5}
    with pytest.raises(ConfigurationError, match=r"optim/lr: 2\.0 lies outside the space"):
        space.encode({"optim": {"lr": 2.0}})
    with pytest.raises(ConfigurationError, match="optim/lr is missing"):
        space.encode({})


def test_a_space_without_anything_to_draw_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="nothing in it is drawn"):
        space_of({"lr": 0.1})

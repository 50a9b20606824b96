"""Claims about the search space."""

from __future__ import annotations

import itertools
import json
import warnings
from pathlib import Path
from typing import Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from hpo.config.document import parse_mapping
from hpo.config.space import Parameter
from hpo.errors import ConfigurationError
from hpo.space import SearchSpace

ADAPTER: TypeAdapter[dict[str, Parameter]] = TypeAdapter(dict[str, Parameter])

CONDITIONAL = {
    "learning_rate": {"type": "log_uniform", "low": 3e-5, "high": 2e-3, "default": 3e-4},
    "method": {"type": "categorical", "choices": ["lora", "rslora", "dora", "full"]},
    "lora_rank": {
        "type": "categorical",
        "choices": [4, 8, 16],
        "default": 8,
        "when": {"method": ["lora", "rslora", "dora"]},
    },
    "lora_alpha": {"type": "ratio", "of": "lora_rank", "choices": [1, 2, 4]},
    "target_modules": {
        "type": "categorical",
        "choices": ["all-linear", ["q_proj", "v_proj"]],
        "when": {"method": "lora"},
    },
    "optim": {"type": "constant", "value": "adamw_torch"},
}
FINITE = {name: spec for name, spec in CONDITIONAL.items() if name != "learning_rate"} | {
    "dropout": {"type": "uniform", "low": 0.0, "high": 0.25, "step": 0.1, "when": {"lora_alpha": [16, 32]}},
    "batch_size": {"type": "int_uniform", "low": 4, "high": 15, "step": 4},
    "layers": {"type": "int_log_uniform", "low": 1, "high": 3, "when": {"method": "full"}},
}


def space(spec: dict[str, Any], **fixed: Any) -> SearchSpace:
    return SearchSpace.of(ADAPTER.validate_python(spec), fixed)


def drawn(of: SearchSpace, seed: int) -> dict[str, Any]:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=seed))
    return of.suggest(study.ask())


@pytest.fixture(autouse=True)
def quiet():
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        yield


def test_absolute_values_come_from_ratios_and_lists_and_constants():
    raw = {
        "learning_rate": 1e-4,
        "method": "lora",
        "lora_rank": 16,
        "lora_alpha_per_lora_rank": 2.0,
        "target_modules": '["q_proj", "v_proj"]',
    }
    found = space(CONDITIONAL).settings(raw)
    assert found == {
        "learning_rate": 1e-4,
        "method": "lora",
        "lora_rank": 16,
        "lora_alpha": 32,
        "target_modules": ["q_proj", "v_proj"],
        "optim": "adamw_torch",
    }
    assert isinstance(found["lora_alpha"], int)


def test_a_parameter_without_its_condition_or_its_base_does_not_exist():
    of = space(CONDITIONAL)
    assert of.settings({"learning_rate": 1e-4, "method": "full"}).keys() == {"learning_rate", "method", "optim"}
    assert of.encode({"method": "full", "lora_rank": 16, "target_modules": "all-linear"}).keys() == {
        "learning_rate",
        "method",
    }


def test_a_ratio_of_a_fixed_setting_uses_it():
    of = space({"lora_alpha": {"type": "ratio", "of": "lora_rank", "choices": [0.5, 2]}}, lora_rank=8)
    assert of.default() == {"lora_alpha_per_lora_rank": 2.0}
    assert of.settings({"lora_alpha_per_lora_rank": 0.5}) == {"lora_alpha": 4}
    assert of.encode({"lora_alpha": 4.0}) == of.encode({"lora_alpha_per_lora_rank": 0.5})


def test_a_ratio_that_does_not_come_out_whole_stays_a_fraction():
    of = space({"lora_alpha": {"type": "ratio", "of": "lora_rank", "choices": [0.3]}}, lora_rank=8)
    assert of.settings(of.default()) == {"lora_alpha": pytest.approx(2.4)}


def test_a_condition_on_a_fixed_setting_is_decided_by_it():
    spec = {"lora_rank": {"type": "categorical", "choices": [4, 8], "when": {"method": "lora"}}}
    assert space(spec, method="lora").size() == 2
    assert space(spec, method="dora").size() == 1
    assert not space(spec, method="lora").conditional


def test_a_parameter_may_stand_before_what_it_refers_to():
    spec = dict(reversed(CONDITIONAL.items()))
    of = space(spec)
    assert of.settings(of.default()) == space(CONDITIONAL).settings(space(CONDITIONAL).default())


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"type": "uniform", "low": 0, "high": 1}, 0.5),
        ({"type": "uniform", "low": 0, "high": 0.35, "step": 0.1}, 0.1),
        ({"type": "log_uniform", "low": 1e-4, "high": 1e-2}, 1e-3),
        ({"type": "int_uniform", "low": 1, "high": 9, "step": 2}, 5),
        ({"type": "int_log_uniform", "low": 4, "high": 64}, 16),
        ({"type": "categorical", "choices": ["b", "a"]}, "b"),
        ({"type": "categorical", "choices": ["b", "a"], "default": "a"}, "a"),
        ({"type": "uniform", "low": 0, "high": 1, "default": 0}, 0.0),
    ],
)
def test_the_default_is_its_own_or_the_middle(spec: dict[str, Any], expected: Any):
    assert space({"x": spec}).default()["x"] == pytest.approx(expected)


def test_the_default_ratio_is_two_where_there_is_a_two():
    assert space({"a": {"type": "ratio", "of": "r", "choices": [1, 2]}}, r=4).default() == {"a_per_r": 2.0}
    assert space({"a": {"type": "ratio", "of": "r", "choices": [1, 4]}}, r=4).default() == {"a_per_r": 1.0}


def test_a_high_off_the_grid_is_lowered_without_a_warning():
    of = space({"x": {"type": "uniform", "low": 0.1, "high": 0.45, "step": 0.1}})
    assert [of.settings(raw)["x"] for raw in of.grid()] == [0.1, 0.2, 0.3, 0.4]


@pytest.mark.parametrize(
    ("known", "named"),
    [
        ({"learning_rate": 1.0}, "3e-05 to 0.002"),
        ({"learning_rate": "high"}, "3e-05 to 0.002"),
        ({"learning_rate": float("nan")}, "3e-05 to 0.002"),
        ({"lora_rank": 5}, "4, 8, 16"),
        ({"lora_rank": True}, "4, 8, 16"),
        ({"lora_alpha": 3}, "lora_rank times 1, 2, 4"),
        ({"lora_alpha_per_lora_rank": 3}, "lora_rank times 1, 2, 4"),
        ({"optim": "sgd"}, "adamw_torch"),
        ({"lora_rnk": 8}, "did you mean lora_rank?"),
    ],
)
def test_a_value_outside_is_refused_with_what_is_allowed(known: dict[str, Any], named: str):
    with pytest.raises(ConfigurationError) as caught:
        space(CONDITIONAL).encode(known)
    assert named in str(caught.value)


def test_every_fault_of_a_configuration_is_in_one_error():
    with pytest.raises(ConfigurationError) as caught:
        space(CONDITIONAL).encode({"learning_rate": 1, "lora_rank": 5, "colour": "red"})
    assert {fault.where for fault in caught.value.faults} == {"learning_rate", "lora_rank", "colour"}


def test_parameters_that_refer_in_a_circle_are_refused():
    spec = {
        "a": {"type": "categorical", "choices": [1, 2], "when": {"b": 1}},
        "b": {"type": "categorical", "choices": [1, 2], "when": {"a": 1}},
    }
    with pytest.raises(ConfigurationError, match="circle"):
        space(spec)


def test_true_is_not_one_and_none_is_a_choice():
    of = space({"x": {"type": "categorical", "choices": [True, "1", None]}})
    assert of.encode({"x": None}) == {"x": None}
    with pytest.raises(ConfigurationError):
        of.encode({"x": 1})


def test_the_grid_is_the_full_product_where_nothing_is_conditional():
    of = space({"a": {"type": "categorical", "choices": [1, 2]}, "b": {"type": "int_uniform", "low": 0, "high": 2}})
    assert [(raw["a"], raw["b"]) for raw in of.grid()] == list(itertools.product([1, 2], [0, 1, 2]))


def test_the_grid_has_as_many_configurations_as_the_size_says():
    of = space(FINITE)
    keys = [of.key(raw) for raw in of.grid()]
    exact = [rank * ratio in (16, 32) for rank in (4, 8, 16) for ratio in (1, 2, 4)]
    adapters = sum(3 if has_dropout else 1 for has_dropout in exact)
    assert (
        of.size() == len(keys) == len(set(keys)) == 3 * (2 * adapters + adapters + adapters + 3)
    )  # lora, rslora, dora, full


def test_a_continuous_space_has_no_size_and_no_grid():
    assert space(CONDITIONAL).size() is None
    with pytest.raises(ConfigurationError, match="learning_rate"):
        space(CONDITIONAL).grid()


def test_a_continuous_parameter_that_never_exists_leaves_the_size_finite():
    spec = {"x": {"type": "uniform", "low": 0, "high": 1, "when": {"method": "dora"}}}
    assert space(spec, method="lora").size() == 1


def test_equal_configurations_have_equal_keys_whatever_their_rounding():
    of = space({"x": {"type": "uniform", "low": 0.1, "high": 0.5, "step": 0.1}})
    assert of.key({"x": 0.1 + 2 * 0.1}) == of.key({"x": 0.3}) != of.key({"x": 0.4})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), finite=st.booleans())
def test_absolute_values_of_any_draw_encode_to_the_same_configuration(seed: int, finite: bool):
    of = space(FINITE if finite else CONDITIONAL)
    raw = drawn(of, seed)
    absolute = of.settings(raw)
    again = of.encode(absolute)
    assert of.settings(again) == absolute
    assert of.key(again) == of.key(raw)
    assert json.loads(json.dumps(absolute)) == absolute
    assert of.encode(raw | {n: v for n, v in absolute.items() if n == "target_modules"}).keys() == raw.keys()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_every_draw_is_inside_and_keeps_its_conditions(seed: int):
    of = space(FINITE)
    raw = drawn(of, seed)
    held = of.distributions(raw)
    assert held.keys() == raw.keys()
    assert all(held[name]._contains(held[name].to_internal_repr(value)) for name, value in raw.items())
    absolute = of.settings(raw)
    assert ("lora_rank" in absolute) == (absolute["method"] != "full") == ("lora_alpha" in absolute)
    assert ("target_modules" in absolute) == (absolute["method"] == "lora")
    assert ("dropout" in absolute) == (absolute.get("lora_alpha") in (16, 32))
    assert ("layers" in absolute) == (absolute["method"] == "full")


numbers = st.tuples(st.floats(-1e3, 1e3), st.floats(0, 1e3), st.floats(1e-3, 1e2))


@settings(max_examples=100, deadline=None)
@given(bounds=numbers)
def test_optuna_accepts_every_point_of_a_step_grid(bounds: tuple[float, float, float]):
    low, width = round(bounds[0], 3), round(bounds[1], 3)
    step = max(round(bounds[2], 3), width / 500)
    of = space({"x": {"type": "uniform", "low": low, "high": low + width, "step": step}})
    (held,) = of.distributions({"x": 0}).values()
    grid = list(of.grid())
    assert len(grid) == of.size()
    assert all(held._contains(held.to_internal_repr(raw["x"])) for raw in grid)
    assert of.encode(of.settings(grid[-1])) == grid[-1]


@pytest.mark.parametrize(
    "sampler",
    [
        lambda: optuna.samplers.TPESampler(seed=0, n_startup_trials=3, multivariate=True, group=True),
        lambda: optuna.samplers.GPSampler(seed=0, n_startup_trials=3),
        lambda: optuna.samplers.RandomSampler(seed=0),
    ],
    ids=["tpe", "gp", "random"],
)
def test_a_real_study_runs_on_a_conditional_space(sampler: Any):
    of = space(CONDITIONAL)
    study = optuna.create_study(sampler=sampler())
    study.enqueue_trial(of.default())
    for _ in range(8):
        trial = study.ask()
        raw = of.suggest(trial)
        assert trial.params == raw
        assert trial.distributions == of.distributions(raw)
        study.tell(trial, of.settings(raw)["learning_rate"])
    assert of.suggest(optuna.trial.FixedTrial(of.default())) == of.default() == study.trials[0].params


@pytest.mark.parametrize("name", ["lora", "lora_encoder", "lora_variants", "full_finetune", "tfidf_logistic"])
def test_every_ready_space_is_sound_and_names_its_sources(name: str):
    text = (Path(__file__).parents[1] / "search_spaces" / f"{name}.yaml").read_text("utf-8")
    values = parse_mapping(text, f"{name}.yaml", Path()).values
    of = space(values, lora_dropout=0.0)
    default = of.settings(of.default())
    assert {n: p.default for n, p in of.parameters.items() if p.default is not None}.items() <= {
        **default,
        "lora_alpha": 2.0,  # the ratio stands in the file, the absolute value in the settings
    }.items()
    assert of.encode(default) == of.default()
    assert "# Sources" in text


def test_the_default_of_the_ready_space_for_causal_models_is_the_documented_one():
    text = (Path(__file__).parents[1] / "search_spaces" / "lora.yaml").read_text("utf-8")
    of = space(parse_mapping(text, "lora.yaml", Path()).values)
    assert of.settings(of.default()) == {"learning_rate": 3e-4, "lora_rank": 16, "lora_alpha": 32, "batch_size": 16}

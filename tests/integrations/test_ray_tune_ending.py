"""How a trial's end is told to Optuna, for every way in which one can end."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hpo.config.models import ConstraintConfig
from hpo.integrations.ray_tune_ending import Cause, ending_of

BOUND = [ConstraintConfig(metric="latency_ms", max=30)]
RESULT = {"loss": 1.5, "latency_ms": 36.0, "done": True, "training_iteration": 9, "pid": 77, "config/x": 0.5}


@pytest.mark.parametrize(
    ("result", "cause", "told"),
    [
        ({"loss": 1.5}, Cause(), ("COMPLETE", [1.5], None)),
        ({"loss": np.float32(1.5)}, Cause(), ("COMPLETE", [1.5], None)),
        ({"loss": 1.5}, Cause(scheduler="stopped by ASHA"), ("PRUNED", [1.5], "scheduler")),
        ({}, Cause(scheduler="stopped by ASHA"), ("PRUNED", None, "scheduler")),
        ({"loss": math.nan}, Cause(), ("FAIL", None, "not_finite")),
        ({"loss": math.inf}, Cause(), ("FAIL", None, "not_finite")),
        ({"loss": math.nan}, Cause(scheduler="stopped by ASHA"), ("FAIL", None, "not_finite")),
        ({"loss": 1.5}, Cause(error="ValueError: no"), ("FAIL", None, "error")),
        ({"loss": 1.5}, Cause(cut="over"), ("FAIL", None, "cut")),
        ({}, Cause(), ("FAIL", None, "no_result")),
        ({"accuracy": 0.5}, Cause(), ("FAIL", None, "no_result")),
        ({"loss": "1.5"}, Cause(), ("FAIL", None, "no_result")),
    ],
)
def test_state_value_and_reason(result: dict[str, object], cause: Cause, told: tuple[object, ...]) -> None:
    ending = ending_of(["loss"], [], result, cause)
    assert (ending.state, ending.values, ending.attributes.get("reason")) == told
    assert ending.constraints == ()


def test_several_objectives_have_no_value_where_the_trial_was_stopped() -> None:
    both = {"loss": 1.5, "cost": 2.0}
    assert ending_of(["loss", "cost"], [], both, Cause()).values == [1.5, 2.0]
    stopped = ending_of(["loss", "cost"], [], both, Cause(scheduler="stopped by ASHA"))
    assert (stopped.state, stopped.values) == ("PRUNED", None)
    assert (stopped.attributes["loss"], stopped.attributes["cost"]) == (1.5, 2.0)


def test_a_bound_is_told_with_every_end_and_what_was_not_measured_breaks_it() -> None:
    kept = ending_of(["loss"], BOUND, RESULT | {"latency_ms": 20.0}, Cause())
    broken = ending_of(["loss"], BOUND, RESULT, Cause())
    unknown = ending_of(["loss"], BOUND, {}, Cause(error="ValueError: no"))
    assert [e.constraints for e in (kept, broken, unknown)] == [(-10.0,), (6.0,), (1.0,)]
    assert [e.attributes.get("feasible") for e in (kept, broken, unknown)] == [True, False, None]
    assert broken.attributes["violation"] == "latency_ms <= 30 by 6"


def test_attributes_are_what_the_trainable_measured() -> None:
    ending = ending_of(["loss"], [], RESULT, Cause())
    assert ending.attributes == {"loss": 1.5, "latency_ms": 36.0, "training_iteration": 9.0}

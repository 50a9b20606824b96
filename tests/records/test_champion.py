"""The champion is the best primary metric among complete, feasible trials."""

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from hpo.config.models import ObjectiveConfig
from hpo.records.champion import better, champion, pareto_front, ranked, value_of
from hpo.records.record import Record

ACCURACY = ObjectiveConfig(metric="accuracy", direction="maximize")
SECONDS = ObjectiveConfig(metric="train_seconds", direction="minimize")


def record(number: int, accuracy: float, seconds: float = 1.0, **changes: Any) -> Record:
    values: dict[str, Any] = {"state": "complete", "feasible": True, **changes}
    return Record(
        number, {}, {}, "tpe", 0.0, metrics={"accuracy": accuracy}, measurements={"train_seconds": seconds}, **values
    )


def test_best_complete_feasible_trial_wins() -> None:
    records = [
        record(0, 0.5),
        record(1, 0.7),
        record(2, 0.9, feasible=False),
        record(3, 0.95, state="pruned"),
        record(4, math.nan),
    ]
    best = champion(records, ACCURACY)
    assert best is not None and best.number == 1
    assert [r.number for r in ranked(records, ACCURACY)] == [1, 0]


def test_minimised_measurement_can_be_primary() -> None:
    best = champion([record(0, 0.5, 9.0), record(1, 0.4, 3.0)], SECONDS)
    assert best is not None and best.number == 1
    assert better(3.0, 9.0, SECONDS) and not better(3.0, 3.0, SECONDS) and better(0.7, 0.5, ACCURACY)


def test_among_equals_the_lower_number_wins_whatever_the_order() -> None:
    best = champion([record(7, 0.5), record(2, 0.5)], ACCURACY)
    assert best is not None and best.number == 2


def test_there_is_no_champion_without_a_complete_feasible_trial() -> None:
    assert champion([record(0, 0.5, state="failed", feasible=None), record(1, math.inf)], ACCURACY) is None
    assert value_of(record(0, math.inf), "accuracy") is None and value_of(record(0, 0.5), "absent") is None


def test_pareto_front_keeps_equals_and_drops_dominated() -> None:
    records = [record(0, 0.5, 1.0), record(1, 0.7, 2.0), record(2, 0.6, 2.0), record(3, 0.7, 2.0), record(4, 0.9, 9.0)]
    assert [r.number for r in pareto_front(records, (ACCURACY, SECONDS))] == [4, 1, 3, 0]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), max_size=12))
def test_pareto_front_equals_its_definition(values: list[tuple[int, int]]) -> None:
    records = [record(number, a, s) for number, (a, s) in enumerate(values)]
    expected = {
        number
        for number, (a, s) in enumerate(values)
        if not any(x >= a and y <= s and (x, y) != (a, s) for x, y in values)
    }
    assert {r.number for r in pareto_front(records, (ACCURACY, SECONDS))} == expected

"""Successive halving decides from the records alone."""

from __future__ import annotations

from hpo.config.models import PrunerConfig
from hpo.records import Point, Record
from hpo.search.halving import Decision, Halving

RULE = Halving.of(PrunerConfig(min_fraction=0.25, reduction_factor=3), "loss", "minimize", ordered=True)


def trial(number: int, *losses: float, ended: bool = False, rungs: dict[float, bool] | None = None) -> Record:
    """A running trial with a loss at each quarter of its length."""
    curve = tuple(Point(10 * i, i / 4, {"loss": loss}) for i, loss in enumerate(losses, 1))
    record = Record(number, {}, {}, "random", 0.0, curve=curve, rungs=rungs or {})
    return record if not ended else Record(**{**vars(record), "result": {"state": "complete"}})


def decided(*records: Record, rule: Halving = RULE) -> list[Decision]:
    return list(rule.decisions({record.number: record for record in records}))


def test_rungs_grow_by_the_reduction_factor() -> None:
    assert Halving.of(PrunerConfig(min_fraction=0.1), "loss", "minimize", ordered=True).rungs == (
        0.1, 0.30000000000000004, 0.9000000000000001,
    )  # fmt: skip
    assert Halving.of(PrunerConfig(name="none"), "loss", "minimize", ordered=True).rungs == ()


def test_the_first_trial_is_never_stopped() -> None:
    assert decided(trial(0, 9.0)) == [Decision(0, 0.25, stop=False)]


def test_nobody_is_stopped_before_a_rung_has_as_many_values_as_the_reduction_factor() -> None:
    decided_first = trial(0, 1.0, rungs={0.25: False})
    assert decided(decided_first, trial(1, 9.0)) == [Decision(1, 0.25, stop=False)]


def test_only_the_best_third_goes_on() -> None:
    before = [trial(0, 1.0, rungs={0.25: False}), trial(1, 3.0, rungs={0.25: False})]
    assert decided(*before, trial(2, 2.0)) == [Decision(2, 0.25, stop=True)]
    assert decided(*before, trial(2, 0.5)) == [Decision(2, 0.25, stop=False)]


def test_a_tie_with_the_last_place_goes_on() -> None:
    before = [trial(0, 1.0, rungs={0.25: False}), trial(1, 3.0, rungs={0.25: False})]
    assert decided(*before, trial(2, 1.0)) == [Decision(2, 0.25, stop=False)]


def test_an_ordered_decision_waits_for_a_slower_earlier_trial_and_ignores_later_ones() -> None:
    first = trial(0, 1.0, rungs={0.25: False})
    assert decided(first, trial(1), trial(2, 9.0)) == []
    later = [trial(3, 0.1), trial(4, 0.2)]
    waiting = {d.number for d in decided(first, trial(1), trial(2, 9.0), *later)}
    assert waiting == set()


def test_an_unordered_decision_uses_what_is_there() -> None:
    rule = Halving.of(PrunerConfig(min_fraction=0.25), "loss", "minimize", ordered=False)
    first = trial(0, 1.0, rungs={0.25: False})
    last = trial(3, 0.5, rungs={0.25: False})
    assert decided(first, trial(1), trial(2, 9.0), last, rule=rule) == [Decision(2, 0.25, stop=True)]


def test_an_earlier_trial_that_ended_before_the_rung_is_not_waited_for() -> None:
    first = trial(0, 1.0, rungs={0.25: False})
    assert decided(first, trial(1, ended=True), trial(2, 9.0)) == [Decision(2, 0.25, stop=False)]


def test_what_a_rival_did_after_it_was_stopped_does_not_count() -> None:
    rule = Halving.of(PrunerConfig(min_fraction=0.25, reduction_factor=2), "loss", "minimize", ordered=True)
    first = trial(0, 5.0, 5.0, rungs={0.25: False, 0.5: False})
    stopped = trial(1, 6.0, 0.1, rungs={0.25: True})
    assert decided(first, stopped, trial(2, 1.0, 4.0, rungs={0.25: False}), rule=rule) == [Decision(2, 0.5, stop=False)]


def test_a_run_at_its_end_is_not_stopped() -> None:
    rule = Halving.of(PrunerConfig(min_fraction=0.9), "loss", "minimize", ordered=True)
    records = [trial(n, 1.0, 1.0, 1.0, 1.0 + n) for n in range(4)]
    assert decided(*records, rule=rule) == []

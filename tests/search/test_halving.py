"""Successive halving decides from the records alone."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from hpo.config.models import PrunerConfig
from hpo.records import Point, Record
from hpo.search.halving import WAIT, Decision, Halving, Rungs

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


# The standing kept up to date, against a look at all trials


def by_hand(rule: Halving, records: dict[int, Record]) -> list[Decision]:
    """The rule as the module states it, from all records."""
    found = []
    for number, record in sorted(records.items()):
        rung = None if record.told else rule.next_rung(record)
        if rung is None:
            continue
        own = rule.value(record, rung)
        if number == 0 or own is None:
            found.append(Decision(number, rung, stop=False))
            continue
        seen = {n: rule.shown(r, rung) for n, r in records.items() if not rule.ordered or n <= number}
        if rule.ordered and any(value == WAIT for n, value in seen.items() if n != number):
            continue
        values = [value for value in seen.values() if isinstance(value, float)]
        places, better = len(values) // rule.reduction_factor, sum(value > -own for value in values)
        found.append(Decision(number, rung, stop=1 <= places <= better))
    return found


def changed(record: Record, chance: random.Random, rule: Halving) -> Record:
    """A next step of a trial: one more evaluation, an end, a return to an earlier checkpoint, a missing metric."""
    done, what = len(record.curve), chance.random()
    if done == 8 or what < 0.07:
        end = replace(record, result={"state": "complete"})
        cut = record.curve[: chance.randint(0, done)] if chance.random() < 0.2 else record.curve  # early stopping
        return replace(end, told=True, state="complete", curve=cut) if rule.settled(end) else end
    if what < 0.12 and done:
        done = chance.randrange(done)
    loss = {} if chance.random() < 0.05 else {"loss": float(chance.randint(0, 6))}
    return replace(record, curve=(*record.curve[:done], Point(done + 1, (done + 1) / 8, loss)))


@pytest.mark.parametrize("ordered", [True, False], ids=["ordered", "unordered"])
@pytest.mark.parametrize("seed", range(12))
def test_decisions_from_the_standing_are_those_of_a_look_at_all_trials(seed: int, ordered: bool) -> None:
    rule = Halving.of(PrunerConfig(min_fraction=0.125, reduction_factor=2), "loss", "minimize", ordered=ordered)
    chance, rungs = random.Random(seed), Rungs(rule)
    records: dict[int, Record] = {}
    stops = 0
    for _ in range(250):
        number = chance.randint(max(0, len(records) - 6), len(records)) if chance.random() < 0.9 else 0
        record = records.get(number) or Record(number, {}, {}, "random", 0.0)
        if not record.ended and rule.stopped_at(record) is None:
            record = changed(record, chance, rule)
        elif rule.settled(record):
            record = replace(record, told=True, state="pruned", result={"state": "stopped"})
        records[number] = record
        rungs.update(record)
        while expected := by_hand(rule, records):
            assert rungs.decisions() == expected
            for decision in expected:
                stops += decision.stop
                before = records[decision.number]
                records[decision.number] = replace(before, rungs={**before.rungs, decision.rung: decision.stop})
                rungs.update(records[decision.number])
        assert rungs.decisions() == []
    assert stops >= 3

"""The search on simulated workers: what it asks, decides and tells, and that nothing depends on who was faster."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import optuna
import pytest

from hpo.errors import TrialFailure
from hpo.objective import Progress, Trial
from hpo.search.loop import default_lookahead
from tests.search.conftest import FINITE, Bench, losses, table

ONE = [{"metric": "loss", "direction": "minimize"}]
TWO = [*ONE, {"metric": "size", "direction": "minimize"}]


def stored(bench: Bench) -> list[optuna.trial.FrozenTrial]:
    study = optuna.load_study(study_name="bench", storage=f"sqlite:///{bench.folder.database}")
    return study.get_trials(deepcopy=False)


def test_the_default_comes_first_then_the_known_then_random_draws_then_the_sampler(bench: Bench) -> None:
    search = bench.run(bench.config(known=[{"x": 2.0}, {"x": 0.0}, {"x": -1.0, "kind": "b"}]))
    records = search.state.records
    assert [records[n].source for n in range(8)] == [
        "default", "known", "known", "startup", "startup", "startup", "tpe", "tpe",
    ]  # fmt: skip
    assert records[0].settings == {"x": 0.0, "y": pytest.approx(1e-3), "kind": "a"}
    assert records[2].settings == {
        "x": -1.0,
        "y": pytest.approx(1e-3),
        "kind": "b",
    }  # the known copy of the default is not run


@pytest.mark.parametrize("sampler", ["tpe", "gp", "random", "grid"])
@pytest.mark.parametrize("objectives", [ONE, TWO], ids=["one", "two"])
def test_ordered_mode_gives_the_same_study_on_any_number_of_workers(
    new_bench: Callable[[], Bench], sampler: str, objectives: list[dict[str, str]]
) -> None:
    changes = {"sampler": {"name": sampler, "seed": 5}, "objectives": objectives}
    if sampler == "grid":
        changes["search_space"] = FINITE
    if sampler == "gp":  # its fits take seconds
        changes["budget"] = {"trials": 9}
    tables = []
    for workers in (1, 3, 8):
        bench = new_bench()
        tables.append(table(bench.run(bench.config(**changes), workers=workers, lookahead=4)))
    assert tables[0] == tables[1] == tables[2]
    assert {"complete", "pruned"} <= {row[2] for row in tables[0]}


@pytest.mark.parametrize("stop_after", [1, 4, 9, 17, 30, 44])
def test_a_search_dropped_anywhere_ends_as_if_undisturbed(new_bench: Callable[[], Bench], stop_after: int) -> None:
    calm, disturbed = new_bench(), new_bench()
    config = calm.config()
    expected = table(calm.run(config, workers=3, lookahead=4))
    disturbed.run(config, workers=3, lookahead=4, stop_after=stop_after)
    assert table(disturbed.run(config, workers=3, lookahead=4)) == expected
    assert [(t.state, t.values, t.params) for t in stored(disturbed)] == [
        (t.state, t.values, t.params) for t in stored(calm)
    ]


def test_extending_the_budget_goes_on_where_the_search_ended(new_bench: Callable[[], Bench]) -> None:
    whole, parts = new_bench(), new_bench()
    expected = table(whole.run(whole.config(budget={"trials": 14})))
    parts.run(parts.config(budget={"trials": 6}))
    assert table(parts.run(parts.config(budget={"trials": 14}))) == expected


def test_a_finite_space_ends_well_when_it_is_exhausted(bench: Bench) -> None:
    for sampler in ("random", "grid"):
        search = bench.run(bench.config(search_space=FINITE, sampler={"name": sampler}, budget={"trials": 50}))
        keys = [tuple(sorted(r.params.items())) for r in search.state.records.values()]
        assert len(keys) == len(set(keys)) == 8
        assert search.reason == "the search space is exhausted"


def breaks(trial: Trial) -> Iterator[Progress]:
    """Fails at once."""
    raise TrialFailure("diverged", "the loss is inf")
    yield


def test_the_same_failure_on_the_first_three_trials_stops_the_study(bench: Bench) -> None:
    search = bench.run(bench.config(), train=breaks)
    assert len(search.state.records) == 3
    assert "diverged: the loss is inf" in search.reason
    assert {t.state.name for t in stored(bench)} == {"FAIL"}


def out_of_memory(trial: Trial) -> Iterator[Progress]:
    """Half of the space does not fit."""
    if trial.searched["x"] > 0.5:
        raise TrialFailure("out_of_memory", "tried to allocate 4 GiB")
    yield from losses(trial)


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_out_of_memory_is_a_constraint_that_optuna_is_told(bench: Bench, sampler: str) -> None:
    search = bench.run(bench.config(sampler={"name": sampler}, budget={"trials": 14}), train=out_of_memory)
    failed = [r for r in search.state.records.values() if r.state == "failed"]
    assert failed and all(r.feasible is False and "memory" in r.violation for r in failed)
    told = {t.number: t for t in stored(bench)}
    assert all(told[r.number].state.name == "PRUNED" for r in failed)
    assert all(told[r.number].system_attrs["constraints"] == [1.0] for r in failed)
    assert all(t.system_attrs["constraints"] == [-1.0] for n, t in told.items() if n not in {r.number for r in failed})


def test_a_violated_constraint_is_written_on_every_trial_and_named(bench: Bench) -> None:
    search = bench.run(bench.config(constraints=[{"metric": "size", "max": 1.5}]))
    for record in search.state.records.values():
        excess = record.metrics["size"] - 1.5
        assert record.constraints == (pytest.approx(excess), -1.0)
        assert record.feasible is (excess <= 0)
        assert stored(bench)[record.number].system_attrs["constraints"][0] == pytest.approx(excess)


def test_a_pruned_trial_shows_what_it_showed_at_its_rung(bench: Bench) -> None:
    search = bench.run(bench.config(), workers=4, lookahead=4)
    pruned = [r for r in search.state.records.values() if r.state == "pruned"]
    assert pruned
    for record in pruned:
        assert record.curve[-1].examples == record.examples < 40
        frozen = stored(bench)[record.number]
        assert frozen.state.name == "PRUNED" and frozen.value == record.metrics["loss"]
        assert max(frozen.intermediate_values) == record.examples


def test_a_plateau_ends_the_search(bench: Bench) -> None:
    search = bench.run(bench.config(budget={"plateau": {"trials": 4}, "trials": 200}))
    assert search.reason == "no better trial among the last 4"
    values = [r.metrics["loss"] for r in search.state.records.values() if r.state == "complete"]
    assert len(search.state.records) < 200 and min(values) < values[0]


def test_a_price_limits_the_search(bench: Bench) -> None:
    config = bench.config(budget={"cost_usd": 0.05}, price_per_device_hour=3.6)
    search = bench.run(config)
    assert search.reason == "budget of 0.05 US dollars used"
    assert 50 <= search.state.device_seconds < 50 + 4 * 13


def test_an_interrupted_search_tells_what_runs_and_asks_no_more(bench: Bench) -> None:
    config = bench.config()
    search = bench.run(config, stop_after=3)
    search.interrupt()
    resumed = bench.run(config)
    assert all(record.told for record in resumed.state.records.values())


def test_five_deaths_without_a_checkpoint_give_a_trial_up(bench: Bench) -> None:
    config = bench.config(budget={"trials": 3})
    for _ in range(5):
        search = bench.run(config, stop_after=2)  # asked and started, then killed
    assert search.state.records[0].attempts == 5
    record = bench.run(config).state.records[0]
    assert (record.state, record.reason) == ("failed", "died")
    assert "5 times" in record.message


@pytest.mark.parametrize(
    ("workers", "trials", "lookahead"), [(1, 30, 1), (2, 30, 8), (8, 30, 10), (8, 200, 32), (64, 30, 64), (4, None, 16)]
)
def test_the_lookahead_follows_the_workers_and_leaves_the_sampler_most_of_the_budget(
    workers: int, trials: int | None, lookahead: int
) -> None:
    assert default_lookahead(workers, trials) == lookahead

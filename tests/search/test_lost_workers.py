"""Workers die, hang and are taken away: their trials are not lost, and none is run to its end twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest

from hpo.objective import Progress, Trial
from hpo.records import read
from hpo.runners.simulated import Death
from tests.search.conftest import Bench, losses, table


def saving(trial: Trial) -> Iterator[Progress]:
    """The losses of ``conftest``, with a checkpoint at each evaluation."""
    done = int((trial.checkpoint / "step").read_text()) if trial.checkpoint else 0
    for step, progress in enumerate(losses(trial), 1):
        if step > done:
            yield Progress(
                progress.examples,
                progress.fraction,
                metrics=progress.metrics,
                checkpoint=lambda folder, step=step: _write(folder, step),  # type: ignore[misc]
            )


def _write(folder: Path, step: int) -> None:
    (folder / "step").write_text(str(step))


def events(bench: Bench, kind: str) -> list[dict[str, object]]:
    return [event for event in read(bench.folder.journal) if event["event"] == kind]


def test_a_study_with_dying_workers_ends_with_the_table_of_an_undisturbed_one(
    new_bench: Callable[[], Bench],
) -> None:
    calm, wild = new_bench(), new_bench()
    deaths = [Death(at, at // 7 % 3, away=2.0) for at in range(5, 60, 7)]
    config = calm.config(runner={"tries": 10})
    undisturbed = calm.run(config, workers=3, lookahead=6, train=saving)
    disturbed = wild.run(config, workers=3, lookahead=6, train=saving, deaths=deaths)
    assert len(events(wild, "lost")) >= 5
    assert table(disturbed) == table(undisturbed)
    assert set(Counter(event["number"] for event in events(wild, "tell")).values()) == {1}


@pytest.mark.parametrize("reason", ["died", "stalled"])
def test_a_trial_that_keeps_losing_workers_fails_with_the_reason(
    bench: Bench, reason: Literal["died", "stalled"]
) -> None:
    deaths = [Death(at / 10, 0, reason=reason) for at in range(5, 100, 5)]  # none lives to the first evaluation
    search = bench.run(bench.config(runner={"tries": 3}, budget={"trials": 1}), deaths=deaths)
    record = search.state.records[0]
    assert (record.state, record.reason, record.attempts) == ("failed", reason, 3)
    assert "3 workers lost in this trial without a new checkpoint" in record.message
    assert [event["attempt"] for event in events(bench, "lost")] == [1, 2, 3]


def test_a_checkpoint_gives_a_trial_all_its_tries_again(bench: Bench) -> None:
    per_evaluation = 1.0  # trial 0 of this seed: see `uneven`
    config = bench.config(runner={"tries": 2}, budget={"trials": 1})
    free = bench.run(config, train=saving).state.records[0]
    seconds = free.measurements["train_seconds"] / 4 or per_evaluation
    again = Bench(bench.folder.root / "again")
    deaths = [Death(seconds * (step + 0.5 * step), 0) for step in (1, 2, 3)]
    record = again.run(config, train=saving, deaths=deaths).state.records[0]
    assert (record.state, record.attempts) == ("complete", 4)
    assert record.metrics == free.metrics


def test_machines_that_are_taken_away_do_not_count_against_a_trial(bench: Bench) -> None:
    deaths = [Death(at / 10, 0, reason="preempted") for at in range(5, 40, 5)]
    search = bench.run(bench.config(runner={"tries": 1}, budget={"trials": 1}), deaths=deaths)
    record = search.state.records[0]
    assert (record.state, record.losses) == ("complete", 0)
    assert record.attempts == len(deaths) + 1


def test_what_a_lost_worker_spent_since_its_checkpoint_is_paid_for(bench: Bench) -> None:
    search = bench.run(bench.config(budget={"trials": 1}), deaths=[Death(0.75, 0)])
    assert search.state.device_seconds == pytest.approx(
        0.75 + search.state.records[0].measurements["device_seconds"], rel=1e-6
    )

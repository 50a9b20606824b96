"""Which rows a step sees, and when a run is evaluated."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpo.config.training import TrainingConfig
from hpo.training.batches import Schedule, by_length, collate, evaluation_steps, examples_seen, make_schedule, split
from hpo.training.encode import pack


def schedule(n: int, batch: int, *, steps: int | None = None, seed: int = 0, grouped: bool = True) -> Schedule:
    lengths = np.random.default_rng(1).integers(3, 40, n)
    return Schedule(lengths, batch, steps or -(-n // batch), grouped, seed)


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 300), st.integers(1, 40), st.booleans(), st.integers(0, 5))
def test_an_epoch_sees_every_row_once(n: int, batch: int, grouped: bool, epoch: int) -> None:
    batches = schedule(n, batch, grouped=grouped).epoch(epoch)
    assert sorted(np.concatenate(batches).tolist()) == list(range(n))
    assert max(len(b) for b in batches) <= batch and len(batches) == -(-n // batch)


def test_batches_depend_on_seed_and_epoch_only() -> None:
    first = [b.tolist() for b in schedule(50, 8).epoch(2)]
    assert first == [b.tolist() for b in schedule(50, 8).epoch(2)]
    assert first != [b.tolist() for b in schedule(50, 8).epoch(3)]
    assert first != [b.tolist() for b in schedule(50, 8, seed=1).epoch(2)]


def test_grouping_and_splitting_save_most_of_the_padding() -> None:
    def padded(one: Schedule, overhead: int) -> int:
        parts = [part for batch in one.epoch(0) for part in split(batch, one.lengths, 16, overhead)]
        return sum(len(part) * int(one.lengths[part].max()) for part in parts)

    grouped, mixed = schedule(400, 16), schedule(400, 16, grouped=False)
    real = int(grouped.lengths.sum())
    assert padded(grouped, 10**6) - real < 0.75 * (padded(mixed, 10**6) - real)
    assert padded(grouped, 32) - real < 0.35 * (padded(mixed, 10**6) - real)


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 200), st.integers(1, 33), st.floats(0.1, 3), st.integers(1, 9))
def test_evaluations_stand_at_equal_fractions_and_end_at_one(n: int, batch: int, epochs: float, count: int) -> None:
    encoded = pack([[1] * (3 + i % 7) for i in range(n)], [0] * n, [0] * n, [0] * n)
    plan = make_schedule(encoded, TrainingConfig(batch_size=batch, num_train_epochs=epochs), 0)
    marks = evaluation_steps(plan, count)
    fractions = list(marks.values())
    assert fractions[-1] == 1.0 and list(marks)[-1] == plan.steps and len(marks) <= count
    seen = examples_seen(plan)
    for step, fraction in marks.items():
        assert fraction == pytest.approx(seen[step - 1] / seen[-1])
        k = max(k for k in range(1, count + 1) if k / count <= fraction + 1e-12)
        assert step == 1 or seen[step - 2] / seen[-1] < k / count


def test_max_steps_overrides_epochs() -> None:
    encoded = pack([[1, 2]] * 10, [0] * 10, [0] * 10, [0] * 10)
    assert make_schedule(encoded, TrainingConfig(batch_size=4, max_steps=7, num_train_epochs=9), 0).steps == 7
    assert make_schedule(encoded, TrainingConfig(batch_size=4, num_train_epochs=1.5), 0).steps == 5


def test_padding_goes_where_it_is_asked() -> None:
    rows = [np.array([1, 2, 3], np.int32), np.array([4], np.int32)]
    ids, mask = collate(rows, 9)
    assert ids.tolist() == [[1, 2, 3], [4, 9, 9]] and mask is not None and mask.tolist() == [[1, 1, 1], [1, 0, 0]]
    ids, mask = collate(rows, 9, left=True)
    assert ids.tolist() == [[1, 2, 3], [9, 9, 4]] and mask is not None and mask.tolist() == [[1, 1, 1], [0, 0, 1]]
    assert collate(rows[:1], 9)[1] is None


def test_micro_batches_and_evaluation_batches_cover_all_rows() -> None:
    lengths = np.array([9, 1, 9, 1, 9, 1, 9])
    assert [p.tolist() for p in split(np.arange(7), lengths, 3, 100)] == [[1, 3, 5], [0, 2, 4], [6]]
    assert [p.tolist() for p in split(np.arange(7), lengths, 7, 100)] == [[1, 3, 5, 0, 2, 4, 6]]
    assert [p.tolist() for p in split(np.arange(4), lengths, 7, 10)] == [
        [1, 3],
        [0, 2],
    ]  # 20 tokens and 2 passes, not 36 and 1
    assert [p.tolist() for p in by_length(np.array([1, 5, 3]), 2)] == [[1, 2], [0]]

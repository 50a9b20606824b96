"""Which rows go into which optimizer step, and rows as padded tensors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpo.config.training import TrainingConfig
from hpo.training.encode import Encoded

if TYPE_CHECKING:
    import torch

Positions = NDArray[np.int64]
_POOL = 2  # batches whose rows are sorted together: four cost accuracy on short texts and saved little more


@dataclass(frozen=True)
class Schedule:
    """The optimizer steps of one run: a function of the number of rows, the settings and the seed alone."""

    lengths: NDArray[np.int64]  # (n,) tokens of the training rows
    batch_size: int
    steps: int
    grouped: bool
    seed: int

    @property
    def per_epoch(self) -> int:
        """Steps of one pass over the rows."""
        return math.ceil(len(self.lengths) / self.batch_size)

    def epoch(self, number: int) -> list[Positions]:
        """Batches of row positions: rows of similar length together, the batches in random order."""
        random = np.random.default_rng((self.seed, number))
        order = random.permutation(len(self.lengths))
        if not self.grouped:
            return _chunks(order, self.batch_size)
        pool = _POOL * self.batch_size
        batches: list[Positions] = []
        for part in _chunks(order, pool):
            batches += _chunks(part[np.argsort(self.lengths[part], kind="stable")], self.batch_size)
        return [batches[i] for i in random.permutation(len(batches))]


def make_schedule(encoded: Encoded, settings: TrainingConfig, seed: int) -> Schedule:
    """The steps of a run: ``max_steps`` where positive, else ``num_train_epochs`` passes."""
    size = min(settings.batch_size, len(encoded))
    steps = settings.max_steps
    if steps <= 0:
        steps = max(1, math.ceil(settings.num_train_epochs * math.ceil(len(encoded) / size)))
    return Schedule(encoded.lengths, size, steps, settings.group_by_length, seed)


def evaluation_steps(schedule: Schedule, evaluations: int) -> dict[int, float]:
    """Steps after which to evaluate, with the fraction of the run's examples seen by then; the last is exactly 1.

    An evaluation stands at the first step at or past its fraction; those that fall together are one.
    """
    seen = examples_seen(schedule)
    total = seen[-1]
    marks = {int(np.searchsorted(seen, total * k / evaluations)) for k in range(1, evaluations + 1)}
    return {mark + 1: (1.0 if mark + 1 == schedule.steps else float(seen[mark] / total)) for mark in sorted(marks)}


def examples_seen(schedule: Schedule) -> NDArray[np.int64]:
    """Examples seen after each step, shape (steps,)."""
    sizes: list[int] = []
    number = 0
    while len(sizes) < schedule.steps:
        sizes += [len(batch) for batch in schedule.epoch(number)]
        number += 1
    return np.cumsum(sizes[: schedule.steps])


def by_length(lengths: NDArray[np.int64], size: int) -> list[Positions]:
    """Positions in batches of ``size``, longest rows first: an evaluation that does not fit fails at once."""
    return _chunks(np.argsort(-lengths, kind="stable"), size)


def split(batch: Positions, lengths: NDArray[np.int64], micro: int, overhead: int) -> list[Positions]:
    """A batch in micro-batches of at most ``micro`` rows of similar length, as many as make the fewest tokens.

    Args:
        batch: row positions.
        lengths: tokens of every row, by position.
        micro: rows that fit into memory.
        overhead: what a forward and backward pass costs beyond its tokens, in tokens.
    """
    ordered = batch[np.argsort(lengths[batch], kind="stable")]
    size = min(micro, len(batch))
    candidates = [_chunks(ordered, -(-size // parts)) for parts in (1, 2, 4, 8) if parts <= size]
    return min(candidates, key=lambda parts: sum(len(part) * int(lengths[part[-1]]) + overhead for part in parts))


def collate(
    rows: Sequence[NDArray[np.int32]], pad: int, *, left: bool = False
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Rows as one padded tensor (b, t) of ids, and the attention mask where there is padding."""
    import torch

    lengths = [len(row) for row in rows]
    longest = max(lengths)
    ids = np.full((len(rows), longest), pad, dtype=np.int64)
    for i, row in enumerate(rows):
        ids[i, longest - lengths[i] if left else 0 : longest if left else lengths[i]] = row
    if min(lengths) == longest:
        return torch.from_numpy(ids), None
    places = np.arange(longest)[None, :]
    counts = np.array(lengths)[:, None]
    mask = places >= longest - counts if left else places < counts
    return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))


def _chunks(order: Positions, size: int) -> list[Positions]:
    return [order[i : i + size] for i in range(0, len(order), size)]

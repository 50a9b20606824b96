"""What the training loop asks of the processes that train a trial, and the answers of one that is alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from hpo.training.batches import Positions, Schedule

if TYPE_CHECKING:
    import torch

_Result = TypeVar("_Result")


class ProcessLost(Exception):
    """Another process of the trial has died or does not answer: this one can train no more, its trial can elsewhere."""


class World:
    """The processes that train a trial. This one is alone: nothing is sent, nothing is copied."""

    rank = 0
    size = 1

    def agree(self, value: _Result) -> _Result:
        """What the first process says; the others wait for it."""
        return value

    def together(self, work: Callable[[], _Result]) -> _Result:
        """Do ``work``, which talks to no other process; where it fails in one process, it fails in all.

        Raises:
            TrialFailure: why it failed in the first process that it failed in.
        """
        return work()

    def share(self, batch: Positions, schedule: Schedule) -> Positions:
        """This process's rows of a batch; none where there are more processes than rows."""
        return batch

    def seed(self, schedule: Schedule, step: int) -> None:
        """Draw dropout masks of step ``step`` from here on. One process draws on from where it is."""

    def add(self, gradients: Sequence[torch.Tensor]) -> None:
        """Put the sum over the processes in place of each tensor."""

    def total(self, number: torch.Tensor) -> torch.Tensor:
        """The sum of a scalar over the processes."""
        return number

    def largest(self, number: int) -> int:
        """The largest of the processes' numbers."""
        return number

    def copy(self, tensors: Sequence[torch.Tensor]) -> None:
        """Put the first process's values in place of each tensor."""

    def handed(self, state: Any, device: torch.device) -> Any:
        """The first process's nested dicts, lists and tensors, on ``device``; the others give None."""
        return state

    def close(self) -> None:
        """Tell the others that there is nothing more to do, and part from them."""

"""The training loop: batches, accumulation, clipping, steps, and a stop at every evaluation."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hpo.errors import TrialFailure
from hpo.training.batches import Positions, Schedule, evaluation_steps, examples_seen, split
from hpo.training.forward import precision
from hpo.training.losses import Loss
from hpo.training.measure import Meter
from hpo.training.optimizer import Trainable
from hpo.training.world import World

if TYPE_CHECKING:
    import torch

_OVERHEAD = {"cpu": 32, "cuda": 4096}  # tokens that a further micro-batch must save; measured on MiniLM and two cores
_LOOK_EVERY = 20  # steps between looks at the loss: each look waits for the device


@dataclass(frozen=True)
class Evaluation:
    """A moment of a run at which it is to be evaluated."""

    step: int
    examples: int
    fraction: float
    train_loss: float  # mean over the steps since the last evaluation


@dataclass
class Run:
    """One run of the loop: what is trained on what, and how far it has come."""

    model: Any
    trainable: Trainable
    loss: Loss
    schedule: Schedule
    meter: Meter
    micro: int
    bf16: bool | None = None
    world: World = field(default_factory=World)
    done: int = 0  # optimizer steps taken
    after_step: Callable[[], None] = lambda: None

    def evaluations(self, count: int) -> Generator[Evaluation]:
        """Train, and stop at every evaluation. Where the first process goes no further, no other does.

        Raises:
            TrialFailure: ``diverged`` where the loss or a weight is no finite number, ``out_of_memory``.
            ProcessLost: another process of the trial has died.
        """
        seen = examples_seen(self.schedule)
        self.model.train()
        for step, fraction in evaluation_steps(self.schedule, count).items():
            if step > self.done:
                loss = guarded(lambda until=step: self._advance(until))  # type: ignore[misc]
                goes_on = False
                try:
                    yield Evaluation(step, int(seen[step - 1]), fraction, loss)
                    goes_on = True
                finally:
                    goes_on = self.world.agree(goes_on)
                if not goes_on:
                    return

    def _advance(self, until: int) -> float:
        """Train up to step ``until``; the mean loss of the steps made."""
        import torch

        began, tokens, first = time.perf_counter(), 0, self.done
        lengths = self.schedule.lengths
        total = torch.zeros((), device=self.meter.device)
        for batch in self._batches(until):
            total += self._step(batch)
            tokens += int(lengths[batch].sum())
            if self.done % _LOOK_EVERY == 0:
                _check(self.world.total(total), self.done)
        total = self.world.total(total)
        self.world.together(lambda: self._check_weights(total))
        self.meter.trained(tokens, time.perf_counter() - began)
        self.meter.peak = self.world.largest(self.meter.peak)
        return float(total) / (self.done - first)

    def _check_weights(self, loss: torch.Tensor) -> None:
        if not self.trainable.finite():
            raise TrialFailure("diverged", f"weights are not finite after step {self.done}")
        _check(loss, self.done)

    def _batches(self, until: int) -> Iterator[Positions]:
        """Batches from the step reached up to ``until``; counts the steps."""
        while self.done < until:
            epoch, place = divmod(self.done, self.schedule.per_epoch)
            batches = self.schedule.epoch(epoch)[place : place + until - self.done]
            for batch in batches:
                yield batch
                self.done += 1

    def _step(self, batch: Positions) -> torch.Tensor:
        """One optimizer step; this process's part of the batch's mean loss, without waiting for it."""
        loss = self.world.together(lambda: self._fitting_gradient(batch))
        self.world.add(self.trainable.gradients())
        self.trainable.step(self.done)
        return loss

    def _fitting_gradient(self, batch: Positions) -> torch.Tensor:
        """The gradient of this process's rows.

        Where the memory does not last for a micro-batch, the gradient is taken again with smaller ones.
        """
        import torch

        while True:
            try:
                return self._gradient(batch)
            except torch.OutOfMemoryError:
                if min(self.micro, len(batch)) == 1:
                    raise
            self.micro = max(1, min(self.micro, len(batch)) // 2)
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def _gradient(self, batch: Positions) -> torch.Tensor:
        import torch

        count = self.loss.count(batch)  # of the whole batch: the sum over the processes is its mean
        own = self.world.share(batch, self.schedule)
        self.world.seed(self.schedule, self.done)
        summed: Any = 0.0
        self.trainable.zero()
        overhead = _OVERHEAD[self.meter.device.type]
        for part in split(own if len(own) else batch[:1], self.schedule.lengths, self.micro, overhead):
            with precision(self.meter.device, self.bf16):
                loss = self.loss.summed(self.model, part) / count
            if not len(own):  # no row is left for this process; its gradients are 0, of the same tensors as the others'
                loss = loss * 0.0
            torch.autograd.backward(loss)
            summed = summed + loss.detach()
        result: torch.Tensor = summed
        return result


def guarded(work: Callable[[], Any]) -> Any:
    """Run ``work``; running out of device memory becomes the trial's failure."""
    import torch

    try:
        return work()
    except torch.OutOfMemoryError as error:
        message = str(error).splitlines()[0]
        del error
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise TrialFailure("out_of_memory", message) from None
    except RuntimeError as error:
        if "can't allocate memory" not in str(error):
            raise
        raise TrialFailure("out_of_memory", str(error).splitlines()[0]) from None


def _check(loss: torch.Tensor, step: int) -> None:
    import torch

    if not bool(torch.isfinite(loss)):
        raise TrialFailure("diverged", f"the training loss is not finite at or before step {step}")

"""Optimizers and learning rates; small parameter sets are laid out as one vector, to make a step few operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.config.training import TrainingConfig

if TYPE_CHECKING:
    import torch
    from torch import nn

_ALIGNED = 16  # values: segments begin at 64 bytes, as separate tensors do, so that results do not depend on the layout
_FLAT_LIMIT = 64_000_000  # values: above it the copy costs more than it saves


@dataclass
class Trainable:
    """The weights a run changes, with their optimizer and the learning rate of every step."""

    names: tuple[str, ...]
    parameters: tuple[nn.Parameter, ...]
    optimizer: torch.optim.Optimizer
    held: tuple[nn.Parameter, ...]  # what the optimizer sees: vectors, or the parameters themselves
    rates: tuple[float, ...]  # learning rate of each step
    max_norm: float
    flat: bool

    def zero(self) -> None:
        """Forget the gradients."""
        if self.flat:
            for vector in self.held:
                if vector.grad is not None:
                    vector.grad.zero_()
        else:
            self.optimizer.zero_grad(set_to_none=True)

    def step(self, number: int) -> None:
        """Clip the gradients and make optimizer step ``number`` (from 0)."""
        import torch

        if self.max_norm > 0:
            if self.flat:
                gradients = [vector.grad for vector in self.held if vector.grad is not None]
                norm = torch.nn.utils.get_total_norm(gradients)
                scale = torch.clamp(self.max_norm / (norm + 1e-6), max=1.0)
                for gradient in gradients:
                    gradient.mul_(scale)
            else:
                torch.nn.utils.clip_grad_norm_(self.held, self.max_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rates[number]
        self.optimizer.step()

    def finite(self) -> bool:
        """Whether all weights are finite numbers."""
        import torch

        return all(bool(torch.isfinite(parameter).all()) for parameter in self.held)

    @property
    def count(self) -> int:
        """Number of trained values."""
        return sum(parameter.numel() for parameter in self.parameters)


def make_trainable(model: nn.Module, settings: TrainingConfig, steps: int) -> Trainable:
    """The parameters of ``model`` that require gradients, ready for ``steps`` optimizer steps."""
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    decayed = [parameter for name, parameter in named if _decays(name, parameter)]
    others = [parameter for name, parameter in named if not _decays(name, parameter)]
    flat = settings.optim != "adafactor" and _can_flatten([parameter for _, parameter in named])
    groups = [
        {"params": [_flatten(members)] if flat else members, "weight_decay": decay}
        for members, decay in ((decayed, settings.weight_decay), (others, 0.0))
        if members
    ]
    optimizer = _optimizer(groups, settings)
    held = tuple(parameter for group in optimizer.param_groups for parameter in group["params"])
    return Trainable(
        names=tuple(name for name, _ in named),
        parameters=tuple(parameter for _, parameter in named),
        optimizer=optimizer,
        held=held,
        rates=learning_rates(optimizer, settings, steps),
        max_norm=settings.max_grad_norm,
        flat=flat,
    )


def learning_rates(optimizer: torch.optim.Optimizer, settings: TrainingConfig, steps: int) -> tuple[float, ...]:
    """The learning rate of every step, by transformers' schedules, after ``warmup_ratio`` of the steps, rounded up."""
    import math

    from transformers import get_scheduler

    warmup = math.ceil(settings.warmup_ratio * steps)
    scheduler = get_scheduler(settings.lr_scheduler_type, optimizer, num_warmup_steps=warmup, num_training_steps=steps)
    factor = getattr(scheduler, "lr_lambdas", [lambda _: 1.0])[0]
    return tuple(settings.learning_rate * float(factor(step)) for step in range(steps))


def _optimizer(groups: list[dict[str, Any]], settings: TrainingConfig) -> torch.optim.Optimizer:
    import torch

    if settings.optim == "sgd":
        return torch.optim.SGD(groups, lr=settings.learning_rate, fused=True)
    if settings.optim == "adafactor":
        from transformers.optimization import Adafactor

        return Adafactor(groups, lr=settings.learning_rate, scale_parameter=False, relative_step=False)
    return torch.optim.AdamW(
        groups,
        lr=settings.learning_rate,
        betas=(settings.adam_beta1, settings.adam_beta2),
        eps=settings.adam_epsilon,
        fused=True,
    )


def _decays(name: str, parameter: nn.Parameter) -> bool:
    """Biases, norms and DoRA's magnitudes (all of one dimension) do not decay."""
    return parameter.ndim >= 2 and not name.endswith("bias")


def _can_flatten(parameters: Sequence[nn.Parameter]) -> bool:
    kinds = {(parameter.dtype, parameter.device) for parameter in parameters}
    return len(kinds) == 1 and sum(parameter.numel() for parameter in parameters) <= _FLAT_LIMIT


def _flatten(parameters: Sequence[nn.Parameter]) -> nn.Parameter:
    """One vector that the parameters, and their gradients, become windows of."""
    import torch

    sizes = [-(-parameter.numel() // _ALIGNED) * _ALIGNED for parameter in parameters]
    vector = torch.zeros(sum(sizes), dtype=parameters[0].dtype, device=parameters[0].device)
    gradient = torch.zeros_like(vector)
    start = 0
    for parameter, size in zip(parameters, sizes, strict=True):
        window = slice(start, start + parameter.numel())
        vector[window] = parameter.detach().reshape(-1)
        parameter.data = vector[window].view(parameter.shape)
        parameter.grad = gradient[window].view(parameter.shape)
        start += size
    held = torch.nn.Parameter(vector)
    held.grad = gradient
    return held

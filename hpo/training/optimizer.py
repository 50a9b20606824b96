"""Optimizers and learning rates; small parameter sets are laid out as one vector, to make a step few operations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.config.training import TrainingConfig

if TYPE_CHECKING:
    import torch
    from torch import nn

_PAGE = (
    4096  # bytes: every segment begins a page, since products round differently with the place of their factors in it
)
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

    def gradients(self) -> list[torch.Tensor]:
        """What the optimizer is going to see."""
        return [vector.grad for vector in self.held if vector.grad is not None]

    def step(self, number: int) -> None:
        """Clip the gradients and make optimizer step ``number`` (from 0)."""
        import torch

        if self.max_norm > 0:
            if self.flat:
                gradients = self.gradients()
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
    named = _named(model)
    flat = settings.optim != "adafactor" and _can_flatten([parameter for _, parameter in named])
    groups = [
        {"params": [_flatten(members)] if flat else members, "weight_decay": decay}
        for members, decay in zip(_halves(named), (settings.weight_decay, 0.0), strict=True)
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


def lay_out(model: nn.Module, settings: TrainingConfig) -> None:
    """Put the parameters that require gradients where training has them: predictions are then equal to the last bit."""
    named = _named(model)
    if settings.optim != "adafactor" and _can_flatten([parameter for _, parameter in named]):
        for members in _halves(named):
            if members:
                _flatten(members, gradients=False)


def _named(model: nn.Module) -> list[tuple[str, nn.Parameter]]:
    return [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]


def _halves(named: Sequence[tuple[str, nn.Parameter]]) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """Parameters that decay, and those that do not."""
    decayed = [parameter for name, parameter in named if _decays(name, parameter)]
    return decayed, [parameter for name, parameter in named if not _decays(name, parameter)]


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


def _flatten(parameters: Sequence[nn.Parameter], *, gradients: bool = True) -> nn.Parameter:
    """One vector that the parameters, and their gradients, become windows of."""
    import torch

    step = _PAGE // parameters[0].element_size()
    sizes = [-(-parameter.numel() // step) * step for parameter in parameters]
    vector = _page_aligned(sum(sizes), parameters[0])
    gradient = torch.zeros_like(vector) if gradients else None
    start = 0
    for parameter, size in zip(parameters, sizes, strict=True):
        window = slice(start, start + parameter.numel())
        vector[window] = parameter.detach().reshape(-1)
        parameter.data = vector[window].view(parameter.shape)
        if gradient is not None:
            parameter.grad = gradient[window].view(parameter.shape)
        start += size
    held = torch.nn.Parameter(vector)
    held.grad = gradient
    return held


def _page_aligned(size: int, like: torch.Tensor) -> torch.Tensor:
    """Zeros that begin at a page."""
    import torch

    step = _PAGE // like.element_size()
    room = torch.zeros(size + step, dtype=like.dtype, device=like.device)
    start = -(room.data_ptr() // like.element_size()) % step
    return room[start : start + size]

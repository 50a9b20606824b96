"""The part of an encoder that has no pretrained weights: which modules it is, and how a run draws it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn
    from transformers import PreTrainedModel


def head_names(model: PreTrainedModel, missing: Sequence[str]) -> tuple[str, ...]:
    """Modules outside the pretrained body, and those inside it for which the files had no weights.

    Args:
        model: an encoder with a classification head.
        missing: names of parameters without (fitting) weights in the files.

    Returns:
        Names of modules, outermost first; a module inside another named one is left out.
    """
    body = model.base_model_prefix
    outside = [
        name for name, module in model.named_children() if name != body and any(True for _ in module.parameters())
    ]
    inside = [name.rpartition(".")[0] for name in missing if name.startswith(f"{body}.")]
    names = sorted({*outside, *inside})
    return tuple(name for name in names if not any(name.startswith(f"{other}.") for other in names))


def initialise(model: PreTrainedModel, head: Sequence[str], seed: int) -> None:
    """Draw the head anew: normal weights with the config's ``initializer_range``, zero biases, unit norms."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    spread = getattr(model.config, "initializer_range", None) or 0.02
    with torch.no_grad():
        for name in head:
            for module in model.get_submodule(name).modules():
                _initialise_module(module, spread, generator)


def _initialise_module(module: nn.Module, spread: float, generator: object) -> None:
    import torch

    for name, parameter in module.named_parameters(recurse=False):
        if parameter.ndim >= 2:
            drawn = torch.empty(parameter.shape).normal_(0.0, spread, generator=generator)  # type: ignore[arg-type]
            parameter.copy_(drawn)
        else:
            parameter.fill_(1.0 if name == "weight" else 0.0)


_FIRST_TOKEN = ("bert", "roberta", "xlm-roberta", "camembert", "electra")  # heads that read the first token alone


def read_first_token(model: PreTrainedModel) -> None:
    """Let the last layer go on with the first token once attention has read all: the head looks at no other.

    Same numbers, without three quarters of the last layer's work. Models not known to be built so stay as they are.
    """
    layers = getattr(getattr(model.base_model, "encoder", None), "layer", None)
    if model.config.model_type not in _FIRST_TOKEN or not layers:
        return

    def first(_: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(tensor[:, :1] for tensor in inputs)

    layers[-1].attention.output.register_forward_pre_hook(first)

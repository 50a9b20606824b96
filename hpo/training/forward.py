"""Forward passes: an encoder's head, and a causal model's logits at chosen positions only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


def core(model: Any) -> Any:
    """The transformers model inside PEFT's wrapper; adapters live in its layers, so it computes the same."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def head_logits(model: Any, ids: torch.Tensor, mask: torch.Tensor | None, device: torch.device) -> torch.Tensor:
    """An encoder's outputs, shape (b, k), in 32 bits."""
    ids = ids.to(device, non_blocking=True)
    mask = mask.to(device, non_blocking=True) if mask is not None else _mask_for(model, ids)
    logits: torch.Tensor = core(model)(input_ids=ids, attention_mask=mask).logits
    return logits.float()


def _mask_for(model: Any, ids: torch.Tensor) -> torch.Tensor | None:
    """Models with sdpa attention take no mask where nothing is padded; others may guess one from the ids."""
    if getattr(core(model).config, "_attn_implementation", None) == "sdpa":
        return None
    import torch

    return torch.ones_like(ids)


def logits_at(model: Any, positions: torch.Tensor, **inputs: Any) -> torch.Tensor:
    """Logits at chosen places alone, shape (m, vocabulary), in 32 bits.

    The vocabulary product is most of a small model's memory and time; prompts and padding need none of it.

    Args:
        model: a causal model, with or without adapters.
        positions: places in the flattened (b * t) batch, shape (m,).
        inputs: what the model takes: ``input_ids`` of shape (b, t), ...
    """
    base = core(model)
    output = base.get_output_embeddings()

    def choose(_: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = arguments[0]
        return (hidden.reshape(-1, hidden.shape[-1]).index_select(0, positions).unsqueeze(0), *arguments[1:])

    with contextlib.closing(_hooked(output, choose)):
        logits: torch.Tensor = base(**inputs, use_cache=False).logits
    return logits[0].float()


class _hooked:
    def __init__(self, module: Any, hook: Any) -> None:
        self._handle = module.register_forward_pre_hook(hook)

    def close(self) -> None:
        self._handle.remove()


@contextlib.contextmanager
def precision(device: torch.device, bf16: bool | None) -> Iterator[None]:
    """bfloat16 arithmetic on CUDA devices that have it, unless switched off; elsewhere the weights' own precision."""
    import torch

    wanted = device.type == "cuda" and bf16 is not False and torch.cuda.is_bf16_supported()
    with torch.autocast("cuda", dtype=torch.bfloat16) if wanted else contextlib.nullcontext():
        yield

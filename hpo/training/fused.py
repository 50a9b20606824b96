"""Plain LoRA on a CPU in few operations: the same numbers as PEFT's layer up to rounding, without its bookkeeping."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hpo.config.training import TrainingConfig
from hpo.training.packed import Packed

if TYPE_CHECKING:
    import torch
    from peft import PeftModel


def fuse(model: PeftModel, settings: TrainingConfig, packed: Packed) -> None:
    """Give every plain LoRA layer of ``model`` a fused forward pass, where that is sound.

    Sound means: 32-bit weights on a CPU, no dropout before the adapter, no DoRA. Elsewhere PEFT's own layer stays.
    """
    import torch
    from peft.tuners.lora.layer import Linear as LoraLinear

    if settings.method == "dora" or settings.lora_dropout > 0:
        return
    for module in model.modules():
        if type(module) is LoraLinear:
            base = module.base_layer
            weights = (base.weight, module.lora_A["default"].weight, module.lora_B["default"].weight)
            if type(base) is torch.nn.Linear and all(
                w.dtype == torch.float32 and w.device.type == "cpu" for w in weights
            ):
                layer: Any = module
                layer.forward = _fused(layer, packed)


def _fused(module: Any, packed: Packed) -> Any:

    kernel = _kernel()
    base, down, up = module.base_layer, module.lora_A["default"], module.lora_B["default"]
    products = packed.products(base.weight)
    scaling = float(module.scaling["default"])

    def forward(x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = kernel(x, products, base.bias, down.weight, up.weight, scaling)
        return result

    return forward


_KERNEL: list[Any] = []


def _kernel() -> Any:
    """The autograd function, made on first use: this module imports torch only when it must."""
    if not _KERNEL:
        _KERNEL.append(_make_kernel())
    return _KERNEL[0]


def _make_kernel() -> Any:
    import torch

    class FusedLora(torch.autograd.Function):
        """y = x W' + b + s (x A') B' with W and b frozen (Hu et al. 2021, eq. 3)."""

        @staticmethod
        def forward(ctx: Any, x: Any, products: Any, bias: Any, down: Any, up: Any, scaling: float) -> Any:
            flat = x.reshape(-1, x.shape[-1])
            inner = flat @ down.t()
            result = products[0](flat, bias)
            result.addmm_(inner, up.t(), alpha=scaling)
            ctx.save_for_backward(flat, down, up, inner)
            ctx.products, ctx.scaling, ctx.shape = products, scaling, x.shape
            return result.view(*x.shape[:-1], -1)

        @staticmethod
        def backward(ctx: Any, *gradients: Any) -> Any:
            flat, down, up, inner = ctx.saved_tensors
            gradient = gradients[0].reshape(-1, up.shape[0])
            through = (gradient @ up).mul_(ctx.scaling)
            to_input = None
            if ctx.needs_input_grad[0]:
                to_input = ctx.products[1](gradient, None).addmm_(through, down).view(ctx.shape)
            to_up = (gradient.t() @ inner).mul_(ctx.scaling)
            return to_input, None, None, through.t() @ flat, to_up, None

    return FusedLora.apply

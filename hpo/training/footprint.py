"""Memory and step time of a configuration, measured on the real device at two numbers of tokens."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.config.training import TrainingConfig
from hpo.objective import Resources
from hpo.training.adapters import linear_modules
from hpo.training.batches import make_schedule
from hpo.training.encode import Encoded, pack
from hpo.training.forward import precision
from hpo.training.losses import CompletionLoss, HeadLoss, Loss
from hpo.training.measure import GIB, resident_bytes, total_memory
from hpo.training.resident import Resident

if TYPE_CHECKING:
    import torch

_TIMED_ROWS = (2, 6)  # two sizes of a pass, from which its fixed part and its part per token are told apart
_WORKING = 1.3  # on a CPU only saved activations can be counted; gradients and work space of a layer come on top
_LOGITS_BYTES = 12  # of a vocabulary entry at a learnt token: the logit, its 32-bit copy, its gradient


@dataclass(frozen=True)
class Measured:
    """A two-point measurement."""

    slope_bytes: float  # of a token
    pass_seconds: float  # of a forward and backward pass, whatever its size
    token_seconds: float  # of each token in it


def measure(resident: Resident, model: Any, settings: TrainingConfig, length: int) -> Measured:
    """Run forward and backward on one and on two rows of ``length`` tokens; the slope is the difference.

    On CUDA the allocator's peak is read; on a CPU the bytes that autograd saves, times 1.3.
    """
    first, _ = _pass(resident, model, settings, (1, length))
    second, _ = _pass(resident, model, settings, (2, length))
    slope = max(0.0, second - first) / length
    small, large = (_seconds(resident, model, settings, (rows, length)) for rows in _TIMED_ROWS)
    token = max(0.0, large - small) / ((_TIMED_ROWS[1] - _TIMED_ROWS[0]) * length)
    fixed = max(0.0, small - token * _TIMED_ROWS[0] * length)
    return Measured(slope * (1.0 if resident.device.type == "cuda" else _WORKING), fixed, token)


def coefficients(resident: Resident, measured: Measured, encoded: Encoded, resources: Resources) -> dict[str, float]:
    """Everything that ``hpo.training.memory`` needs, as plain numbers."""
    causal = resident.info.kind == "causal"
    found: dict[str, float] = defaultdict(float)
    for name, (inputs, outputs) in linear_modules(resident.model).items():
        if not any(name == part or name.startswith(f"{part}.") for part in resident.head):
            leaf = name.rpartition(".")[2]
            found[f"sizes.{leaf}"] += inputs + outputs
            found[f"outputs.{leaf}"] += outputs
    total = sum(parameter.numel() for parameter in resident.model.parameters())
    head = sum(p.numel() for name in resident.head for p in resident.model.get_submodule(name).parameters())
    return {
        **found,
        "base_gb": _base_bytes(resident) / GIB,
        "limit_gb": limit_gb(resident.device, resources),
        "slope_bytes": measured.slope_bytes,
        "logits_bytes": float(_LOGITS_BYTES * resident.info.vocab_size) if causal else 0.0,
        "learnt": float((encoded.lengths - encoded.prompt).max()) if causal else 0.0,
        "longest": float(encoded.lengths.max()),
        "head": float(head),
        "full": float(total) if resident.copied else 0.0,
        "pass_seconds": measured.pass_seconds,
        "token_seconds": measured.token_seconds,
    }


def limit_gb(device: torch.device, resources: Resources) -> float:
    """GiB a run may take: as told, else all that the device (or, on a CPU, the machine or container) has.

    Of a shared GPU it is never more than this process's fraction.
    """
    told = math.inf if resources.memory_gb is None else resources.memory_gb
    if device.type != "cuda":
        return total_memory() / GIB if math.isinf(told) else told
    import torch

    present = float(torch.cuda.get_device_properties(device).total_memory) / GIB
    if math.isfinite(told) and resources.gpu_fraction >= 1:
        return told
    return min(told, present * min(1.0, resources.gpu_fraction))


def surely_fits(resident: Resident, settings: TrainingConfig, encoded: Encoded, resources: Resources) -> bool:
    """Whether a whole batch fits with half the memory to spare, by a rule of thumb that needs no measurement.

    68 bytes x hidden size x layers a token in 32 bits (Korthikanti et al. 2022, eq. 2, doubled, attention fused), and
    the logits.
    """
    info = resident.info
    rows = min(settings.batch_size, len(encoded))
    tokens = rows * int(encoded.lengths.max())
    learnt = rows * int((encoded.lengths - encoded.prompt).max()) if info.kind == "causal" else 0
    wide = max(info.hidden_size, info.intermediate_size / 4)
    expected = _base_bytes(resident) + 68 * tokens * wide * info.layers + _LOGITS_BYTES * learnt * info.vocab_size
    if resident.copied:
        expected += 20 * info.parameters
    return expected / GIB < limit_gb(resident.device, resources) / 2


def run_seconds(
    coefficients: Mapping[str, float],
    settings: TrainingConfig,
    encoded: Encoded,
    validation: int,
    processes: int = 1,
) -> float:
    """Seconds of a whole run: forward and backward of the training tokens, forward (a third) of the validation tokens.

    Generation is not in it. Several processes divide the rows of a batch; the first alone evaluates.
    """
    steps = make_schedule(encoded, settings, 0).steps
    rows = math.ceil(min(settings.batch_size, len(encoded)) / processes)
    passes = steps * math.ceil(rows / (settings.micro_batch_size or rows))
    tokens = float(encoded.lengths.mean()) * steps * rows + settings.evaluations * validation / 3
    return coefficients["pass_seconds"] * passes + coefficients["token_seconds"] * tokens


def _seconds(resident: Resident, model: Any, settings: TrainingConfig, shape: tuple[int, int]) -> float:
    """The faster of two passes: the first of a shape may have to set things up."""
    return min(_pass(resident, model, settings, shape)[1] for _ in range(2))


def _pass(resident: Resident, model: Any, settings: TrainingConfig, shape: tuple[int, int]) -> tuple[float, float]:
    """Bytes that a forward and backward pass takes beyond what stays, and its seconds."""
    import torch

    loss, batch = _synthetic(resident, *shape), np.arange(shape[0])
    cuda = resident.device.type == "cuda"
    model.train()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats(resident.device)
    held = torch.cuda.memory_allocated(resident.device) if cuda else 0
    saved: dict[int, int] = {}
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            saved[storage.data_ptr()] = storage.nbytes()
        return tensor

    began = time.perf_counter()
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        with precision(resident.device, settings.bf16):
            total = loss.summed(model, batch)
        torch.autograd.backward(total)
    if cuda:
        torch.cuda.synchronize()
    seconds = time.perf_counter() - began
    model.zero_grad(set_to_none=False)
    peak = torch.cuda.max_memory_allocated(resident.device) - held if cuda else sum(saved.values())
    return float(peak), seconds


def _synthetic(resident: Resident, rows: int, length: int) -> Loss:
    """The loss on rows of arbitrary tokens, of which one is learnt: logits are accounted for apart."""
    random = np.random.default_rng(0)
    tokens = [random.integers(0, resident.info.vocab_size, length) for _ in range(rows)]
    encoded = pack(tokens, [length - 1] * rows, [length] * rows, [0] * rows)
    pad = resident.tokenizer.pad_token_id
    if resident.info.kind == "causal":
        return CompletionLoss(encoded, pad, resident.device)
    return HeadLoss(encoded, np.zeros(rows, dtype=np.int64), pad, resident.device)


def _base_bytes(resident: Resident) -> float:
    """What stays: on CUDA the weights on the device, on a CPU the whole process."""
    if resident.device.type != "cuda":
        return float(resident_bytes())
    import torch

    if resident.copied:  # the base itself is on the host
        return float(sum(p.numel() * p.element_size() for p in resident.model.parameters()))
    return float(torch.cuda.memory_allocated(resident.device))

"""What a run costs: tokens, floating-point operations, memory, speed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.latency import PERCENTILES, quantile

if TYPE_CHECKING:
    import torch
    from torch import nn

GIB = 2**30


@dataclass
class Meter:
    """Cumulative measurements of one run."""

    device: torch.device
    parameters: int  # of the whole model, embeddings not counted
    trainable: int
    full: bool
    tokens: int = 0  # trained on, padding not counted
    seconds: float = 0.0  # in training steps, of this attempt
    timed_tokens: int = 0  # of this attempt
    peak: int = 0  # bytes
    latencies: Sequence[float] = field(default_factory=list)  # seconds a row, of the last evaluation

    def __post_init__(self) -> None:
        if self.device.type == "cuda":
            import torch

            torch.cuda.reset_peak_memory_stats(self.device)

    def trained(self, tokens: int, seconds: float) -> None:
        """Take training steps in."""
        self.tokens += tokens
        self.timed_tokens += tokens
        self.seconds += seconds
        self.sample_memory()

    def sample_memory(self) -> None:
        """Look at the memory in use: CUDA's own peak; on a CPU the process's size now, so the peak is over samples."""
        if self.device.type == "cuda":
            import torch

            self.peak = max(self.peak, torch.cuda.max_memory_allocated(self.device))
        else:
            self.peak = max(self.peak, resident_bytes())

    def measurements(self, train_loss: float) -> dict[str, float]:
        """All of them, under their public names."""
        self.sample_memory()
        found = {
            "train_tokens": float(self.tokens),
            "train_flops": self.flops,
            "trainable_parameters": float(self.trainable),
            "peak_memory_gb": self.peak / GIB,
            "train_loss": train_loss,
        }
        if self.seconds > 0:
            found["tokens_per_second"] = self.timed_tokens / self.seconds
        if len(self.latencies):
            found |= latencies_ms(np.asarray(self.latencies, dtype=np.float64))
        return found

    @property
    def flops(self) -> float:
        """Floating-point operations of training so far.

        6 N a token where all weights are trained: 2 N forward, 4 N backward (Kaplan et al. 2020, section 2.1, N without
        embeddings). With frozen weights the backward pass needs no weight gradients: 4 N, and 6 for each trained value.
        """
        each = 6 * self.parameters if self.full else 4 * self.parameters + 6 * self.trainable
        return float(each) * self.tokens


def latencies_ms(seconds: NDArray[np.float64]) -> dict[str, float]:
    """Milliseconds a row from the seconds of every row, shape (n,): the median, and the quantiles of ``latency``."""
    found = {f"latency_p{each}_ms": quantile(seconds, np.ones(len(seconds)), each / 100) for each in PERCENTILES}
    return {name: value * 1000 for name, value in {"latency_ms": float(np.median(seconds)), **found}.items()}


def body_parameters(model: nn.Module) -> int:
    """Values in the weights of ``model`` that take part in matrix products: all but the input embeddings."""
    from torch import nn as layers

    embedded = {id(module.weight) for module in model.modules() if isinstance(module, layers.Embedding)}
    output = getattr(model, "get_output_embeddings", lambda: None)()
    if output is not None:
        embedded.discard(id(output.weight))
    return sum(parameter.numel() for parameter in model.parameters() if id(parameter) not in embedded)


def resident_bytes() -> int:
    """Memory the process holds now; its peak where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        import resource
        import sys

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024


def total_memory() -> int:
    """Bytes this process may use: the machine's memory, or the container's limit where that is lower."""
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for name in ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"):
        try:
            limits.append(int(Path(name).read_text()))
        except (OSError, ValueError):  # no such limit
            continue
    return min(limits)

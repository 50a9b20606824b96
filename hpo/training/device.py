"""The device of this process: which one, how much of its memory, and how many the machine has."""

from __future__ import annotations

import glob
import os
from pathlib import Path

from hpo.objective import Resources

_NVIDIA = "/dev/nvidia[0-9]*"
_KFD = "/sys/class/kfd/kfd/topology/nodes/*/properties"  # of AMD's driver: a processor or a GPU each
_HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


def count_gpus() -> int:
    """GPUs this process may use, told without loading torch.

    NVIDIA's driver has a file ``/dev/nvidia0``, ``/dev/nvidia1``, ... for each; AMD's lists its nodes under
    ``/sys/class/kfd``, where a GPU has ``simd_count`` above 0. CUDA_VISIBLE_DEVICES (for AMD also HIP_ and
    ROCR_VISIBLE_DEVICES) hides some: its entries count up to the first that is no device. GPUs that no such file shows
    (in WSL, Apple's) are not counted.
    """
    present = len(glob.glob(_NVIDIA)) or sum(_is_gpu(Path(path)) for path in glob.glob(_KFD))
    shown = [_entries(os.environ[name]) for name in _HIDING if name in os.environ]
    return min([present, *shown])


def claim(resources: Resources) -> None:
    """Take this process's device, threads and share of memory, before anything is loaded.

    Of several processes each has the GPU that LOCAL_RANK names among those it sees (under Ray: the only one).
    """
    import torch

    if torch.get_num_threads() != resources.cpu_threads:
        torch.set_num_threads(resources.cpu_threads)
    if torch.cuda.is_available():
        if resources.processes > 1:
            torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
        share(resources.gpu_fraction)


def share(fraction: float) -> None:
    """Let torch take at most this fraction of the GPU's memory: more is an out-of-memory error here, not elsewhere.

    What the CUDA context itself takes (some hundred MB) is not in it.
    """
    import torch

    if fraction < 1:
        torch.cuda.set_per_process_memory_fraction(fraction)


def out_of_memory(error: BaseException) -> bool:
    """Whether memory, the device's or the machine's, was not enough."""
    return isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"


def _entries(listed: str) -> int:
    entries = [entry.strip() for entry in listed.split(",")]
    ends = [place for place, entry in enumerate(entries) if entry in ("", "-1", "NoDevFiles")]
    return ends[0] if ends else len(entries)


def _is_gpu(properties: Path) -> bool:
    try:
        values = dict(line.split(maxsplit=1) for line in properties.read_text().splitlines() if " " in line)
    except OSError:
        return False
    return int(values.get("simd_count", "0")) > 0

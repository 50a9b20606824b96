"""How many GPUs there are is told without torch; a share of one is a limit."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from hpo.objective import Resources
from hpo.training import device
from hpo.training.footprint import limit_gb

HIDING = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in place of the drivers' files, and nothing hidden."""
    for name in HIDING:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(device, "_NVIDIA", f"{tmp_path}/nvidia[0-9]*")
    monkeypatch.setattr(device, "_KFD", f"{tmp_path}/nodes/*/properties")
    return tmp_path


def test_nvidias_gpus_are_its_numbered_files(machine: Path) -> None:
    assert device.count_gpus() == 0
    for name in ("nvidia0", "nvidia1", "nvidia10", "nvidiactl", "nvidia-uvm"):
        (machine / name).touch()
    assert device.count_gpus() == 3


def test_amds_gpus_are_the_nodes_with_vector_units(machine: Path) -> None:
    for number, units in enumerate((0, 304, 304)):  # the first is the processor
        folder = machine / "nodes" / str(number)
        folder.mkdir(parents=True)
        (folder / "properties").write_text(f"cpu_cores_count 8\nsimd_count {units}\nname\n")
    assert device.count_gpus() == 2


@pytest.mark.parametrize("name", HIDING)
@pytest.mark.parametrize(
    ("shown", "count"), [("", 0), ("-1", 0), ("1", 1), ("0,2", 2), ("0,-1,1", 1), ("0,1,2,3,4", 4)]
)
def test_hidden_gpus_do_not_count(
    name: str, shown: str, count: int, machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        (machine / f"nvidia{number}").touch()
    monkeypatch.setenv(name, shown)
    assert device.count_gpus() == count


def test_counting_loads_no_torch() -> None:
    code = "import sys; from hpo.training.device import count_gpus; count_gpus(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_share_of_a_gpu_says_nothing_of_a_processors_memory() -> None:
    cpu, whole = torch.device("cpu"), Resources()
    assert limit_gb(cpu, Resources(gpu_fraction=0.5)) == limit_gb(cpu, whole)
    assert limit_gb(cpu, Resources(memory_gb=2.0, gpu_fraction=0.5)) == 2.0


@pytest.mark.gpu
def test_a_share_of_a_gpu_is_what_may_be_taken_of_it() -> None:
    cuda = torch.device("cuda")
    present = torch.cuda.get_device_properties(cuda).total_memory
    assert limit_gb(cuda, Resources(gpu_fraction=0.25)) == pytest.approx(present / 4 / 2**30)
    assert limit_gb(cuda, Resources(memory_gb=0.5, gpu_fraction=0.25)) == 0.5
    device.claim(Resources(gpu_fraction=0.25))
    try:
        torch.empty(present // 5, dtype=torch.uint8, device=cuda)
        torch.cuda.empty_cache()
        with pytest.raises(torch.OutOfMemoryError):
            torch.empty(present // 3, dtype=torch.uint8, device=cuda)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

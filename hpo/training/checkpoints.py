"""A run's state on disk, from which a later attempt goes on bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.errors import TrialFailure
from hpo.training.loop import Run

_FILE = "state.pt"


def write(run: Run, folder: Path) -> None:
    """Write weights, optimizer, step, random states and what has been measured."""
    import torch

    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: p.detach().clone() for name, p in zip(run.trainable.names, run.trainable.parameters, strict=True)}
    state: dict[str, Any] = {
        "weights": weights,
        "optimizer": run.trainable.optimizer.state_dict(),
        "done": run.done,
        "tokens": run.meter.tokens,
        "random": torch.get_rng_state(),
        "device_random": torch.cuda.get_rng_state() if run.meter.device.type == "cuda" else None,
    }
    torch.save(state, folder / _FILE)


def read(run: Run, folder: Path) -> None:
    """Set ``run`` to the state in ``folder``, which only the first process of a trial reads.

    Raises:
        TrialFailure: the checkpoint belongs to another configuration.
    """
    state = run.world.together(lambda: _loaded(run, folder) if run.world.rank == 0 else None)
    _set(run, run.world.handed(state, run.meter.device))


def _loaded(run: Run, folder: Path) -> dict[str, Any]:
    import torch

    state: dict[str, Any] = torch.load(folder / _FILE, map_location=run.meter.device, weights_only=True)
    if tuple(state["weights"]) != run.trainable.names:
        raise TrialFailure("exception", f"checkpoint {folder.name} belongs to another configuration")
    return state


def _set(run: Run, state: dict[str, Any]) -> None:
    import torch

    with torch.no_grad():
        for name, parameter in zip(run.trainable.names, run.trainable.parameters, strict=True):
            parameter.copy_(state["weights"][name])
    run.trainable.optimizer.load_state_dict(state["optimizer"])
    run.done, run.meter.tokens = state["done"], state["tokens"]
    torch.set_rng_state(state["random"].cpu())
    if state["device_random"] is not None and run.meter.device.type == "cuda":
        torch.cuda.set_rng_state(state["device_random"].cpu())

"""What the keys of the runner block say of each other: whole GPUs, processes, and what only a cluster has."""

from __future__ import annotations

from typing import Any

from hpo.config.draft import Draft

# Keys that mean nothing to the local runner, and whether a value asks for something.
_RAY_ONLY = ("address", "resources", "labels", "environment")
_SEVERAL = ("max_workers", "gpus_per_trial", "processes_per_trial")


def check_runner(draft: Draft) -> None:
    """Faults inside the runner block that no single key shows."""
    gpus, processes = _number(draft, "gpus_per_trial"), _number(draft, "processes_per_trial")
    if gpus > 1 and gpus != int(gpus):
        what = f"a trial can share one GPU or have several whole ones, not {gpus:g}"
        draft.fault(("runner", "gpus_per_trial"), what, f"0.5, or {int(gpus) + 1}")
    elif processes > 1 and gpus > 0 and processes != gpus:
        what = f"each process has one whole GPU: {processes:g} processes and {gpus:g} GPUs do not go together"
        draft.fault(("runner", "processes_per_trial"), what, f"gpus_per_trial: {processes:g}, or remove it")
    if draft.get("runner", "name") == "local":
        _check_local(draft)


def _check_local(draft: Draft) -> None:
    asked = [name for name in _RAY_ONLY if draft.get("runner", name)]
    asked += [name for name in _SEVERAL if _number(draft, name) > 1]
    for name in asked:
        what = f"the local runner trains one trial at a time in one process, and has no use for `{name}`"
        draft.fault(("runner", name), what, "name: ray, or remove it")


def _number(draft: Draft, name: str) -> float:
    value: Any = draft.get("runner", name)
    sound = isinstance(value, int | float) and not isinstance(value, bool) and draft.sound("runner", name)
    return float(value) if sound else 0.0

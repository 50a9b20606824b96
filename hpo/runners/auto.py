"""Which runner ``runner: {name: auto}`` stands for, and why, in words for the user."""

from __future__ import annotations

import importlib.util
import os
from typing import Literal

from hpo.config.models import RunnerConfig, StudyConfig
from hpo.runners.ray_cluster import in_job


def choose(config: StudyConfig) -> tuple[Literal["local", "ray"], str]:
    """The runner, and the reason; the reason is empty where the study names the runner itself."""
    runner = config.runner
    if runner.name != "auto":
        return runner.name, ""
    why = _asked(runner) or _several_gpus(config)
    if not why:
        return "local", ""
    if importlib.util.find_spec("ray") is None and not _asked(runner):
        return (
            "local",
            f"{why}, but Ray is not installed: one trial at a time (pip install -c constraints.txt '.[ray]')",
        )
    return "ray", why


def _asked(runner: RunnerConfig) -> str:
    """What in the study or in the environment only Ray can do."""
    if runner.address:
        return f"runner.address is {runner.address}"
    if in_job():  # in which Ray sets RAY_ADDRESS
        return "a job of this cluster"
    if os.environ.get("RAY_ADDRESS"):
        return "RAY_ADDRESS is set"
    for name in ("max_workers", "processes_per_trial", "gpus_per_trial"):
        if (getattr(runner, name) or 0) > 1:
            return f"runner.{name} is {getattr(runner, name):g}"
    for name in ("resources", "labels", "environment"):
        if getattr(runner, name):
            return f"runner.{name} is given"
    return ""


def _several_gpus(config: StudyConfig) -> str:
    if config.model is None or config.runner.gpus_per_trial == 0 or config.runner.max_workers == 1:
        return ""
    from hpo.training.device import count_gpus

    count = count_gpus()
    return f"there are {count} GPUs" if count > 1 else ""

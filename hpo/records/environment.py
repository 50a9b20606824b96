"""environment.json: what a study ran on, so that its numbers can be understood later."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

_PACKAGES = (
    "hpo", "optuna", "torch", "transformers", "peft", "accelerate", "scikit-learn", "scipy",
    "numpy", "pandas", "greenlet", "ray",
)  # fmt: skip


def environment(seed: int) -> dict[str, Any]:
    """Versions, the commit of the working directory, hardware and the study's seed; no host names, no variables."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "packages": {name: found for name in _PACKAGES if (found := _version(name))},
        "commit": _commit(),
        "seed": seed,
    }


def write_environment(path: Path, seed: int) -> None:
    """Write environment.json where there is none yet; later calls of the study leave the first one's."""
    if not path.exists():
        path.write_text(json.dumps(environment(seed), indent=2) + "\n", encoding="utf8")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""

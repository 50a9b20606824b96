"""The trial that a runner rehearses with: it does what its parameters say, fails where they say so, and goes on."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from hpo.errors import TrialFailure
from hpo.objective import Progress, Trial

REHEARSAL = f"{Path(__file__).resolve()}:rehearsal"  # as a study's `objective`
METRIC = "loss"  # to be minimised
_FILE = "step.json"


def rehearsal(params: Mapping[str, Any], trial: Trial) -> Iterator[Progress]:
    """Evaluate ``steps`` times; the loss is ``1 / step``, and a checkpoint holds the step.

    Args:
        params: ``steps`` (4); ``pause``: seconds before each evaluation (0); ``fails_at``: the step at which it raises
            a TrialFailure with ``reason``, or an error of its own where ``reason`` is empty; ``nan_at``: the step at
            which the loss is NaN.
        trial: whose checkpoint to go on from.
    """
    steps = params.get("steps", 4)
    for step in range(_begun(trial.checkpoint) + 1, steps + 1):
        time.sleep(params.get("pause", 0.0))
        if step == params.get("fails_at"):
            if not params.get("reason"):
                raise ArithmeticError(f"step {step} went wrong")
            raise TrialFailure(params["reason"], f"step {step} failed")
        loss = float("nan") if step == params.get("nan_at") else 1 / step
        yield Progress(step, step / steps, metrics={METRIC: loss}, checkpoint=lambda folder, n=step: _save(folder, n))  # type: ignore[misc]


def _begun(checkpoint: Path | None) -> int:
    return 0 if checkpoint is None else int(json.loads((checkpoint / _FILE).read_text(encoding="utf8"))["step"])


def _save(folder: Path, step: int) -> None:
    (folder / _FILE).write_text(json.dumps({"step": step}), encoding="utf8")

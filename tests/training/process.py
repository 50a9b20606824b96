"""One process of a trial of several: ``process.py SPEC`` opens its session and trains what the file says.

The environment says which process it is, as a runner would set it. The first one writes what happened to RESULT.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hpo.objective import Failed, Progressed, Task, Trial
from hpo.sessions import open_session


@dataclass(frozen=True)
class Spec:
    """What a group of processes does."""

    objective: str
    task: Task
    trials: tuple[Trial, ...]
    result: Path
    stop: dict[int, int] = field(default_factory=dict)  # trial: evaluation at which it is evicted
    keep: tuple[int, ...] = (-1,)  # evaluations at which a checkpoint is kept, in RESULT-TRIAL-EVALUATION
    faults: dict[int, tuple[str, int]] = field(default_factory=dict)  # process: what happens at which forward pass
    answer_seconds: float = 60.0


def main(spec: Spec) -> None:
    from datetime import timedelta

    from hpo.training import distributed

    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    distributed.ANSWER = timedelta(seconds=spec.answer_seconds)
    resources = replace(spec.task.resources, processes=size, process=rank)
    session: Any = open_session(spec.objective, replace(spec.task, resources=resources))
    if rank in spec.faults:
        _arm(*spec.faults[rank])
    if rank:
        distributed.follow(session)
        return
    found: dict[int, list[Any]] = {trial.number: [] for trial in spec.trials}
    for trial in spec.trials:
        session.admit(trial)
    for event in session.events():
        told = found[event.number]
        if isinstance(event, Progressed):
            progress = event.progress
            for place in {len(told), -1 if progress.fraction == 1 else len(told)} & set(spec.keep):
                progress.checkpoint(Path(f"{spec.result}-{event.number}-{place}"))
            told.append((progress.examples, progress.fraction, dict(progress.measurements), progress.outputs))
            if spec.stop.get(event.number) == len(told):
                session.evict(event.number)
        elif isinstance(event, Failed):
            told.append((event.reason, event.message))
    session.close()
    spec.result.write_bytes(pickle.dumps(found))


def _arm(fault: str, calls: int) -> None:
    """Let something happen to this process at a forward pass of training."""
    import torch

    from hpo.training.losses import CompletionLoss, HeadLoss

    left = [calls]

    def happen() -> None:
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "hangs":
            time.sleep(600)
        raise torch.OutOfMemoryError("CUDA out of memory") if "memory" in fault else RuntimeError("a fault of its own")

    def wrapped(summed: Callable[..., Any]) -> Callable[..., Any]:
        def call(loss: Any, model: Any, batch: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 or (left[0] < 0 and fault == "no memory"):
                happen()
            return summed(loss, model, batch)

        return call

    for kind in (HeadLoss, CompletionLoss):
        kind.summed = wrapped(kind.summed)  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.modules["process"] = sys.modules["__main__"]  # the name under which the spec was written
    main(pickle.loads(Path(sys.argv[1]).read_bytes()))

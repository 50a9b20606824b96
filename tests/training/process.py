"""One process of a trial of several: opens its session and trains what a Spec says."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hpo.objective import Failed, Progressed, Task, Trial
from hpo.sessions import open_session

PRELOADED = ["transformers", "peft", "hpo.training.finetune", "pandas", "tests.training.process"]


@dataclass(frozen=True)
class Spec:
    """What a group of processes does."""

    objective: str
    task: Task
    trials: tuple[Trial, ...]
    result: Path  # written by the first process: what happened to each trial
    stop: dict[int, int] = field(default_factory=dict)  # trial: evaluation after which it is evicted, from 1
    faults: dict[int, tuple[str, int]] = field(default_factory=dict)  # process: what happens at which forward pass
    answer_seconds: float = 60.0


def start(spec: Spec, rank: int, size: int, port: int) -> None:
    """The life of one process, with what a runner sets in its environment."""
    os.dup2(os.open(f"{spec.result}-{rank}.err", os.O_CREAT | os.O_WRONLY), sys.stderr.fileno())
    own = {"RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": 0, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    os.environ.update({name: str(value) for name, value in own.items()})
    from hpo.training import distributed

    distributed.ANSWER = timedelta(seconds=spec.answer_seconds)
    resources = replace(spec.task.resources, processes=size, process=rank)
    spec = replace(spec, task=replace(spec.task, resources=resources))
    if rank in spec.faults:
        _arm(*spec.faults[rank])
    if rank:
        distributed.follow(open_session(spec.objective, spec.task))
    else:
        spec.result.write_bytes(pickle.dumps(events(spec)))


def events(spec: Spec) -> dict[int, list[Any]]:
    """What is told of each trial: (examples, fraction, measurements, outputs), or (reason, message).

    A checkpoint of each evaluation is kept in RESULT-TRIAL-EVALUATION, the evaluations numbered from 1.
    """
    session = open_session(spec.objective, spec.task)
    found: dict[int, list[Any]] = {trial.number: [] for trial in spec.trials}
    for trial in spec.trials:
        session.admit(trial)
    for event in session.events():
        told = found[event.number]
        if isinstance(event, Progressed):
            progress = event.progress
            told.append((progress.examples, progress.fraction, dict(progress.measurements), progress.outputs))
            assert progress.checkpoint is not None
            progress.checkpoint(Path(f"{spec.result}-{event.number}-{len(told)}"))
            if spec.stop.get(event.number) == len(told):
                session.evict(event.number)
        elif isinstance(event, Failed):
            told.append((event.reason, event.message))
    session.close()
    return found


def _arm(fault: str, calls: int) -> None:
    """Let something happen to this process, once, at a forward pass of training."""
    import torch

    from hpo.training.losses import CompletionLoss, HeadLoss

    left = [calls]

    def happen() -> None:
        if fault == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif fault == "hangs":
            time.sleep(600)
        raise torch.OutOfMemoryError("CUDA out of memory") if fault == "memory" else ValueError("a fault of its own")

    def wrapped(summed: Callable[..., Any]) -> Callable[..., Any]:
        def call(loss: Any, model: Any, batch: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                happen()
            return summed(loss, model, batch)

        return call

    for kind in (HeadLoss, CompletionLoss):
        kind.summed = wrapped(kind.summed)  # type: ignore[method-assign]

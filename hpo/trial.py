"""One trial in a worker: its clock, early stopping, checkpoints, and which of its evaluations counts."""

from __future__ import annotations

import json
import math
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.models import ObjectiveConfig
from hpo.config.training import EarlyStopping
from hpo.objective import Progress, Trial
from hpo.records.artifacts import link
from hpo.runners.protocol import Checkpointed, Ended, Reported

if TYPE_CHECKING:
    import pandas as pd

_CHECKPOINT_SHARE = 0.05  # of a run's time that checkpoints may take
_MANIFEST = "trial.json"
_SCORES = "scores.parquet"
_ARTIFACT = "artifact"


@dataclass(frozen=True)
class Rules:
    """How the trials of a study are judged and paid; the same for all of them."""

    primary: ObjectiveConfig
    wanted: tuple[str, ...]  # metrics that every evaluation must give as finite numbers
    early_stopping: EarlyStopping | None = None
    devices: int = 1
    price_per_device_hour: float | None = None
    wanted_last: tuple[str, ...] = ()  # metrics that only an evaluation that may be the one kept must give


@dataclass(frozen=True)
class Kept:
    """The evaluation that counts so far."""

    examples: int
    fraction: float
    metrics: Mapping[str, float]
    measurements: Mapping[str, float]


@dataclass
class Run:
    """An attempt of a trial in a worker: its clock, the evaluation kept, and the patience left."""

    trial: Trial
    rules: Rules
    kept: Kept | None = None
    table: pd.DataFrame | None = None  # scores of the kept evaluation
    stale: int = 0  # evaluations since the last improvement
    spent: dict[str, float] = field(default_factory=dict)  # seconds of the attempts before the checkpoint
    artifact: Path | None = None
    paused: float = 0.0  # seconds outside training: scoring, saving
    checkpoint_seconds: float = 0.0
    last_checkpoint: float = 0.0

    def __post_init__(self) -> None:
        self.begun = self.last_checkpoint = time.perf_counter()
        if self.trial.checkpoint is not None:
            self._restore(self.trial.checkpoint)

    def take(self, progress: Progress, metrics: Mapping[str, float], table: pd.DataFrame | None) -> Reported:
        """Take one scored evaluation in: keep it where it counts, and save what it counts for."""
        measurements = self.measured(progress)
        if self._counts(metrics):
            self.kept = Kept(progress.examples, progress.fraction, metrics, measurements)
            self.table, self.stale = table, 0
            if progress.save is not None and (self.rules.early_stopping is not None or progress.fraction >= 1):
                self.artifact = _replace(self.trial.folder / _ARTIFACT, progress.save)
        else:
            self.stale += 1
        return Reported(
            self.trial.number, self.trial.attempt, progress.examples, progress.fraction, metrics, measurements
        )

    @property
    def out_of_patience(self) -> bool:
        """Whether early stopping ends the run here."""
        rule = self.rules.early_stopping
        return rule is not None and self.stale >= rule.patience

    def measured(self, progress: Progress) -> dict[str, float]:
        """What this evaluation cost so far, over all attempts; seconds are wall time, devices count each."""
        total = self._before("wall") + time.perf_counter() - self.begun
        train = self._before("train_seconds") + time.perf_counter() - self.begun - self.paused
        numbers = {"train_seconds": train, "device_seconds": total * self.rules.devices, **progress.measurements}
        numbers.setdefault("peak_memory_gb", _peak_memory_gb())
        numbers["examples"] = float(progress.examples)
        if "train_tokens" in numbers and train > 0:
            numbers.setdefault("tokens_per_second", numbers["train_tokens"] / train)
        if self.rules.price_per_device_hour is not None:
            numbers["cost_usd"] = numbers["device_seconds"] / 3600 * self.rules.price_per_device_hour
        return numbers

    def closes(self, progress: Progress, metrics: Mapping[str, float]) -> bool:
        """Whether this evaluation may be the one that the trial is judged by at its end."""
        return (self.rules.early_stopping is not None or progress.fraction >= 1) and self._counts(metrics)

    def unusable(self, metrics: Mapping[str, float], *, closing: bool = False) -> str:
        """The wanted metric that is missing or not finite, with its value; empty where all are fine."""
        for name in (*self.rules.wanted, *(self.rules.wanted_last if closing else ())):
            if name not in metrics or not math.isfinite(metrics[name]):
                return f"{name} is {metrics.get(name, 'missing')}"
        return ""

    def checkpoint(self, progress: Progress) -> Checkpointed | None:
        """Write a checkpoint where it is due: the first evaluation, then as often as costs 5 % of the time."""
        if progress.checkpoint is None or progress.fraction >= 1:
            return None
        began = time.perf_counter()
        if began - self.last_checkpoint < self.checkpoint_seconds / _CHECKPOINT_SHARE:
            return None
        write = progress.checkpoint
        path = _replace(
            self.trial.folder / f"step-{progress.examples}", lambda folder: self._dump(folder, write, progress)
        )
        self.last_checkpoint = time.perf_counter()
        self.checkpoint_seconds = self.last_checkpoint - began
        return Checkpointed(self.trial.number, self.trial.attempt, path, progress.examples)

    def completed(self) -> Ended:
        """The end of a run that came to its own end, or ran out of patience."""
        if self.kept is None:
            return self.failed("exception", "the objective ended without a single evaluation")
        used = {"device_seconds": self._used()} if self.rules.early_stopping is not None else {}
        return Ended(
            self.trial.number,
            self.trial.attempt,
            "complete",
            metrics=self.kept.metrics,
            measurements={**self.kept.measurements, **used},
            examples=self.kept.examples,
            artifact=self.artifact,
            scores=self.table,
        )

    def failed(self, reason: str, message: str) -> Ended:
        """The end of a run that went wrong."""
        return Ended(self.trial.number, self.trial.attempt, "failed", reason, message, **self._partial())

    def stopped(self) -> Ended:
        """The end of a run that was asked to stop."""
        return Ended(self.trial.number, self.trial.attempt, "stopped", **self._partial())

    def _counts(self, metrics: Mapping[str, float]) -> bool:
        """With early stopping the best evaluation counts, else the last."""
        if self.rules.early_stopping is None or self.kept is None:
            return True
        name, sign = self.rules.primary.metric, 1.0 if self.rules.primary.direction == "maximize" else -1.0
        gain = sign * (self._number(name, metrics) - self._number(name, self.kept.metrics))
        return gain > self.rules.early_stopping.min_delta

    def _number(self, name: str, metrics: Mapping[str, float]) -> float:
        return metrics.get(name, -math.inf)

    def _before(self, name: str) -> float:
        return self.spent.get(name, 0.0)

    def _used(self) -> float:
        return (self._before("wall") + time.perf_counter() - self.begun) * self.rules.devices

    def _partial(self) -> dict[str, Any]:
        kept = self.kept
        measurements = {**(kept.measurements if kept else {}), "device_seconds": self._used()}
        return {
            "metrics": kept.metrics if kept else {},
            "measurements": measurements,
            "examples": kept.examples if kept else 0,
        }

    def _dump(self, folder: Path, write: Any, progress: Progress) -> None:
        write(folder)
        wall = self._before("wall") + time.perf_counter() - self.begun
        state = {
            "kept": asdict(self.kept) if self.kept else None,
            "stale": self.stale,
            "spent": {"wall": wall, "train_seconds": self.measured(progress)["train_seconds"]},
        }
        if self.artifact is not None:  # the kept weights go with the checkpoint, wherever the next attempt runs
            _copy(self.artifact, folder / _ARTIFACT)
        if self.table is not None:
            self.table.to_parquet(folder / _SCORES)
        (folder / _MANIFEST).write_text(json.dumps(state), encoding="utf8")

    def _restore(self, folder: Path) -> None:
        state = json.loads((folder / _MANIFEST).read_text(encoding="utf8"))
        self.kept = Kept(**state["kept"]) if state["kept"] else None
        self.stale, self.spent = state["stale"], state["spent"]
        if (folder / _ARTIFACT).exists():
            kept = folder / _ARTIFACT
            self.artifact = _replace(self.trial.folder / _ARTIFACT, lambda fresh: _copy(kept, fresh))
        if (folder / _SCORES).exists():
            import pandas as pd

            self.table = pd.read_parquet(folder / _SCORES)


def _replace(target: Path, write: Any) -> Path:
    """Have a new folder written, then put it in the place of the old one; a kill leaves one of the two whole."""
    fresh = target.with_name(target.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write(fresh)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return target


def _copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, copy_function=link, dirs_exist_ok=True)


def _peak_memory_gb() -> float:
    """Peak resident memory of this process, GiB (Linux counts in KiB)."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20

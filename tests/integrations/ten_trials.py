"""Ten trials whose every number is known beforehand: two diverge, one raises, and the best are too slow to answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
from ray import tune
from ray.tune.schedulers import ASHAScheduler

LENGTH = 9  # reports of a whole trial
XS = (0.5, 0.1, 0.9, 0.2, 0.05, 0.8, 0.7, 0.02, 0.6, 0.01)
NANS = (0.2, 0.02)  # diverge at the third report
RAISES = (0.05,)  # at the third report
KNOWN = [{"x": x} for x in XS]
SPACE = {"x": optuna.distributions.FloatDistribution(0, 1)}
CONSTRAINT = {"metric": "latency_ms", "max": 30}


def loss(x: float, step: int) -> float:
    """The loss at a report, counted from 1."""
    if x in NANS and step >= 3:
        return float("nan")
    return 1 + x + (LENGTH - step)


def latency(x: float) -> float:
    """A number with a bound: what has the least loss is the slowest."""
    return 40 * (1 - x)


class Ten(tune.Trainable):
    """A trainable that can be used for one trial after another."""

    def setup(self, config: dict[str, Any]) -> None:
        self.x = config["x"]
        self.at = 0

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.setup(new_config)
        return True

    def step(self) -> dict[str, Any]:
        self.at += 1
        if self.x in RAISES and self.at == 3:
            raise ValueError("the optimizer fell over")
        return {"loss": loss(self.x, self.at), "latency_ms": latency(self.x), "done": self.at == LENGTH}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        Path(checkpoint_dir, "at").write_text(str(self.at))

    def load_checkpoint(self, checkpoint: str) -> None:
        self.at = int(Path(checkpoint, "at").read_text())


def asha() -> ASHAScheduler:
    """Rungs at one and three reports; a trial that reports nine times is whole."""
    return ASHAScheduler(grace_period=1, reduction_factor=3, max_t=LENGTH, metric="loss", mode="min")

"""The peers' side of `ray_overhead`: trials that do nothing, in Ray Tune with OptunaSearch; in a process of its own.

    python -m benchmarks.ray_tune_noop function|class FOLDER TRIALS WORKERS

As Ray's documentation has it: a function trainable that returns its metric, or a class trainable with `reset_config`,
so that actors can serve one trial after another. Default loggers, no output. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from ray import tune

from benchmarks.ray_overhead import loss, names


def function(config: dict[str, Any]) -> dict[str, float]:
    """A function trainable."""
    return {"loss": loss(config)}


class Reusable(tune.Trainable):
    """A class trainable, one step a trial."""

    def setup(self, config: dict[str, Any]) -> None:
        """Take the parameters in."""
        self.params = config

    def step(self) -> dict[str, Any]:
        """The only step."""
        return {"loss": loss(self.params), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """The actor can go on with another trial's parameters."""
        self.params = new_config
        return True


def fit(kind: str, folder: str, trials: int, workers: int) -> Any:
    """All trials; the result grid."""
    from ray.tune.search.optuna import OptunaSearch

    tuner = tune.Tuner(
        Reusable if kind == "class" else function,
        param_space={name: tune.uniform(0, 1) for name in names()},
        tune_config=tune.TuneConfig(
            metric="loss",
            mode="min",
            search_alg=OptunaSearch(seed=0),
            num_samples=trials,
            max_concurrent_trials=workers,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="noop",
            storage_path=folder,
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),  # ours has nothing to save either
        ),
    )
    return tuner.fit()


def main() -> int:
    """Run and print; times are those of the wall clock, for who started this process."""
    import ray

    kind, folder, trials, workers = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    imported = time.time()
    ray.init("local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
    started = time.time()
    grid = fit(kind, folder, trials, workers)
    fitted = time.time()
    losses = [found.metrics["loss"] for found in grid if found.metrics and "loss" in found.metrics]
    if len(losses) != trials or grid.num_errors:
        raise SystemExit(f"{len(losses)} of {trials} trials gave a loss, {grid.num_errors} errors")
    ray.shutdown()
    print(json.dumps({"imported": imported, "started": started, "fitted": fitted, "best": min(losses)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

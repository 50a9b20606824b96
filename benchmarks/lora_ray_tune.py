"""The peers' side of `lora_vs_ray_tune`: Ray Tune, OptunaSearch and the Trainer; started by it in a process of its own.

    python -m benchmarks.lora_ray_tune function|class ROWS_FOLDER WORKERS TRIALS

The rows are tokenised once, in the driver, and travel through Ray's object store. A function trainable has a process
of its own for every trial; a class trainable with `reset_config` is used again. A trial is that of `lora_trainer`:
base model loaded, adapter added, trained by the Trainer with one thread. Prints one JSON object.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from ray import tune

from benchmarks import common, lora_rows

NAMES = tuple(lora_rows.CONFIGURATIONS[0])


def train(config: dict[str, Any], rows: dict[str, Any]) -> dict[str, float]:
    """One configuration, in a worker."""
    import torch
    import transformers

    from benchmarks.lora_trainer import train_one

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    began = time.perf_counter()
    seed = lora_rows.CONFIGURATIONS.index({name: config[name] for name in NAMES})
    found = train_one(config, rows["parts"], rows["names"], rows["tokenizer"], seed=seed, grouped=False)
    return {**found, "seconds": time.perf_counter() - began}


class Reusable(tune.Trainable):
    """A class trainable, one step a trial."""

    def setup(self, config: dict[str, Any], rows: Any = None) -> None:
        """Take the rows in, once an actor."""
        self.params, self.rows = config, rows

    def step(self) -> dict[str, Any]:
        """The only step."""
        return {**train(self.params, self.rows), "done": True}

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """The actor can go on with another trial's parameters."""
        self.params = new_config
        return True


def rows(folder: Path) -> dict[str, Any]:
    """Both parts, tokenised, with what training needs besides."""
    from transformers import AutoTokenizer

    from benchmarks.lora_trainer import tokenised

    tokenizer = AutoTokenizer.from_pretrained(lora_rows.model_folder())
    train_rows, validation = (lora_rows.read_rows(folder, name) for name in ("train", "validation"))
    names = lora_rows.labels(train_rows)
    parts = [tokenised(tokenizer, part, names) for part in (train_rows, validation)]
    return {"parts": parts, "names": names, "tokenizer": tokenizer}


def fit(kind: str, folder: Path, workers: int, trials: int) -> Any:
    """All configurations; the result grid."""
    from ray.tune.search.optuna import OptunaSearch

    wanted = [dict(one) for one in lora_rows.CONFIGURATIONS[:trials]]
    trainable: Any = tune.with_parameters(Reusable if kind == "class" else train, rows=rows(folder))
    space = {name: tune.choice(sorted({one[name] for one in lora_rows.CONFIGURATIONS})) for name in NAMES}
    return tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space=space,
        tune_config=tune.TuneConfig(
            metric="accuracy",
            mode="max",
            search_alg=OptunaSearch(points_to_evaluate=wanted, seed=1),
            num_samples=trials,
            max_concurrent_trials=workers,
            reuse_actors=True,
        ),
        run_config=tune.RunConfig(
            name="twelve",
            storage_path=str(folder / "tune"),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
        ),
    ).fit()


def main() -> int:
    """Run and print."""
    kind, folder, workers, trials = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
    common.use_threads(1)
    import ray

    ray.init("local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
    grid = fit(kind, folder, workers, trials)
    ray.shutdown()
    found = {
        lora_rows.CONFIGURATIONS.index({name: one.config[name] for name in NAMES}): one.metrics
        for one in grid
        if one.config and one.metrics and not one.error
    }
    if sorted(found) != list(range(trials)):
        raise SystemExit(f"configurations {sorted(found)} of {trials} ended well; {grid.errors}")
    kept = ("accuracy", "seconds", "parameters")
    print(json.dumps({"trials": [{name: found[index][name] for name in kept} for index in range(trials)]}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

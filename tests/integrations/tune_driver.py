"""A driver of ten slow trials, to be killed: ``tune_driver.py ADDRESS FOLDER start|restore``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import ray
from ray import tune

from hpo.integrations.ray_tune import StudyScheduler, StudySearch
from tests.integrations.ten_trials import CONSTRAINT, KNOWN, SPACE, Ten, asha

NAME = "killed"


class SlowTen(Ten):
    """The ten trials, a tenth of a second a report."""

    def step(self) -> dict[str, Any]:
        time.sleep(0.1)
        return super().step()


def tuner(folder: Path, how: str) -> tune.Tuner:
    if how == "restore":
        return tune.Tuner.restore(str(folder / NAME), SlowTen)
    search = StudySearch(SPACE, metric="loss", mode="min", constraints=[CONSTRAINT], known=KNOWN)
    return tune.Tuner(
        SlowTen,
        tune_config=tune.TuneConfig(
            num_samples=10,
            max_concurrent_trials=2,
            reuse_actors=True,
            search_alg=search,
            scheduler=StudyScheduler(search, asha()),
        ),
        run_config=tune.RunConfig(
            name=NAME,
            storage_path=str(folder),
            verbose=0,
            checkpoint_config=tune.CheckpointConfig(checkpoint_frequency=1),
        ),
    )


if __name__ == "__main__":
    address, place, how = sys.argv[1:]
    ray.init(address, log_to_driver=False)
    tuner(Path(place), how).fit()

"""Opens the Ray runner of a study: what a trial takes of a machine, and what its workers are given."""

from __future__ import annotations

import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from hpo.config.models import RunnerConfig, StudyConfig
from hpo.errors import ConfigurationError
from hpo.objective import Resources
from hpo.records.folder import RunFolder
from hpo.runners.auto import choose
from hpo.runners.own_files import own_files
from hpo.runners.ray import RayRunner
from hpo.runners.ray_actor import Opening
from hpo.runners.ray_cluster import Cluster, Demand, Joining

if TYPE_CHECKING:
    from hpo.data.rows import Splits


def open_ray_runner(
    config: StudyConfig, splits: Splits | None, folder: RunFolder, joining: Joining | None = None
) -> RayRunner:
    """Connect (or take the connection that is being made), and start the workers.

    Raises:
        ConfigurationError: Ray is not installed, or no machine could ever hold a trial.
        StorageError: the cluster cannot be joined.
    """
    cluster = Cluster(config.runner) if joining is None else joining.take()
    try:
        demand = demand_of(config.runner, gpus=cluster.gpus())
        _, why = choose(config)
        print(f"{cluster.describe()}{f' ({why})' if why else ''}", file=sys.stderr)
        opening = Opening(
            config=config.model_copy(update={"storage": None}),  # only the driver needs it, and it may hold a password
            splits=splits,
            folder=dataclasses.replace(folder, root=folder.root.absolute()),
            resources=_resources(config.runner, demand),
            environment=_environment(config.runner),
            files=own_files(config),
        )
        return RayRunner(cluster, opening, demand)
    except BaseException:
        cluster.close()
        raise


def demand_of(runner: RunnerConfig, *, gpus: float) -> Demand:
    """What a process of a trial takes, with what the study leaves open filled in from the cluster's GPUs."""
    wanted = runner.gpus_per_trial if runner.gpus_per_trial is not None else float(gpus > 0)
    processes = runner.processes_per_trial or max(1, int(wanted))
    return Demand(
        cpus=runner.cpus_per_trial or 1.0,
        gpus=wanted / processes if wanted > 1 else wanted,
        processes=processes,
        resources=runner.resources,
        labels=runner.labels,
    )


def _resources(runner: RunnerConfig, demand: Demand) -> Resources:
    return Resources(
        cpu_threads=max(1, int(demand.cpus)),
        memory_gb=runner.memory_gb,
        processes=demand.processes,
        gpu_fraction=demand.gpus if 0 < demand.gpus < 1 else 1.0,
    )


def _environment(runner: RunnerConfig) -> dict[str, str]:
    absent = [name for name in runner.environment if name not in os.environ]
    if absent:
        raise ConfigurationError(
            f"the environment variable {absent[0]} is not set",
            where="runner.environment",
            hint=f"export {absent[0]}=..., or remove it",
        )
    return {name: os.environ[name] for name in runner.environment}

"""Opens the runner of a study: local, or Ray."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from hpo.config.models import StudyConfig
from hpo.objective import Resources
from hpo.records.folder import RunFolder
from hpo.runners.auto import choose
from hpo.runners.local import LocalRunner
from hpo.runners.protocol import Runner
from hpo.runners.working import open_worker

if TYPE_CHECKING:
    from hpo.data.rows import Splits
    from hpo.runners.ray_cluster import Joining


def joining(config: StudyConfig) -> AbstractContextManager[Joining | None]:
    """Begin to join the cluster, where the study runs on one: that takes seconds, in which rows can be read."""
    if choose(config)[0] == "local":
        return nullcontext()
    from hpo.runners.ray_cluster import Joining

    return Joining(config.runner)


def open_runner(
    config: StudyConfig, splits: Splits | None, folder: RunFolder, joining: Joining | None = None
) -> Runner:
    """The runner that ``runner.name`` stands for.

    Args:
        config: the study.
        splits: its rows.
        folder: its run folder.
        joining: the connection to a cluster, where one has been begun.

    Raises:
        ConfigurationError: Ray is asked for and is not installed.
        ObjectiveError, ModelError: the objective or its model cannot be opened.
        StorageError: the Ray cluster cannot be joined.
    """
    if choose(config)[0] == "ray":
        from hpo.runners.ray_opening import open_ray_runner

        return open_ray_runner(config, splits, folder, joining)
    return LocalRunner(open_worker("local", config, splits, folder, local_resources(config)), folder)


def local_resources(config: StudyConfig) -> Resources:
    """What the local worker may use: all cores where nothing else is said, as it is alone."""
    from os import cpu_count

    threads = max(1, int(config.runner.cpus_per_trial or cpu_count() or 1))
    return Resources(cpu_threads=threads, memory_gb=config.runner.memory_gb)

"""Opens a worker: the task it trains, the scorecard and the rules it judges by. All workers come from here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hpo.config.harness import is_harness
from hpo.config.models import StudyConfig
from hpo.config.preparation import AS_GIVEN
from hpo.evaluators.measurements import is_measurement
from hpo.evaluators.score import Scorecard
from hpo.objective import Resources, Task
from hpo.records.folder import RunFolder
from hpo.runners.worker import Worker
from hpo.sessions import open_session
from hpo.trial import Rules

if TYPE_CHECKING:
    from hpo.data.rows import Splits


def open_worker(
    name: str, config: StudyConfig, splits: Splits | None, folder: RunFolder, resources: Resources
) -> Worker:
    """A worker with its session open: the base model is loaded once, here."""
    scorecard = _scorecard(config, splits)
    task = _task(config, splits, folder, resources, scorecard)
    aims = [objective.metric for objective in config.objectives]
    rules = Rules(
        primary=config.primary,
        wanted=tuple(name for name in aims if not is_measurement(name, config.task) and not is_harness(name)),
        wanted_last=tuple(name for name in aims if is_harness(name)),
        early_stopping=config.training.early_stopping,
        devices=resources.processes,
        price_per_device_hour=config.price_per_device_hour,
    )
    return Worker(name, open_session(str(config.objective), task), task, scorecard, rules)


def follow(config: StudyConfig, splits: Splits | None, folder: RunFolder, resources: Resources) -> None:
    """Train in step with the first process of a worker until that one closes; returns when it does."""
    from hpo.training.distributed import follow as follow_first

    task = _task(config, splits, folder, resources, _scorecard(config, splits))
    follow_first(open_session(str(config.objective), task))


def _scorecard(config: StudyConfig, splits: Splits | None) -> Scorecard:
    return Scorecard(config.task, splits.labels if splits else (), wanted(config), splits.train if splits else None)


def _task(
    config: StudyConfig, splits: Splits | None, folder: RunFolder, resources: Resources, scorecard: Scorecard
) -> Task:
    return Task(
        kind=config.task,
        model=config.model,
        settings=config.training.model_dump(),
        train=splits.train if splits else None,
        validation=splits.validation if splits else None,
        labels=splits.labels if splits else (),
        outputs=scorecard.outputs_needed,
        cache=folder.cache,
        fingerprint=splits.fingerprint if splits else "",
        seed=config.sampler.seed,
        resources=resources,
        preparation=config.data.preparation if config.data else AS_GIVEN,
        forgetting=splits.forgetting if splits else None,
        harness=tuple(dict.fromkeys(name for name in wanted(config) if is_harness(name))),
    )


def wanted(config: StudyConfig) -> list[str]:
    """Names of all metrics that objectives and constraints speak of."""
    return [o.metric for o in config.objectives] + [c.metric for c in config.constraints]

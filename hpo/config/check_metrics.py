"""Objectives and constraints: metrics that exist for the task, each once, in the direction that is better."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hpo.config.check_study import task_of
from hpo.config.draft import Draft, did_you_mean
from hpo.config.harness import is_harness
from hpo.config.models import Direction, TaskKind
from hpo.config.paths import is_own


def check_metrics(draft: Draft) -> None:
    """Faults of ``objectives`` and ``constraints``."""
    seen: set[str] = set()
    for position, entry in _entries(draft, "objectives"):
        metric = entry["metric"]
        if metric in seen:
            draft.fault(
                ("objectives", position), f"the metric {metric} stands in `objectives` twice", "keep one of them"
            )
        seen.add(metric)
        _check_name(draft, ("objectives", position), metric)
        if draft.sound("objectives", position, "metric"):
            _check_direction(draft, position, entry)
    bounds: set[tuple[str, str]] = set()
    for position, entry in _entries(draft, "constraints"):
        _check_name(draft, ("constraints", position), entry["metric"])
        _check_bound(draft, position, entry, bounds)


def _entries(draft: Draft, block: str) -> Iterator[tuple[int, dict[str, Any]]]:
    for position, entry in enumerate(draft.entries(block)):
        if isinstance(entry, dict) and isinstance(entry.get("metric"), str):
            yield position, entry


def _check_name(draft: Draft, key: tuple[str, int], metric: str) -> None:
    from hpo.evaluators import registry

    task = task_of(draft)
    if task is None or task == "custom" or is_own(metric) or is_harness(metric):
        return
    names = registry.metric_names(task) | set(registry.MEASUREMENTS) | _of_training_rows(draft, task)
    if metric in names:
        _check_outputs(draft, key, metric, task)
        return
    if registry.direction(metric) is None:
        what, hint = f"unknown metric `{metric}`", did_you_mean(metric, names)
    else:
        what = f"the metric `{metric}` is not one of the task {task}"
        hint = did_you_mean("", registry.metric_names(task))
    draft.fault((*key, "metric"), what, hint)


def _check_outputs(draft: Draft, key: tuple[str, int], metric: str, task: TaskKind) -> None:
    """What ready objectives do not give is said before anything is trained."""
    from hpo.evaluators import registry

    objective = draft.get("objective")
    if metric not in registry.metric_names(task) or (isinstance(objective, str) and is_own(objective)):
        return
    lacking = registry.not_predicted(metric, task)
    if lacking:
        what = f"the metric `{metric}` needs {' and '.join(lacking)}, which the ready objectives do not give"
        hint = "hpo validate computes it from a predictions file"
        measured = "take latency_p50_ms, latency_p95_ms or latency_p99_ms, which every trial measures"
        draft.fault((*key, "metric"), what, measured if lacking == ["seconds"] else hint)


def _of_training_rows(draft: Draft, task: TaskKind) -> set[str]:
    """The primary metric, as it is measured on training rows."""
    from hpo.evaluators import registry

    first = next((entry["metric"] for _, entry in _entries(draft, "objectives")), "")
    return {f"{registry.TRAIN}{first}"} if first in registry.metric_names(task) else set()


def _check_direction(draft: Draft, position: int, entry: dict[str, Any]) -> None:
    better = _better(entry["metric"])
    chosen = entry.get("direction")
    if better and chosen in ("maximize", "minimize") and chosen != better:
        what = f"{entry['metric']} would be {chosen}d, but {'less' if better == 'minimize' else 'more'} of it is better"
        draft.fault(("objectives", position, "direction"), what, f"direction: {better}")


def _better(metric: str) -> Direction | None:
    from hpo.evaluators import registry

    if is_own(metric) or is_harness(metric):
        return None
    if metric == "loss" or metric.endswith("_loss"):
        return "minimize"
    return registry.direction(metric) or registry.direction(metric.removeprefix(registry.TRAIN))


def _check_bound(draft: Draft, position: int, entry: dict[str, Any], seen: set[tuple[str, str]]) -> None:
    metric = entry["metric"]
    given = [name for name in ("max", "min") if entry.get(name) is not None]
    key = ("constraints", position)
    if not given:
        draft.fault(key, f"the constraint on {metric} has neither `max` nor `min`", "max: ..., or min: ...")
    elif len(given) == 2:
        draft.fault(key, f"the constraint on {metric} has both `max` and `min`", "write two constraints")
    elif (metric, given[0]) in seen:
        draft.fault(key, f"the constraint `{given[0]}` on {metric} stands here twice", "keep one of them")
    seen |= {(metric, name) for name in given}

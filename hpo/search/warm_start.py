"""Finished trials of an earlier study that a new study's sampler begins with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.config.models import StudyConfig
from hpo.errors import ConfigurationError, HpoError
from hpo.records import Record, load_state
from hpo.records.champion import value_of
from hpo.records.place import refreshed
from hpo.search.verdict import judge
from hpo.space import SearchSpace


def earlier_trials(config: StudyConfig, space: SearchSpace) -> list[dict[str, Any]]:
    """Complete trials of ``config.warm_start`` that lie inside this study's space: params, values, constraints.

    Only the sampler sees them: they are no trials of the new study, take none of its budget, and win nothing.

    Raises:
        ConfigurationError: the run folder holds no study, or none of its trials can be used.
    """
    folder = refreshed(str(config.warm_start))
    if not folder.journal.exists():
        raise ConfigurationError(
            "holds no study to begin with", where=f"warm_start: {folder.place}", hint="name a run folder"
        )
    complete = [r for r in load_state(folder.journal).records.values() if r.state == "complete"]
    usable = [trial for record in complete if (trial := _translated(config, space, record)) is not None]
    if not usable:
        raise ConfigurationError(
            f"none of its {len(complete)} complete trials fits this study's space and metrics",
            where=f"warm_start: {folder.place}",
            hint="parameters need the same names with values inside the new ranges, objectives the same metrics",
        )
    return usable


def _translated(config: StudyConfig, space: SearchSpace, record: Record) -> dict[str, Any] | None:
    values = [value_of(record, objective.metric) for objective in config.objectives]
    if any(value is None for value in values):
        return None
    try:
        params: Mapping[str, Any] = space.encode({k: v for k, v in record.settings.items() if k in space.parameters})
    except HpoError:
        return None
    constraints = judge(config.constraints, {**record.measurements, **record.metrics}).constraints
    return {"params": dict(params), "values": values, "constraints": list(constraints)}

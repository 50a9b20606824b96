"""What a study would do, before it does anything: sizes, memory of the largest configuration, forecast, warnings."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.models import StudyConfig
from hpo.config.space import Categorical, Constant, Parameter, Ratio
from hpo.evaluators.measurements import MEASUREMENTS, REPRODUCIBLE
from hpo.records import RunFolder, load_state
from hpo.records.place import place_of, refreshed
from hpo.runners.opening import open_runner
from hpo.search.budget import stops_by_clock
from hpo.search.fit import MemoryFilter
from hpo.space import SearchSpace

if TYPE_CHECKING:
    from hpo.data.rows import Rows, Splits
    from hpo.objective import Footprint

# Rows below which the method usually does not learn the task. Classification: rows of the rarest class; scikit-learn's
# estimator map asks for 50 samples in all; LIMA (Zhou et al. 2023, arXiv 2305.11206) tuned on 1,000 examples.
FEWEST_PER_CLASS = {"lora": 20, "full_finetune": 50}
FEWEST_ROWS = {"lora": 500, "full_finetune": 1000, "sklearn_classifier": 50, "sklearn_regressor": 50}
_MEMORY_KEYS = (
    "batch_size", "micro_batch_size", "max_length", "lora_rank", "method", "target_modules", "gradient_checkpointing",
)  # fmt: skip


def plan(config: StudyConfig, splits: Splits | None) -> dict[str, Any]:
    """Everything that ``--dry-run`` prints, as plain values; missing ones are None.

    The objective is opened and measured (a forward and backward pass at two sizes), nothing is trained or written.
    """
    space = SearchSpace.of(config.search_space, config.training.model_dump())
    footprint, largest = _footprint(config, splits, space)
    folder = refreshed(place_of(config))
    state = load_state(folder.journal)
    return {
        "study": config.study,
        "task": config.task,
        "objective": config.objective,
        "model": config.model.name if config.model else None,
        "run_folder": folder.place,
        "resumes": bool(state.records),
        "trials_done": sum(record.told for record in state.records.values()),
        "space": {
            "parameters": list(config.search_space),
            "size": space.size(),
            "default": space.settings(space.default()),
        },
        "data": _data(splits),
        "memory": largest,
        "forecast": _forecast(config, footprint),
        "reproducible": not stops_by_clock(config.budget) and config.sampler.ordered and not _measured(config),
        "warnings": [*_data_warnings(config, splits), *_warnings(config, largest)],
    }


def _data(splits: Splits | None) -> dict[str, Any] | None:
    if splits is None:
        return None
    parts = {"train": splits.train, "validation": splits.validation, "test": splits.test}
    present = {name: rows for name, rows in parts.items() if rows is not None}
    classes = {name: _counts(rows, splits.labels) for name, rows in present.items()} if splits.labels else None
    return {"rows": {name: len(rows) for name, rows in present.items()}, "classes": classes}


def _counts(rows: Rows, labels: tuple[str, ...]) -> dict[str, int]:
    counted = rows.frame["label"].astype(str).value_counts()
    return {label: int(counted.get(label, 0)) for label in labels}


def _footprint(
    config: StudyConfig, splits: Splits | None, space: SearchSpace
) -> tuple[Footprint | None, dict[str, Any] | None]:
    """What the default takes, as measured, and what the largest configuration is predicted to take."""
    with tempfile.TemporaryDirectory() as cache:
        runner = open_runner(config, splits, RunFolder(Path(cache)))
        try:
            fixed = config.training.model_dump()
            footprint = runner.probe({**fixed, **space.settings(space.default())})
        finally:
            runner.close()
    if footprint is None:
        return None, None
    predicted = MemoryFilter(fixed, dict(footprint.model))
    largest = max(_corners(config, space), key=predicted.memory_gb)
    peak = predicted.memory_gb(largest)
    shown = {name: largest[name] for name in _MEMORY_KEYS if name in largest}
    limit = footprint.limit_gb
    return footprint, {"gb": peak, "limit_gb": limit, "fits": peak <= limit, "settings": shown}


def _corners(config: StudyConfig, space: SearchSpace) -> Iterator[Mapping[str, Any]]:
    """Configurations at the ends of every range that memory depends on, the default elsewhere."""
    default = space.settings(space.default())
    ends = {name: _ends(p) for name, p in config.search_space.items() if name in _MEMORY_KEYS}
    for values in itertools.product(*ends.values()):
        yield {**default, **dict(zip(ends, values, strict=True))}


def _ends(parameter: Parameter) -> tuple[Any, ...]:
    if isinstance(parameter, Categorical):
        return parameter.choices
    if isinstance(parameter, Constant):
        return (parameter.value,)
    return () if isinstance(parameter, Ratio) else (parameter.low, parameter.high)


def _forecast(config: StudyConfig, footprint: Footprint | None) -> dict[str, Any] | None:
    """Time and cost if every trial took as long as the default and none was stopped: an upper estimate."""
    trials = config.budget.trials
    if footprint is None or footprint.seconds is None or trials is None:
        return None
    hours = footprint.seconds * trials / 3600
    price = config.price_per_device_hour
    return {
        "seconds_per_trial": footprint.seconds,
        "trials": trials,
        "device_hours_at_most": hours,
        "cost_usd_at_most": None if price is None else hours * price,
    }


def _warnings(config: StudyConfig, largest: dict[str, Any] | None) -> Iterator[str]:
    if largest is not None and not largest["fits"]:
        yield (
            f"the largest configuration is predicted to take {largest['gb']:.2f} GiB of {largest['limit_gb']:.2f} GiB: "
            "such draws are never started"
        )
    if stops_by_clock(config.budget):
        yield "the budget stops by the clock or by cost, so the number of trials cannot be reproduced exactly"
    if measured := _measured(config):
        yield f"the search goes by {' and '.join(measured)}, which no seed reproduces, so neither are the trials"
    if not config.sampler.ordered:
        yield "sampler.ordered is false: decisions depend on which worker was faster, so the study is not reproducible"


def _measured(config: StudyConfig) -> list[str]:
    """Objectives that are measured anew each time: seconds, memory, money."""
    names = [objective.metric for objective in config.objectives]
    return [name for name in names if name in MEASUREMENTS and name not in REPRODUCIBLE]


def _data_warnings(config: StudyConfig, splits: Splits | None) -> Iterator[str]:
    if splits is None:
        return
    method = str(config.objective)
    rows = FEWEST_ROWS.get(method, 0)
    if config.task != "classification" and len(splits.train) < rows:
        yield f"{len(splits.train)} training rows; {method} usually needs about {rows} or more"
    if splits.labels:
        counted = _counts(splits.train, splits.labels)
        rare = {label: n for label, n in counted.items() if n < FEWEST_PER_CLASS.get(method, 5)}
        if rare:
            named = ", ".join(f"{label} ({n})" for label, n in sorted(rare.items(), key=lambda item: item[1])[:5])
            yield (
                f"classes with fewer training rows than {method} usually needs "
                f"({FEWEST_PER_CLASS.get(method, 5)}): {named}"
            )
    if len(splits.validation) < 100:
        yield f"{len(splits.validation)} validation rows: scores of trials differ by chance alone"

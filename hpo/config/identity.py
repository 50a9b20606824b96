"""Which study this is: a hash of each part that decides what its trials mean, and the names of those that differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hpo.config.harness import is_harness, parse
from hpo.config.models import StudyConfig
from hpo.config.paths import file_part, is_own
from hpo.config.preparation import AS_GIVEN


def identity(config: StudyConfig, data_fingerprint: str) -> dict[str, str]:
    """A short hash of each part of a study by which a run folder is recognised.

    Budget, runner, loggers, folders, storage, prices and baselines may change between calls and are no part.

    Args:
        config: the study.
        data_fingerprint: of its rows, columns, template and split; empty where there are none.

    Returns:
        16 hexadecimal digits by part: ``model``, ``data``, ``training``, ``search_space``, ``known``, ``objectives``,
        ``constraints``, ``sampler``, ``pruner``, ``objective``.
    """
    values = config.model_dump()
    sampler = {name: values["sampler"][name] for name in ("name", "seed", "ordered")}
    parts: dict[str, Any] = {
        "model": values["model"],
        "data": _with_preparation(data_fingerprint, config),
        "training": values["training"],
        "search_space": list(values["search_space"].items()),  # in order: draws depend on it
        "known": values["known"],
        "objectives": [(_portable(each.metric), each.direction) for each in config.objectives],
        "constraints": [(_portable(each.metric), each.min, each.max) for each in config.constraints],
        "sampler": sampler,
        "pruner": values["pruner"],
        "objective": (config.task, _portable(config.objective or "")),
    }
    return {name: _hash(part) for name, part in parts.items()}


def describe_difference(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Names of the parts in which two studies differ, in the order of ``new``.

    >>> describe_difference({"data": "a", "model": "b"}, {"model": "b", "data": "c"})
    ['data']
    """
    return [name for name in {**new, **old} if old.get(name) != new.get(name)]


def _with_preparation(fingerprint: str, config: StudyConfig) -> Any:
    """The rows, and what is done to them; alone where nothing is."""
    if config.data is None or config.data.preparation == AS_GIVEN:
        return fingerprint
    values = config.data.preparation.model_dump()
    given = values["preprocessing"]
    values["preprocessing"] = [_portable(name) for name in ((given,) if isinstance(given, str) else given or ())]
    values["strategies"] = {name: [_portable(each) for each in own] for name, own in values["strategies"].items()}
    return (fingerprint, values)


def _portable(reference: str) -> Any:
    """A file of the user's own by its content, not by the folder it lies in; other names as they are."""
    task = parse(reference) if is_harness(reference) else None
    if not is_own(reference) and not (task and task.is_file):
        return reference
    file = Path(task.task if task else file_part(reference))
    content = file.read_bytes() if file.is_file() else b""
    return (file.name, reference.replace(str(file), ""), hashlib.blake2b(content, digest_size=16).hexdigest())


def _hash(part: Any) -> str:
    return hashlib.blake2b(json.dumps(part, default=str).encode(), digest_size=8).hexdigest()

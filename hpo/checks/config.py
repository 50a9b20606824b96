"""data.yaml: what ``hpo check-data`` is asked for, every fault at once and with its line."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpo.checks.preprocessing import METHODS
from hpo.config.defaults import drop_empty_blocks
from hpo.config.document import parse_mapping, read_text
from hpo.config.draft import Draft, Key
from hpo.config.environment import substitute
from hpo.config.gates import GatesConfig
from hpo.config.messages import check_form
from hpo.config.models import Frozen
from hpo.config.paths import absolute, is_own, resolve_file, resolve_model
from hpo.config.transforms import check_names
from hpo.errors import ConfigurationError


class ChecksConfig(Frozen):
    """data.yaml."""

    data: Annotated[str, Field(description="file: JSONL, CSV, Parquet or .txt, also .gz or .zst; or rows.py")]
    against: Annotated[str | None, Field(description="file of held-out or new rows")] = None
    columns: Annotated[dict[str, str], Field(description="our column: the file's column; others are guessed")] = Field(
        default_factory=dict
    )
    gates: Annotated[GatesConfig, Field(description="thresholds; one that fails gives exit code 3")] = GatesConfig(
        max_leakage_ratio=None
    )
    strategies: Annotated[
        dict[str, tuple[str, ...]], Field(description="preprocessing strategies to try: lists of transforms by name")
    ] = Field(default_factory=dict)
    label_noise: Annotated[bool, Field(description="look for wrong labels")] = False
    learning_curve: Annotated[bool, Field(description="score against data size")] = False
    drift: Annotated[bool, Field(description="hold the rows of `against` against these")] = False
    model: Annotated[str | None, Field(description="whose tokenizer counts tokens: hub name or folder")] = None
    max_length: Annotated[int | None, Field(ge=1, description="tokens beyond which the model cuts a row")] = None
    report: Annotated[str | None, Field(description="where the page is written")] = None


def load_config(path: str | Path) -> ChecksConfig:
    """Read a data file of checks (data.yaml).

    Raises:
        ConfigurationError: carries every fault, each with file and line and a hint.
    """
    file = Path(os.path.expanduser(path))
    return load_text(read_text(file, str(path)), str(path), file.absolute().parent)


def load_text(text: str, shown: str, folder: Path) -> ChecksConfig:
    """Read checks from YAML text.

    Args:
        text: the YAML.
        shown: what messages call the file.
        folder: what relative paths start from; absolute.

    Raises:
        ConfigurationError: as in ``load_config``.
    """
    draft = parse_mapping(text, shown, folder)
    if draft.get("study") is not None:
        raise ConfigurationError(
            "this is a study, whose rows are checked when it runs", where=shown, hint="name its data file instead"
        )
    substitute(draft)
    drop_empty_blocks(draft, ChecksConfig)
    _write_out_shorthands(draft)
    check_form(draft, ChecksConfig)
    _check_strategies(draft)
    _check_needs(draft)
    _resolve(draft)
    if draft.faults:
        raise ConfigurationError.of(draft.sorted_faults())
    return ChecksConfig.model_validate(draft.values, strict=True)


def _write_out_shorthands(draft: Draft) -> None:
    """``data: {train: FILE, test: FILE, columns: ...}`` as in a study is ``data``, ``against`` and ``columns``."""
    gates = draft.get("gates")
    if isinstance(gates, dict):
        draft.put(("gates",), {"max_leakage_ratio": None, **gates})
    for name, transforms in draft.block("strategies").items():
        if isinstance(transforms, str):
            draft.put(("strategies", name), (transforms,))
    block = draft.block("data")
    if not block:
        return
    keys = {"train": "data", "source": "data", "test": "against", "validation": "against", "columns": "columns"}
    for name in block:
        if name not in keys:
            draft.fault(("data", name), f"unknown key `{name}` in `data`", "train, source, validation, test, columns")
    found = {keys[name]: value for name, value in reversed(list(block.items())) if name in keys}
    draft.values = {**found, **{name: value for name, value in draft.values.items() if name != "data"}}
    if "data" not in found:
        draft.fault(("data",), "`data` names no rows", "data: rows.jsonl")
        draft.values["data"] = ""
    for name, value in block.items():
        if name in keys and value is not None:
            draft.places[(keys[name],)] = draft.at(("data", name))


def _check_strategies(draft: Draft) -> None:
    for name, transforms in draft.block("strategies").items():
        key: Key = ("strategies", name)
        if not isinstance(transforms, tuple) or not draft.sound(*key):
            continue
        listed = [each for each in transforms if each not in METHODS]
        for fault in check_names(listed):
            draft.fault(key, fault.what, fault.hint)


def _check_needs(draft: Draft) -> None:
    if draft.get("drift") is True and draft.get("against") is None:
        draft.fault(("drift",), "drift needs other rows", "against: new.jsonl")
    if draft.get("model") is None and draft.get("max_length") is not None:
        draft.fault(("max_length",), "`max_length` is of a model's tokens, and no model is named", "model: NAME")


def _resolve(draft: Draft) -> None:
    """Paths relative to the file; what does not exist is a fault."""
    for name in ("data", "against"):
        resolve_file(draft, (name,), "data file")
    resolve_model(draft, ("model",))
    report = draft.get("report")
    if isinstance(report, str):
        draft.put(("report",), absolute(draft, report))
    for name in draft.block("strategies"):
        for place, each in enumerate(draft.entries("strategies", name)):
            if is_own(each):
                resolve_file(draft, ("strategies", name, place), "transforms file")

"""The folder of results: validation.json and its tables as CSV."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpo.data.whole import write_text
from hpo.errors import ConfigurationError

SCORES = (
    "model", "dataset", "metric", "value", "ci_low", "ci_high", "n", "method", "direction", "subgroup", "seeds",
    "reason",
)  # fmt: skip
COMPARISONS = (
    "a", "b", "dataset", "metric", "subgroup", "role", "verdict", "winner", "difference", "ci_low", "ci_high",
    "p_value", "p_adjusted", "effect_size", "effect_value", "effect_low", "effect_high",
    "minimum_detectable_effect", "n", "groups", "seeds", "method", "reason", "warnings",
)  # fmt: skip
_KINDS = ("output", "right")


def check_folder(out: Path) -> None:
    """See that the folder of results can be made and written; nothing is made yet.

    Raises:
        ConfigurationError: it cannot.
    """
    there = next((each for each in (out, *out.parents) if each.exists()), Path("/"))
    if not there.is_dir():
        raise _refused(out, f"{there} is a file")
    if not os.access(there, os.W_OK | os.X_OK):
        raise _refused(out, f"{there} cannot be written")


def open_folder(out: Path) -> None:
    """Make the folder of results where it is missing.

    Raises:
        ConfigurationError: it cannot be made, or not be written.
    """
    check_folder(out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refused(out, str(error.strerror)) from error


def _refused(out: Path, why: str) -> ConfigurationError:
    hint = "name another one: `out: FOLDER` in the validation file"
    return ConfigurationError(f"results cannot be written there: {why}", where=str(out), hint=hint)


def write_outputs(found: Mapping[str, Any], out: Path) -> None:
    """Write ``validation.json``, ``scores.csv``, ``comparisons.csv`` and ``errors.csv`` into ``out``.

    Raises:
        ConfigurationError: see ``open_folder``.
    """
    open_folder(out)
    write_text(out / "validation.json", json.dumps(found, allow_nan=False, indent=1) + "\n")
    write_text(out / "scores.csv", _csv(SCORES, found["scores"]))
    write_text(out / "comparisons.csv", _csv(COMPARISONS, [_flat(row) for row in found["comparisons"]]))
    models = [model["name"] for model in found["models"]]
    columns = ["dataset", "id", "group", "reference", *(f"{kind}:{name}" for name in models for kind in _KINDS), "text"]
    write_text(out / "errors.csv", _csv(columns, [_browsed(row, models) for row in found["errors"]]))


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    effect = row["effect_size"] or {"name": None, "value": None, "ci_low": None, "ci_high": None}
    own = {"effect_size": effect["name"], "effect_value": effect["value"]}
    ends = {"effect_low": effect["ci_low"], "effect_high": effect["ci_high"]}
    return {**row, **own, **ends, "warnings": "; ".join(row["warnings"])}


def _browsed(row: Mapping[str, Any], models: Sequence[str]) -> dict[str, Any]:
    said = {f"output:{name}": row["outputs"].get(name) for name in models}
    return {**row, **said, **{f"right:{name}": row["right"].get(name) for name in models}}


def _csv(columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(row.get(name)) for name in columns] for row in rows)
    return buffer.getvalue()


def cell(value: Any) -> Any:
    """A spreadsheet must not take somebody's text for a formula: such a text is written with a ' before it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return "'" + value
    return value

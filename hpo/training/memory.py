"""Memory of a configuration from measured coefficients: pure arithmetic, for the driver that never touches a device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.config.training import TrainingConfig

GIB = 2**30
ADAM_BYTES = 16  # a trained value, its gradient and two moments, 4 bytes each
_MARGIN = 1.02  # a configuration that ran out of memory is predicted this far above the limit


def predict_memory(coefficients: Mapping[str, float], params: Mapping[str, Any]) -> float:
    """Peak memory in GiB of a run at the smallest micro-batch it may be split into.

    base + 16 bytes x trained values + rows x (slope x tokens of a row + logits x learnt tokens of a row), with one row,
    or ``micro_batch_size`` rows where that is given. The effective batch plays no part: it is split until it fits.

    Args:
        coefficients: ``Footprint.model`` of a probe.
        params: absolute parameters; missing ones have their defaults.
    """
    return _memory(coefficients, params, _fixed_rows(params) or 1)


def choose_micro_batch(coefficients: Mapping[str, float], params: Mapping[str, Any]) -> int:
    """Rows of a forward pass: ``micro_batch_size``, else the whole batch or the largest power of two that fits."""
    fixed, batch = _fixed_rows(params), int(_value(params, "batch_size"))
    if fixed:
        return min(fixed, batch)
    if _memory(coefficients, params, batch) <= coefficients["limit_gb"]:
        return batch
    rows = 1
    while 2 * rows <= batch and _memory(coefficients, params, 2 * rows) <= coefficients["limit_gb"]:
        rows *= 2
    return rows


def recalibrate(coefficients: Mapping[str, float], observed_oom_params: Mapping[str, Any]) -> dict[str, float]:
    """Coefficients under which a configuration that ran out of memory no longer fits.

    The slope rises by what was missing; where the row costs nothing (no tokens), the base does.
    """
    corrected = dict(coefficients)
    missing = coefficients["limit_gb"] * _MARGIN - predict_memory(coefficients, observed_oom_params)
    if missing <= 0:
        return corrected
    tokens = (_fixed_rows(observed_oom_params) or 1) * _tokens(coefficients, observed_oom_params)
    if tokens > 0:
        corrected["slope_bytes"] = coefficients["slope_bytes"] + missing * GIB / tokens
    else:
        corrected["base_gb"] = coefficients["base_gb"] + missing
    return corrected


def trained_values(coefficients: Mapping[str, float], params: Mapping[str, Any]) -> float:
    """Trained values: all, or the head and rank x (inputs + outputs) of every adapted layer; DoRA adds outputs."""
    if coefficients.get("full"):
        return coefficients["full"]
    targets = _value(params, "target_modules")
    wanted = (targets,) if isinstance(targets, str) else tuple(targets)
    names = {key.partition(".")[2] for key in coefficients if key.startswith("sizes.")}
    if "all-linear" not in wanted:
        leaves = {name.rpartition(".")[2] for name in wanted}
        names = names & leaves or names
    rank = float(_value(params, "lora_rank"))
    values = rank * sum(coefficients[f"sizes.{name}"] for name in names)
    if _value(params, "method") == "dora":
        values += sum(coefficients[f"outputs.{name}"] for name in names)
    return values + coefficients.get("head", 0.0)


def _memory(coefficients: Mapping[str, float], params: Mapping[str, Any], rows: int) -> float:
    tokens = _tokens(coefficients, params)
    row = coefficients["slope_bytes"] * tokens + coefficients["logits_bytes"] * min(coefficients["learnt"], tokens)
    return coefficients["base_gb"] + (ADAM_BYTES * trained_values(coefficients, params) + rows * row) / GIB


def _tokens(coefficients: Mapping[str, float], params: Mapping[str, Any]) -> float:
    """Tokens of the longest row."""
    return min(float(_value(params, "max_length")), coefficients["longest"])


def _fixed_rows(params: Mapping[str, Any]) -> int | None:
    value = _value(params, "micro_batch_size")
    return int(value) if value is not None else None


def _value(params: Mapping[str, Any], name: str) -> Any:
    return params[name] if name in params else TrainingConfig.model_fields[name].default

"""A trial's parameters as a TrainingConfig."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpo.config.training import TrainingConfig
from hpo.data.prepared import DEFAULTS


def settings_of(*sources: Mapping[str, Any]) -> TrainingConfig:
    """The training settings among the given parameters; later sources win, names of other things are left out."""
    known = TrainingConfig.model_fields
    merged = {name: value for source in sources for name, value in source.items() if name in known}
    return TrainingConfig(**merged)


def defaults_of(*names: str) -> dict[str, Any]:
    """Defaults of the named settings, and of how rows are prepared."""
    return {**{name: TrainingConfig.model_fields[name].default for name in names}, **DEFAULTS}


_ADAPTER_ONLY = ("method", "lora_rank", "lora_alpha", "lora_dropout", "target_modules")
SHARED = tuple(
    name for name in TrainingConfig.model_fields if name not in _ADAPTER_ONLY
)  # settings of every training run

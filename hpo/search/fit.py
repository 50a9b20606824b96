"""Which configurations are predicted to fit into memory: coefficients from a probe, corrected by every real failure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from hpo.records.record import Record
from hpo.training.memory import predict_memory, recalibrate


@dataclass
class MemoryFilter:
    """Predicts whether a run fits; without a footprint everything does.

    Args:
        fixed: the study's fixed training settings, which a trial's own settings override.
    """

    fixed: Mapping[str, Any]
    coefficients: dict[str, float] = field(default_factory=dict)

    @property
    def limit_gb(self) -> float:
        """GiB that a run may take; 0 without a footprint."""
        return self.coefficients.get("limit_gb", 0.0)

    def learn(self, record: Record) -> None:
        """Take in a finished trial: one that ran out of memory must not be predicted to fit again."""
        if self.coefficients and record.reason == "out_of_memory":
            self.coefficients = recalibrate(self.coefficients, {**self.fixed, **record.settings})

    def fits(self, settings: Mapping[str, Any]) -> bool:
        """Whether a run with these settings is predicted to fit."""
        return not self.coefficients or self.memory_gb(settings) <= self.limit_gb

    def memory_gb(self, settings: Mapping[str, Any]) -> float:
        """Predicted peak, GiB; 0 without a footprint."""
        return predict_memory(self.coefficients, {**self.fixed, **settings}) if self.coefficients else 0.0

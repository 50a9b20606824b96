"""Thresholds that data must keep before a study starts: ``data.gates`` of study.yaml, ``--gate`` of check-data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Side = Literal["max", "min"]


@dataclass(frozen=True)
class GateSpec:
    """A threshold that may be set: what it bounds, from which side, and the numbers that make sense.

    Attributes:
        name: the key, which begins with ``side``.
        side: ``max``: the measured value may be at most the threshold; ``min``: it must be at least the threshold.
        what: one sentence for people.
        low: least threshold that makes sense.
        high: greatest threshold that makes sense; None: no end.
        unset: the threshold that holds in a study where none is set; None: the gate is off.
    """

    name: str
    side: Side
    what: str
    low: float = 0.0
    high: float | None = 1.0
    unset: float | None = None

    def passes(self, value: float, threshold: float) -> bool:
        """Whether a measured value keeps the threshold; equality does, NaN does not."""
        return value <= threshold if self.side == "max" else value >= threshold


_SPECS = (
    GateSpec("min_words_per_sample", "min", "words of the shortest row", high=None),
    GateSpec("max_words_per_sample", "max", "words of the longest row", high=None),
    GateSpec("max_duplicate_ratio", "max", "share of rows that repeat an earlier one, exactly or but for form"),
    GateSpec("max_near_duplicate_ratio", "max", "share of rows that nearly repeat an earlier one"),
    GateSpec("max_leakage_ratio", "max", "share of held-out rows that stand in the training rows too", unset=0.0),
    GateSpec("min_vocabulary_richness", "min", "variety of words in samples of one size"),
    GateSpec("max_special_character_ratio", "max", "share of unusual characters among all characters"),
    GateSpec("max_label_noise", "max", "estimated share of wrong labels"),
    GateSpec("max_class_imbalance", "max", "rows of the largest class for each row of the smallest", 1.0, None),
    GateSpec("max_contradictory_label_ratio", "max", "share of rows whose copies carry another label"),
    GateSpec("max_encoding_damage_ratio", "max", "share of rows with damaged characters"),
    GateSpec("max_personal_data_ratio", "max", "share of rows with personal data"),
    GateSpec("max_truncated_ratio", "max", "share of rows that the model's max_length would cut"),
    GateSpec("max_empty_ratio", "max", "share of rows without text"),
    GateSpec("max_outlier_ratio", "max", "share of rows unlike all others"),
    GateSpec("min_rows_per_class", "min", "rows of the smallest class", high=None),
)

GATES: Mapping[str, GateSpec] = {spec.name: spec for spec in _SPECS}


def _threshold(name: str) -> Any:
    spec = GATES[name]
    return Field(ge=spec.low, le=spec.high, description=spec.what)


class GatesConfig(BaseModel):
    """Thresholds that the rows must keep before the first trial; null switches one off, and only leakage is on."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    min_words_per_sample: Annotated[float | None, _threshold("min_words_per_sample")] = GATES[
        "min_words_per_sample"
    ].unset
    max_words_per_sample: Annotated[float | None, _threshold("max_words_per_sample")] = GATES[
        "max_words_per_sample"
    ].unset
    max_duplicate_ratio: Annotated[float | None, _threshold("max_duplicate_ratio")] = GATES["max_duplicate_ratio"].unset
    max_near_duplicate_ratio: Annotated[float | None, _threshold("max_near_duplicate_ratio")] = GATES[
        "max_near_duplicate_ratio"
    ].unset
    max_leakage_ratio: Annotated[float | None, _threshold("max_leakage_ratio")] = GATES["max_leakage_ratio"].unset
    min_vocabulary_richness: Annotated[float | None, _threshold("min_vocabulary_richness")] = GATES[
        "min_vocabulary_richness"
    ].unset
    max_special_character_ratio: Annotated[float | None, _threshold("max_special_character_ratio")] = GATES[
        "max_special_character_ratio"
    ].unset
    max_label_noise: Annotated[float | None, _threshold("max_label_noise")] = GATES["max_label_noise"].unset
    max_class_imbalance: Annotated[float | None, _threshold("max_class_imbalance")] = GATES["max_class_imbalance"].unset
    max_contradictory_label_ratio: Annotated[float | None, _threshold("max_contradictory_label_ratio")] = GATES[
        "max_contradictory_label_ratio"
    ].unset
    max_encoding_damage_ratio: Annotated[float | None, _threshold("max_encoding_damage_ratio")] = GATES[
        "max_encoding_damage_ratio"
    ].unset
    max_personal_data_ratio: Annotated[float | None, _threshold("max_personal_data_ratio")] = GATES[
        "max_personal_data_ratio"
    ].unset
    max_truncated_ratio: Annotated[float | None, _threshold("max_truncated_ratio")] = GATES["max_truncated_ratio"].unset
    max_empty_ratio: Annotated[float | None, _threshold("max_empty_ratio")] = GATES["max_empty_ratio"].unset
    max_outlier_ratio: Annotated[float | None, _threshold("max_outlier_ratio")] = GATES["max_outlier_ratio"].unset
    min_rows_per_class: Annotated[float | None, _threshold("min_rows_per_class")] = GATES["min_rows_per_class"].unset

    @property
    def thresholds(self) -> dict[str, float]:
        """The gates that are on, and their thresholds."""
        return {name: value for name, value in self.model_dump().items() if value is not None}

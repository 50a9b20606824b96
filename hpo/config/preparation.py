"""How the rows of a study are prepared: the block ``data.preparation``, and what of it may be searched instead."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

ClassWeights = Literal["none", "balanced", "sqrt_balanced"]
Resample = Literal["none", "oversample", "undersample"]
Outliers = Literal["none", "length", "target"]

SEARCHABLE = ("preprocessing", "class_weights", "train_fraction")  # in a search space, or here, never in both


class AugmentConfig(BaseModel):
    """Changed copies of training rows, added after the split; the effect is for the search or a check to tell."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: Annotated[
        Literal["delete_words", "swap_words", "typos"],
        Field(description="words left out or swapped (EDA, Wei and Zou 2019), or letters mistyped"),
    ]
    share: Annotated[float, Field(gt=0, le=1, description="of the training rows, a changed copy each")] = 0.5
    rate: Annotated[
        float | None,
        Field(gt=0, lt=1, description="of the words (typos: of the letters) that are changed; unset: 0.1, typos: 0.03"),
    ] = None


class PreparationConfig(BaseModel):
    """What is done to rows after the split, the same for all trials; row steps change training rows only."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    preprocessing: Annotated[
        str | tuple[str, ...] | None,
        Field(description="transforms in order, the name of one or of a strategy; unset or original: none"),
    ] = None
    strategies: Annotated[dict[str, tuple[str, ...]], Field(description="lists of transforms by name")] = {}
    class_weights: Annotated[ClassWeights, Field(description="weights of classes in the loss (classification)")] = (
        "none"
    )
    resample: Annotated[
        Resample, Field(description="copies of rows of rare classes, or fewer of frequent ones (classification)")
    ] = "none"
    augment: Annotated[AugmentConfig | None, Field(description="changed copies of training rows")] = None
    outliers: Annotated[
        Outliers, Field(description="training rows left out: modified z-score of the length or target over 3.5")
    ] = "none"
    train_fraction: Annotated[
        float, Field(gt=0, le=1, description="of the training rows, drawn so that smaller fractions are nested")
    ] = 1.0


AS_GIVEN = PreparationConfig()  # nothing is done to the rows

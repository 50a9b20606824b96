"""The parameters of a search space, as study.yaml spells them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = bool | int | float | str | None
Choice = Scalar | tuple[Scalar, ...]
When = dict[str, Any]  # other parameter -> value, or tuple of values, under which this one exists


class _Parameter(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    when: Annotated[When | None, Field(description="other parameters' values under which this one exists")] = None


class Uniform(_Parameter):
    """A real number, evenly spread; with ``step`` a grid that starts at ``low``."""

    type: Literal["uniform"]
    low: float
    high: float
    step: float | None = None
    default: float | None = None


class LogUniform(_Parameter):
    """A positive real number, evenly spread in its logarithm."""

    type: Literal["log_uniform"]
    low: float
    high: float
    default: float | None = None


class IntUniform(_Parameter):
    """A whole number, evenly spread; with ``step`` a grid that starts at ``low``."""

    type: Literal["int_uniform"]
    low: int
    high: int
    step: int = 1
    default: int | None = None


class IntLogUniform(_Parameter):
    """A positive whole number, evenly spread in its logarithm."""

    type: Literal["int_log_uniform"]
    low: int
    high: int
    default: int | None = None


class Categorical(_Parameter):
    """One of the listed choices, without an order; a choice may be a list (of module names, say)."""

    type: Literal["categorical"]
    choices: tuple[Choice, ...]
    default: Choice = None  # None: the first choice (so null can be the default only as the first choice)


class Ratio(_Parameter):
    """A multiple of another parameter or fixed setting: value = ratio x ``of``."""

    type: Literal["ratio"]
    of: str
    choices: tuple[float, ...]
    default: float | None = None


class Constant(_Parameter):
    """A fixed value that belongs to the space (so that it stands in every table)."""

    type: Literal["constant"]
    value: Choice


Parameter = Annotated[
    Uniform | LogUniform | IntUniform | IntLogUniform | Categorical | Ratio | Constant, Field(discriminator="type")
]

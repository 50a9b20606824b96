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

    type: Annotated[Literal["uniform"], Field(description="the kind of parameter")]
    low: Annotated[float, Field(description="least value")]
    high: Annotated[float, Field(description="greatest value")]
    step: Annotated[float | None, Field(description="distance of the values, from low")] = None
    default: Annotated[float | None, Field(description="value in trial 0; unset: the middle")] = None


class LogUniform(_Parameter):
    """A positive real number, evenly spread in its logarithm."""

    type: Annotated[Literal["log_uniform"], Field(description="the kind of parameter")]
    low: Annotated[float, Field(description="least value")]
    high: Annotated[float, Field(description="greatest value")]
    default: Annotated[float | None, Field(description="value in trial 0; unset: the middle")] = None


class IntUniform(_Parameter):
    """A whole number, evenly spread; with ``step`` a grid that starts at ``low``."""

    type: Annotated[Literal["int_uniform"], Field(description="the kind of parameter")]
    low: Annotated[int, Field(description="least value")]
    high: Annotated[int, Field(description="greatest value")]
    step: Annotated[int, Field(description="distance of the values, from low")] = 1
    default: Annotated[int | None, Field(description="value in trial 0; unset: the middle")] = None


class IntLogUniform(_Parameter):
    """A positive whole number, evenly spread in its logarithm."""

    type: Annotated[Literal["int_log_uniform"], Field(description="the kind of parameter")]
    low: Annotated[int, Field(description="least value")]
    high: Annotated[int, Field(description="greatest value")]
    default: Annotated[int | None, Field(description="value in trial 0; unset: the middle")] = None


class Categorical(_Parameter):
    """One of the listed choices, without an order; a choice may be a list (of module names, say)."""

    type: Annotated[Literal["categorical"], Field(description="the kind of parameter")]
    choices: Annotated[tuple[Choice, ...], Field(description="the values to choose from")]
    default: Annotated[Choice, Field(description="value in trial 0; unset: the first choice")] = (
        None  # None: the first choice (so null can be the default only as the first choice)
    )


class Ratio(_Parameter):
    """A multiple of another parameter or fixed setting: value = ratio x ``of``."""

    type: Annotated[Literal["ratio"], Field(description="the kind of parameter")]
    of: Annotated[str, Field(description="a parameter of the space, or a setting, that is a number")]
    choices: Annotated[tuple[float, ...], Field(description="the multiples to choose from")]
    default: Annotated[
        float | None, Field(description="multiple in trial 0; unset: 2 where it is a choice, else the first")
    ] = None


class Constant(_Parameter):
    """A fixed value that belongs to the space (so that it stands in every table)."""

    type: Annotated[Literal["constant"], Field(description="the kind of parameter")]
    value: Annotated[Choice, Field(description="the value")]


Parameter = Annotated[
    Uniform | LogUniform | IntUniform | IntLogUniform | Categorical | Ratio | Constant, Field(discriminator="type")
]

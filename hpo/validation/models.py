"""ValidationConfig: validation.yaml as frozen, validated values."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hpo.config.models import DataConfig, Frozen, TaskKind, WandbConfig

Part = Literal["test", "validation", "train", "all"]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$")]
Source = str | dict[str, str] | None  # one for every data set, or one a data set by its name

SOURCES = ("model", "adapter", "run", "predictions", "classical")


class AskConfig(Frozen):
    """How a model is asked, under the names that `training` has for it; what is left out is as in a study."""

    max_length: Annotated[int | None, Field(ge=4, description="tokens a row is cut at")] = None
    scoring: Annotated[
        Literal["label_likelihood", "generate"] | None,
        Field(description="how a causal model answers a classification task"),
    ] = None
    length_normalized: Annotated[bool | None, Field(description="a label's log-likelihood by its tokens")] = None
    max_new_tokens: Annotated[int | None, Field(ge=1, description="tokens a generated answer may have")] = None
    few_shot: Annotated[int | None, Field(ge=0, description="training rows shown in the prompt")] = None
    per_device_eval_batch_size: Annotated[int | None, Field(ge=1, description="rows of a forward pass")] = None
    bf16: Annotated[bool | None, Field(description="bfloat16 autocast; unset: where the device has it")] = None


class ModelEntry(Frozen):
    """One model, or a person: exactly one source of answers."""

    name: Annotated[Name, Field(description="how tables and sentences call it")]
    model: Annotated[
        Source, Field(description="hub name, folder, or package:NAME/folder; beside `adapter`: its base")
    ] = None
    adapter: Annotated[Source, Field(description="folder of an adapter: ours, or any in PEFT's format")] = None
    run: Annotated[Source, Field(description="run folder of a study: its best")] = None
    trial: Annotated[int | None, Field(ge=0, description="of `run`: this trial; 0 is the default")] = None
    base: Annotated[bool, Field(description="of `run`: the untuned model it began from")] = False
    predictions: Annotated[Source, Field(description="predictions file: id, prediction, probability_<class>, ...")] = (
        None
    )
    kind: Annotated[Literal["model", "people"], Field(description="who made the predictions")] = "model"
    classical: Annotated[
        bool, Field(description="TF-IDF with a linear model, fitted on the training rows, or on those of `run`")
    ] = False
    seeds: Annotated[int | None, Field(ge=2, description="of `run`: train it again with so many fresh seeds")] = None
    labels: Annotated[dict[str, str], Field(default_factory=dict, description="the model's label: the data set's")]
    ask: Annotated[AskConfig | None, Field(description="how `model` and plain adapters are asked")] = None
    trust_remote_code: Annotated[bool, Field(description="run code that comes with the model")] = False
    datasets: Annotated[tuple[str, ...], Field(description="only on these data sets; unset: on all")] = ()


class DatasetEntry(Frozen):
    """One data set, and what is asked of it."""

    name: Annotated[Name, Field(description="how tables and sentences call it")]
    data: Annotated[DataConfig | None, Field(description="the rows, as in study.yaml; `test` alone: a whole file")] = (
        None
    )
    run: Annotated[str | None, Field(description="the rows of this run folder's study, in place of `data`")] = None
    lm_eval: Annotated[str | None, Field(description="a task of lm-evaluation-harness, in place of `data`")] = None
    task: Annotated[TaskKind | None, Field(description="of this data set; unset: the file's")] = None
    split: Annotated[Part, Field(description="which rows are scored")] = "test"
    limit: Annotated[int | None, Field(ge=1, description="score at most so many rows, drawn by the seed")] = None
    primary: Annotated[str | None, Field(description="the metric that decides; unset: the task's first")] = None
    subgroups: Annotated[tuple[str, ...], Field(description="columns: every value is scored by itself")] = ()
    labels: Annotated[tuple[str, ...], Field(description="the classes, checked against the rows'")] = ()


class StatisticsConfig(Frozen):
    """How sure, how often resampled, how corrected."""

    confidence: Annotated[float, Field(gt=0.5, lt=1, description="of every interval")] = 0.95
    resamples: Annotated[int, Field(ge=100, le=1_000_000, description="of bootstrap and permutations")] = 10_000
    correction: Annotated[Literal["holm", "none"], Field(description="across data sets and models")] = "holm"
    equivalence_margin: Annotated[float | None, Field(gt=0, description="in the primary metric's units")] = None
    seed: Annotated[int, Field(ge=0, description="of every resampling and sample")] = 0


class LoggersBlock(Frozen):
    """Where scores are written besides the folder."""

    wandb: Annotated[WandbConfig | None, Field(description="Weights & Biases")] = None


class ValidationConfig(Frozen):
    """One validation file, its paths absolute."""

    name: Annotated[Name, Field(description="names the folder of the results")]
    task: Annotated[TaskKind, Field(description="of the data sets that name none")] = "classification"
    baseline: Annotated[str, Field(description="the model that all others are compared with")]
    models: Annotated[tuple[ModelEntry, ...], Field(min_length=1, description="models and people")]
    datasets: Annotated[tuple[DatasetEntry, ...], Field(min_length=1, description="data sets")]
    metrics: Annotated[tuple[str, ...], Field(description="beside the primary ones; unset: all of the task")] = ()
    statistics: Annotated[StatisticsConfig, Field(description="intervals and tests")] = StatisticsConfig()
    price_per_device_hour: Annotated[float | None, Field(gt=0, description="US dollars")] = None
    rating_sheet: Annotated[int | None, Field(ge=1, description="write a blinded sheet of so many rows")] = None
    ratings: Annotated[tuple[str, ...], Field(description="filled-in rating sheets")] = ()
    loggers: Annotated[LoggersBlock, Field(description="where scores are written besides")] = LoggersBlock()
    out: Annotated[str | None, Field(description="folder of the results; unset: validations/NAME")] = None

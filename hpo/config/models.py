"""StudyConfig: study.yaml as frozen, validated values; the one source of the schema and of the reference."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from hpo.config.gates import GatesConfig
from hpo.config.preparation import PreparationConfig
from hpo.config.space import Parameter
from hpo.config.training import TrainingConfig

TaskKind = Literal["classification", "regression", "instruction", "language_modeling", "custom"]
Direction = Literal["maximize", "minimize"]
FOLDS = 5  # of a kfold split that does not say


class Frozen(BaseModel):
    """A block of a YAML file: frozen, unknown keys forbidden."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class ModelConfig(Frozen):
    """The base model: a hub name or a folder."""

    name: Annotated[
        str,
        Field(description="hub name, folder beside the study file, or package:NAME/folder (of an installed one)"),
    ]
    revision: Annotated[str | None, Field(description="branch, tag or commit on the hub")] = None
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16"], Field(description="precision of the weights")
    ] = "auto"
    trust_remote_code: Annotated[bool, Field(description="run code that comes with the model")] = False


class SplitConfig(Frozen):
    """How rows are divided; near-duplicates and groups never straddle."""

    strategy: Annotated[
        Literal["stratified", "random", "group", "time", "kfold"] | None,
        Field(description="unset: stratified for classification, else random; kfold: one fold of k is validation"),
    ] = None
    validation: Annotated[float, Field(gt=0, lt=1, description="share of the rows")] = 0.15
    test: Annotated[float, Field(ge=0, lt=1, description="share of the rows, untouched by the search")] = 0.2
    by: Annotated[str | None, Field(description="column that names a row's group (group) or its time (time)")] = None
    k: Annotated[int | None, Field(ge=2, description="folds of a kfold split; unset: 5")] = None
    fold: Annotated[int | None, Field(ge=0, description="the fold whose rows are validation; unset: 0")] = None
    seed: Annotated[int, Field(ge=0, description="decides which rows fall into which part")] = 0


class DataConfig(Frozen):
    """Where the rows come from and how they are read."""

    train: Annotated[str | None, Field(description="file: JSONL, CSV, Parquet or .txt, also .gz or .zst")] = None
    validation: Annotated[str | None, Field(description="file of the validation rows; unset: a share of train")] = None
    test: Annotated[str | None, Field(description="file of the test rows; unset: a share of train")] = None
    dataset: Annotated[str | None, Field(description="name on the hub, read through the datasets library")] = None
    config: Annotated[str | None, Field(description="configuration of the hub data set")] = None
    revision: Annotated[str | None, Field(description="revision of the hub data set")] = None
    source: Annotated[str | None, Field(description="rows.py or rows.py:name, a function that yields rows")] = None
    columns: Annotated[dict[str, str], Field(description="our column: the file's column")] = {}
    template: Annotated[str | None, Field(description="prompt with {column} fields")] = None
    limit: Annotated[int | None, Field(ge=1, description="at most so many rows, drawn by the split's seed")] = None
    split: Annotated[SplitConfig, Field(description="how rows are divided")] = SplitConfig()
    preparation: Annotated[
        PreparationConfig, Field(description="what is done to rows after the split; parts of it may be searched")
    ] = PreparationConfig()
    gates: Annotated[GatesConfig, Field(description="what the rows must keep before the first trial")] = GatesConfig()
    forgetting: Annotated[
        str | None, Field(description="file with a column text that nothing is tuned for: what is forgotten of it")
    ] = None


class ObjectiveConfig(Frozen):
    """One metric to optimise; the first of the list is the primary one."""

    metric: Annotated[
        str, Field(description="a metric of the task, a measurement, lm_eval:TASK:METRIC or mine.py:name")
    ]
    direction: Annotated[Direction, Field(description="which way is better")]


class ConstraintConfig(Frozen):
    """A bound on a metric or measurement; exactly one of max and min."""

    metric: Annotated[
        str, Field(description="a metric of the task, a measurement, lm_eval:TASK:METRIC or mine.py:name")
    ]
    max: Annotated[float | None, Field(description="at most")] = None
    min: Annotated[float | None, Field(description="at least")] = None


class SamplerConfig(Frozen):
    """How configurations are chosen."""

    name: Annotated[Literal["tpe", "gp", "random", "grid"], Field(description="gp uses expected improvement")] = "tpe"
    seed: Annotated[int, Field(ge=0, description="the study's seed; every other seed is derived from it")] = 0
    ordered: Annotated[
        bool, Field(description="decide from lower-numbered trials only, so that a study is reproducible")
    ] = True
    lookahead: Annotated[
        int | None,
        Field(ge=1, description="trials asked before the first of them is told; unset: by the number of workers"),
    ] = None


class PrunerConfig(Frozen):
    """When a trial that lags is stopped."""

    name: Annotated[Literal["asha", "none"], Field(description="asha: asynchronous successive halving")] = "asha"
    min_fraction: Annotated[
        float, Field(gt=0, lt=1, description="first rung, as a fraction of the trial's own length")
    ] = 0.1
    reduction_factor: Annotated[int, Field(ge=2, description="one in so many goes on at each rung")] = 3


class PlateauConfig(Frozen):
    """Stop when the best has not improved for so many finished trials."""

    trials: Annotated[int, Field(ge=1, description="finished trials without a better one")] = 10


class BudgetConfig(Frozen):
    """When the search ends: whichever comes first."""

    trials: Annotated[int | None, Field(ge=1, description="finished trials; 30 where the budget names nothing")] = None
    hours: Annotated[float | None, Field(gt=0, description="wall time of the search, over all its calls")] = None
    device_hours: Annotated[float | None, Field(gt=0, description="devices times hours, over all trials")] = None
    cost_usd: Annotated[float | None, Field(gt=0, description="needs price_per_device_hour")] = None
    plateau: Annotated[PlateauConfig | None, Field(description="stop when the best no longer improves")] = None


class RunnerConfig(Frozen):
    """Where trials run."""

    name: Annotated[
        Literal["auto", "local", "ray"],
        Field(description="auto: Ray where there are several devices or a cluster, else local"),
    ] = "auto"
    cpus_per_trial: Annotated[
        float | None, Field(gt=0, description="CPU threads of a trial's process; unset: all cores (local), 1 (ray)")
    ] = None
    gpus_per_trial: Annotated[
        float | None,
        Field(
            ge=0,
            description="a fraction shares one GPU, more than 1 trains a trial on several; unset: 1 where there is one",
        ),
    ] = None
    processes_per_trial: Annotated[
        int | None, Field(ge=1, description="processes that train one trial together; unset: one a whole GPU")
    ] = None
    max_workers: Annotated[
        int | None, Field(ge=1, description="trials at a time at most; unset: as many as the devices take")
    ] = None
    address: Annotated[
        str | None,
        Field(
            description="Ray cluster to join: auto or HOST:PORT; unset: RAY_ADDRESS, else a Ray of this machine alone"
        ),
    ] = None
    resources: Annotated[
        dict[str, Annotated[float, Field(gt=0)]],
        Field(description="custom resources of the cluster that a trial takes"),
    ] = {}
    labels: Annotated[dict[str, str], Field(description="labels that a trial's node must have")] = {}
    environment: Annotated[
        tuple[str, ...], Field(description="names of environment variables handed to the workers, such as HF_TOKEN")
    ] = ()
    tries: Annotated[
        int,
        Field(ge=1, description="deaths of workers in one trial, without a new checkpoint, until it counts as failed"),
    ] = 3
    stall_seconds: Annotated[
        float | None,
        Field(
            gt=0,
            description="silence after which a worker is replaced; unset: ten times the longest so far, 1800 at least",
        ),
    ] = None
    trials_per_worker: Annotated[
        int | Literal["auto"], Field(description="trials that train together; 1 in this version")
    ] = 1
    memory_gb: Annotated[
        float | None, Field(gt=0, description="memory a trial may take; unset: what the device has")
    ] = None


class BaselinesConfig(Frozen):
    """What the search is compared with; both are scored once, on the same validation rows."""

    base: Annotated[bool, Field(description="the untuned model")] = True
    classical: Annotated[bool, Field(description="TF-IDF with a linear model (classification, regression)")] = False


class WandbConfig(Frozen):
    """Weights & Biases: nothing is sent unless this block is there."""

    project: Annotated[str, Field(min_length=1, description="project on the server")] = "hpo"
    tags: Annotated[tuple[str, ...], Field(description="tags of the run")] = ()
    mode: Annotated[
        Literal["online", "offline"], Field(description="offline: files in the run folder, for `wandb sync`")
    ] = "online"


class LoggersConfig(Frozen):
    """Where curves are written besides the run folder."""

    tensorboard: Annotated[bool, Field(description="event files in the run folder")] = True
    wandb: Annotated[WandbConfig | None, Field(description="Weights & Biases, where this block is there")] = None


class StudyConfig(Frozen):
    """One study file, resolved: ready spaces are written out, paths are absolute."""

    study: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9._-]*$", description="names the run folder and the Optuna study")
    ]
    task: Annotated[TaskKind, Field(description="what is learnt; may be left out only for a function of one's own")] = (
        "custom"
    )
    objective: Annotated[
        str | None, Field(description="a ready one, mine.py or mine.py:name; lora when a model is given")
    ] = None
    model: Annotated[ModelConfig | None, Field(description="the base model, or its name alone")] = None
    data: Annotated[DataConfig | None, Field(description="the rows; required unless the task is custom")] = None
    training: Annotated[TrainingConfig, Field(description="what is fixed for all trials")] = TrainingConfig()
    search_space: Annotated[
        dict[str, Parameter], Field(description="parameters by name, a ready space's name, or a .yaml file")
    ]
    known: Annotated[
        tuple[dict[str, Any], ...],
        Field(description="configurations to try right after the default; what they leave out takes its default"),
    ] = ()
    objectives: Annotated[
        tuple[ObjectiveConfig, ...], Field(min_length=1, description="what is optimised; the first is the primary one")
    ]
    constraints: Annotated[tuple[ConstraintConfig, ...], Field(description="bounds a good trial keeps")] = ()
    sampler: Annotated[SamplerConfig, Field(description="how configurations are chosen")] = SamplerConfig()
    pruner: Annotated[
        PrunerConfig, Field(description="when a trial that lags is stopped; unset: none where there is one evaluation")
    ] = PrunerConfig()
    budget: Annotated[BudgetConfig, Field(description="when the search ends")] = BudgetConfig()
    baselines: Annotated[BaselinesConfig, Field(description="what the search is compared with")] = BaselinesConfig()
    runner: Annotated[RunnerConfig, Field(description="where trials run")] = RunnerConfig()
    runs: Annotated[str, Field(description="folder that holds the run folders, relative to the working directory")] = (
        "runs"
    )
    storage: Annotated[
        str | None, Field(description="Optuna storage URL, its password as ${NAME}; unset: SQLite in the run folder")
    ] = None
    warm_start: Annotated[
        str | None,
        Field(description="run folder, relative to the working directory, whose trials the sampler begins with"),
    ] = None
    price_per_device_hour: Annotated[float | None, Field(gt=0, description="US dollars; turns time into cost_usd")] = (
        None
    )
    keep_models: Annotated[
        int, Field(ge=1, description="how many of the best adapters or models stay on disk, beside the default's")
    ] = 1
    loggers: Annotated[LoggersConfig, Field(description="where curves are written besides the run folder")] = (
        LoggersConfig()
    )

    # By the way from the top: a text as written, with ${NAME} in it, and the value it stood for. Records show the text.
    _templates: dict[tuple[str | int, ...], tuple[str, Any]] = PrivateAttr(default_factory=dict)

    @property
    def primary(self) -> ObjectiveConfig:
        """The objective that pruning, early stopping and the champion go by."""
        return self.objectives[0]

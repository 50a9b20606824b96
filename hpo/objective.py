"""What an objective is: it trains and it predicts. It never scores itself, and knows neither Optuna nor Ray."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import ModelConfig, TaskKind
from hpo.config.preparation import AS_GIVEN, PreparationConfig
from hpo.data.rows import Rows


@dataclass(frozen=True)
class Resources:
    """What one worker may use."""

    cpu_threads: int = 1
    memory_gb: float | None = None  # limit of the device's memory; None: all it has
    gpu_fraction: float = 1.0  # of its GPU's memory, where several workers share one
    processes: int = 1  # that train each trial together, a device each
    process: int = 0  # which of them this is; the first one tells


@dataclass(frozen=True)
class Task:
    """Everything that is the same for all trials of a study. The test split is not part of it."""

    kind: TaskKind = "custom"
    model: ModelConfig | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)  # `training`, every default filled in
    train: Rows | None = None
    validation: Rows | None = None
    labels: tuple[str, ...] = ()
    outputs: frozenset[str] = frozenset()  # what the evaluators need: prediction, probabilities, likelihood, ...
    cache: Path | None = None  # folder for tokenised data, by fingerprint
    fingerprint: str = ""  # of the data
    seed: int = 0
    resources: Resources = Resources()
    forgetting: Rows | None = None  # text that nothing is tuned for, column `text`
    preparation: PreparationConfig = AS_GIVEN  # of the rows; `train` and `validation` are as they were split
    harness: tuple[str, ...] = ()  # metrics wanted of lm-evaluation-harness, lm_eval:TASK:METRIC each


@dataclass(frozen=True)
class Trial:
    """One training run as a worker sees it; ``params`` are absolute values of all settings, fixed or searched."""

    number: int
    params: Mapping[str, Any]
    seed: int
    folder: Path  # the trial's own folder, exists
    attempt: int = 1
    checkpoint: Path | None = None  # go on from here
    searched: Mapping[str, Any] = field(default_factory=dict)  # only the parameters of the search space


@dataclass(frozen=True)
class Outputs:
    """What a model says about rows; arrays of shape (n,) in the order of ``ids``, absent ones None."""

    ids: NDArray[np.object_]
    prediction: NDArray[Any] | None = None  # class name, number or generated text; None or NaN: no answer
    probabilities: NDArray[np.float64] | None = None  # (n, k), columns in the order of ``labels``
    labels: tuple[str, ...] = ()
    nll_sum: NDArray[np.float64] | None = None  # negative log-likelihood in nats, summed over a row's scored tokens
    n_tokens: NDArray[np.int64] | None = None  # scored tokens of a row
    n_bytes: NDArray[np.int64] | None = None  # UTF-8 bytes of the scored text of a row
    score: NDArray[np.float64] | None = None  # of the second of two classes; without labels: how good the row's answer
    choice_scores: NDArray[np.float64] | None = None  # (n, m) log-likelihood of each choice, NaN where a row has fewer
    choice_bytes: NDArray[np.float64] | None = None  # (n, m) UTF-8 bytes of each choice
    n_samples: NDArray[np.int64] | None = None  # candidate answers of a row that were run or judged
    n_passed: NDArray[np.int64] | None = None  # how many of them passed
    ratings: NDArray[np.float64] | None = None  # (n, dimensions, raters), NaN where a rater gave none
    seconds: NDArray[np.float64] | None = None  # wall time of predicting a row


@dataclass(frozen=True)
class Progress:
    """One evaluation of a run. ``save`` and ``checkpoint`` write the state of this very moment."""

    examples: int  # training examples seen
    fraction: float  # of the trial's own full length, in (0, 1]
    outputs: Outputs | None = None  # on the validation rows
    metrics: Mapping[str, float] = field(default_factory=dict)  # measured by the objective itself (plain functions)
    measurements: Mapping[str, float] = field(default_factory=dict)  # cumulative: train_tokens, peak_memory_gb, ...
    save: Callable[[Path], None] | None = None  # writes the adapter or model into a new folder
    checkpoint: Callable[[Path], None] | None = None  # writes all that a later attempt needs into a new folder
    # Called once, before the run goes on, where the evaluation may be the one that counts; must not change the run.
    train_outputs: Callable[[], Outputs] | None = None  # on a fixed sample of the training rows
    closing: Callable[[], Mapping[str, float]] | None = None  # what only such an evaluation is worth: forgetting, ...


@dataclass(frozen=True)
class Footprint:
    """Predicted cost of a configuration on this worker's device."""

    memory_gb: float  # peak, base model included
    limit_gb: float  # what may be used
    seconds: float | None = None  # of the whole run
    model: Mapping[str, float] = field(default_factory=dict)  # the coefficients, so that the driver can predict others

    @property
    def fits(self) -> bool:
        """Whether the run may start."""
        return self.memory_gb <= self.limit_gb


@runtime_checkable
class Objective(Protocol):
    """The simple form an author writes: one run at a time, on a base that stays loaded."""

    def train(self, trial: Trial) -> Iterator[Progress]:
        """Train, yielding at each evaluation; closed to stop the run. Raises TrialFailure for a known fault."""
        ...

    def predict(self, artifact: Path | None, rows: Rows) -> Outputs:
        """Predict any rows with a saved artifact, or with the untuned base where ``artifact`` is None."""
        ...

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Memory and time that a run with these (absolute) parameters would take; None where it cannot be told."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...


@dataclass(frozen=True)
class Progressed:
    """A trial has been evaluated."""

    number: int
    progress: Progress


@dataclass(frozen=True)
class Finished:
    """A trial has come to its own end."""

    number: int


@dataclass(frozen=True)
class Failed:
    """A trial has failed; the others go on."""

    number: int
    reason: str
    message: str
    traceback: str = ""


SessionEvent = Progressed | Finished | Failed


class Session(Protocol):
    """A resident base model that trains the trials it has been given, one or several at a time."""

    def admit(self, trial: Trial) -> None:
        """Take a trial in; it begins when ``events`` is next advanced."""
        ...

    def evict(self, number: int) -> None:
        """Stop a trial; it yields no further event. Unknown numbers are ignored."""
        ...

    def events(self) -> Iterator[SessionEvent]:
        """Train, and yield what happens, until no trial is left."""
        ...

    def predict(self, artifact: Path | None, rows: Rows) -> Outputs:
        """See Objective.predict."""
        ...

    def base_closing(self) -> Mapping[str, float]:
        """What ``Progress.closing`` gives, of the untuned base; an Objective may have a method of this name."""
        ...

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """See Objective.probe."""
        ...

    def close(self) -> None:
        """Give back what is held."""
        ...

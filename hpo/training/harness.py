"""Tasks of lm-evaluation-harness, scored on a model that is loaded already."""

from __future__ import annotations

import contextlib
import math
import os
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.harness import parse
from hpo.errors import ConfigurationError
from hpo.training.harness_tasks import CODE, LoadedTask, load_task, silent
from hpo.training.random_state import kept_random_state


@dataclass(frozen=True)
class TaskScores:
    """What a model scores in one task (or group of tasks).

    Attributes:
        task: as it was named.
        metrics: value by metric as the harness aggregates it: ``acc``, and ``exact_match,strict-match`` where a task
            filters answers in several ways (without a filter's name the task's first one is meant).
        stderr: standard error of a metric that is the mean over rows: sample deviation / sqrt(n); NaN of any other.
        higher_is_better: by metric without filter; None where the task does not say.
        ids: of the rows, ``<task>/<place>``, shape (n,).
        samples: scores of single rows by metric, shape (n,); NaN where a row has no single number.
    """

    task: str
    metrics: Mapping[str, float]
    stderr: Mapping[str, float]
    higher_is_better: Mapping[str, bool | None]
    ids: NDArray[np.object_]
    samples: Mapping[str, NDArray[np.float64]]


@dataclass(frozen=True)
class Options:
    """How tasks are run.

    Attributes:
        include_path: folder of further task files.
        limit: at most so many rows of each task; None: all.
        seed: of the few-shot examples, and of anything a task draws.
        batch_size: rows of a forward pass.
        confirm_run_unsafe_code: whether code that the model writes may be run; HF_ALLOW_CODE_EVAL=1 is needed too.
    """

    include_path: str | None = None
    limit: int | None = None
    seed: int = 0
    batch_size: int = 16
    confirm_run_unsafe_code: bool = False


DEFAULTS = Options()


def evaluate(model: Any, tokenizer: Any, tasks: Sequence[str], options: Options = DEFAULTS) -> dict[str, TaskScores]:
    """Score a causal model in tasks of lm-evaluation-harness.

    Neither the model's weights nor any random state is changed.

    Args:
        model: a transformers model, with or without an adapter of PEFT.
        tokenizer: its tokenizer.
        tasks: names of tasks or groups as the harness spells them, or YAML files.
        options: how they are run.

    Returns:
        Scores by the name of the task.

    Raises:
        ConfigurationError: the extra is missing, a task is unknown, cannot be loaded, or would run code.
    """
    allowed = options.confirm_run_unsafe_code
    with kept_random_state():
        loaded = [load_task(task, options.include_path, allow_code=allowed) for task in tasks]
        return {task.name: _evaluate(model, tokenizer, task, options) for task in loaded}


def score(model: Any, tokenizer: Any, names: Sequence[str], *, seed: int, batch_size: int) -> dict[str, float]:
    """Values of metrics of a study, ``lm_eval:TASK:METRIC`` each; each task is run once.

    Raises:
        ConfigurationError: as ``evaluate``, or a task has no such metric.
    """
    wanted = {name: found for name in names if (found := parse(name)) is not None}
    tasks = list(dict.fromkeys(found.task for found in wanted.values()))
    options = Options(seed=seed, batch_size=batch_size, confirm_run_unsafe_code=code_allowed())
    results = evaluate(model, tokenizer, tasks, options)
    for name, found in wanted.items():
        known = results[found.task].metrics
        if found.metric not in known:
            raise ConfigurationError(
                f"the task {found.task} has no metric `{found.metric}`", where=name, hint=f"it has: {', '.join(known)}"
            )
    return {name: results[found.task].metrics[found.metric] for name, found in wanted.items()}


def check(names: Sequence[str]) -> None:
    """Load the tasks of metrics of a study, so that what is wrong with them is told before a model is loaded.

    Raises:
        ConfigurationError: the extra is missing, a task is unknown, cannot be loaded, or would run code.
    """
    for found in filter(None, map(parse, names)):
        load_task(found.task, None, allow_code=code_allowed())


def code_allowed() -> bool:
    """Whether the person who runs this has allowed code that a model writes to run, as the harness asks for it."""
    return os.environ.get(CODE) == "1"


def _evaluate(model: Any, tokenizer: Any, task: LoadedTask, options: Options) -> TaskScores:
    from lm_eval.evaluator import evaluate as run
    from lm_eval.models.huggingface import HFLM

    # Not by lm_eval.simple_evaluate, which spends seconds on a description of the machine that nobody here reads.
    with silent(), _as_it_is(model) as base:
        _seed(task, options.seed)
        wrapped = HFLM(pretrained=base, tokenizer=tokenizer, batch_size=options.batch_size, backend="causal")
        found = run(
            wrapped,
            task_dict=task.loaded,
            limit=options.limit,
            bootstrap_iters=0,  # standard errors are those of the rows, without a pool of processes
            confirm_run_unsafe_code=task.runs_code,
        )
    return _scores(task, dict(found))


def _seed(task: LoadedTask, seed: int) -> None:
    """Seed whatever a task draws from, and its few-shot examples: as many as the task says, else none."""
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)
    for each in task.loaded["tasks"].values():
        if each.get_config("num_fewshot") is None:
            each.set_config(key="num_fewshot", value=0)
        each.set_fewshot_seed(seed=seed)


def _scores(task: LoadedTask, found: Mapping[str, Any]) -> TaskScores:
    values = _named(found["results"][task.own_name])
    rows = [(name, sample) for name, samples in found["samples"].items() for sample in samples]
    first = rows[0][1]["filter"]
    samples = {metric: _samples(rows, metric, first) for metric in values}
    return TaskScores(
        task=task.name,
        metrics=values,
        stderr={metric: _stderr(samples[metric], value) for metric, value in values.items()},
        higher_is_better=dict(found["higher_is_better"].get(task.own_name, {})),
        ids=np.array([f"{name}/{row['doc_id']}" for name, row in rows if row["filter"] == first], dtype=object),
        samples=samples,
    )


def _samples(rows: Sequence[tuple[str, Mapping[str, Any]]], metric: str, first: str) -> NDArray[np.float64]:
    """Scores of single rows, as the metric's filter (without one: the task's first) has seen them."""
    name, _, by = metric.partition(",")
    values = [sample.get(name) for _, sample in rows if sample["filter"] == (by or first)]
    return np.array([float(v) if isinstance(v, int | float | np.number) else math.nan for v in values])


def _named(results: Mapping[str, Any]) -> dict[str, float]:
    """``acc,none`` as ``acc``; with several filters each by its full name, and the first by the metric's alone."""
    pairs = [(key.partition(","), value) for key, value in results.items() if "," in key and "_stderr" not in key]
    values: dict[str, float] = {}
    for (metric, _, by), value in pairs:
        if isinstance(value, int | float):
            values.setdefault(metric, float(value))
            if by != "none":
                values[f"{metric},{by}"] = float(value)
    return values


def _stderr(samples: NDArray[np.float64], value: float) -> float:
    """Of a mean over rows; NaN where the metric is none, or rows are too few."""
    if len(samples) < 2 or not np.isclose(samples.mean(), value, rtol=1e-9, atol=1e-12):
        return math.nan
    return float(samples.std(ddof=1) / math.sqrt(len(samples)))


@contextlib.contextmanager
def _as_it_is(model: Any) -> Iterator[Any]:
    """The model for evaluation; the harness would tie its weights anew, and leaves it out of training."""
    from hpo.training.forward import core

    base, was_training = core(model), model.training
    model.eval()
    base.tie_weights = lambda *_, **__: None
    try:
        yield base
    finally:
        del base.tie_weights
        model.train(was_training)

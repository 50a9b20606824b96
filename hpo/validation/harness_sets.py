"""Tasks of lm-evaluation-harness as data sets: what each model scores row by row, for the same intervals and tests."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.harness import NAMES
from hpo.config.models import Direction
from hpo.data.whole import write_text
from hpo.errors import ConfigurationError, ModelError, ObjectiveError
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs
from hpo.training import harness
from hpo.training.harness_tasks import load_task
from hpo.training.peak import Peak
from hpo.training.ready import Ready
from hpo.validation.data import DataSet, empty_rows
from hpo.validation.members import Context, Found, Member
from hpo.validation.models import ModelEntry
from hpo.validation.scoring import Scored
from hpo.validation.stored import key_of

if TYPE_CHECKING:
    from hpo.data.rows import Rows

FIRST = ("acc_norm", "acc", "exact_match")  # what decides where the file names no primary metric


@dataclass(frozen=True)
class HarnessEvaluator:
    """Stands for one metric of a task, which the harness has scored already."""

    name: str
    metrics: tuple[Metric, ...]
    needs: frozenset[str] = frozenset()

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: Any) -> ExampleScores:
        """Refused: the harness has scored the rows already.

        Raises:
            ObjectiveError: always.
        """
        raise ObjectiveError(f"rows of {self.name} are scored by lm-evaluation-harness alone")


@dataclass(frozen=True)
class TaskAnswers:
    """Row scores of every metric by seed, and what they cost."""

    ids: NDArray[np.object_]
    samples: Mapping[int, Mapping[str, NDArray[np.float64]]]
    better: Mapping[str, bool | None]
    costs: tuple[Mapping[str, Any], ...]


def check_task(entry: ModelEntry, data: DataSet, found: Found) -> None:
    """Refuse what the harness cannot ask.

    Raises:
        ConfigurationError: the entry has no model, or the task cannot be loaded.
    """
    load_task(task_name(data), None, allow_code=harness.code_allowed())
    if found.runs is not None:
        what = "a task of lm-evaluation-harness is put to a model, and this is a file"
        hint = "datasets: [...] in the model's entry keeps it to the others"
        raise ConfigurationError(what, where=f"model {entry.name} on {data.name}", hint=hint)


def task_name(data: DataSet) -> str:
    """The task as the harness spells it, or its file."""
    named = str(data.entry.lm_eval)
    return NAMES.get(named.casefold(), named)


def put_task(
    entry: ModelEntry, data: DataSet, found: Found, context: Context, folder: Path
) -> tuple[TaskAnswers, list[str]]:
    """Scores of all members in the task: those that were kept, else asked for now.

    Returns:
        The scores, and what was done, for people.

    Raises:
        ConfigurationError: the task cannot be loaded.
        ModelError: a member is no causal model.
    """
    samples: dict[int, dict[str, NDArray[np.float64]]] = {}
    costs, said, last = [], [], None
    for member in found.members:
        path = folder / entry.name / f"{data.name}{f'-seed{member.seed}' if member.seed else ''}.json"
        key = key_of(
            {**member.identity, "task": _task_identity(data), "limit": data.entry.limit}, entry, data, frozenset()
        )
        kept = _read(path, key)
        if kept is None:
            said.append(f"{entry.name} answers the task {data.entry.lm_eval}")
            kept = _ask(member, data, context)
            path.parent.mkdir(parents=True, exist_ok=True)
            write_text(path, json.dumps({"key": key, **kept}, allow_nan=True) + "\n")
        samples[member.seed] = {name: np.array(each, dtype=np.float64) for name, each in kept["samples"].items()}
        costs.append(kept["cost"])
        last = kept
    assert last is not None
    return TaskAnswers(np.array(last["ids"], dtype=object), samples, last["better"], tuple(costs)), said


def _task_identity(data: DataSet) -> Any:
    path = Path(str(data.entry.lm_eval))
    return [data.entry.lm_eval, path.read_text(encoding="utf8") if path.is_file() else ""]


def _read(path: Path, key: str) -> dict[str, Any] | None:
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) and found.get("key") == key else None


def _ask(member: Member, data: DataSet, context: Context) -> dict[str, Any]:
    opened = member.open()
    try:
        ready = opened.ask
        if not isinstance(ready, Ready) or ready.question.resident.info.kind != "causal":
            raise ModelError("lm-evaluation-harness asks causal models only", hint="`datasets: [...]` in its entry")
        task = task_name(data)
        with Peak() as peak:
            began = time.perf_counter()
            options = harness.Options(
                limit=data.entry.limit,
                seed=context.config.statistics.seed,
                confirm_run_unsafe_code=harness.code_allowed(),
            )
            found = harness.evaluate(ready.model, ready.question.resident.tokenizer, [task], options)[task]
            seconds = time.perf_counter() - began
    finally:
        opened.close()
    cost = {"seconds": seconds, "peak_memory_gb": peak.gb, "latency_ms": [], "parameters": opened.parameters}
    samples = {name: each.tolist() for name, each in found.samples.items() if not np.isnan(each).all()}
    return {"ids": found.ids.tolist(), "samples": samples, "better": dict(found.higher_is_better), "cost": cost}


def answered(data: DataSet, said: TaskAnswers) -> DataSet:
    """The data set with the task's rows and metrics, now that a model has been asked.

    Raises:
        ConfigurationError: the task gives no score row by row, or not the metric that is to decide.
    """
    names = list(next(iter(said.samples.values())))
    where = f"data set {data.name}"
    if not names:
        what = f"the task {data.entry.lm_eval} gives no score row by row"
        raise ConfigurationError(what, where=where, hint="take a task whose metric is a mean over rows")
    primary = data.entry.primary or next((name for name in FIRST if name in names), names[0])
    if primary not in names:
        what = f"the task {data.entry.lm_eval} has no metric `{primary}` row by row"
        raise ConfigurationError(what, where=where, hint=f"primary: one of {', '.join(names)}")
    metrics = {name: _metric(name, said.better) for name in sorted(names, key=lambda name: name != primary)}
    return replace(data, rows=empty_rows(said.ids), metrics=metrics)


def _metric(name: str, better: Mapping[str, bool | None]) -> tuple[HarnessEvaluator, Metric]:
    direction: Direction = "minimize" if better.get(name.partition(",")[0]) is False else "maximize"
    metric = Metric(name, direction, mean_of("score"), rows=column_of("score"))
    return HarnessEvaluator(f"lm_eval {name}", (metric,)), metric


def task_scores(model: str, data: DataSet, said: TaskAnswers) -> Scored:
    """The row scores as the evaluators give them.

    Raises:
        ModelError: the rows are not those that the first model was asked.
    """
    if said.ids.tolist() != data.rows.ids.tolist():
        raise ModelError(
            f"{model} was asked other rows of {data.entry.lm_eval} than the first model", hint="run it again"
        )
    assert data.metrics is not None
    found = {
        evaluator.name: tuple(ExampleScores(said.ids, {"score": each[name]}) for each in said.samples.values())
        for name, (evaluator, _) in data.metrics.items()
        if all(name in each for each in said.samples.values())
    }
    outputs = tuple(Outputs(said.ids) for _ in said.samples)
    return Scored(model, data, tuple(said.samples), outputs, found)

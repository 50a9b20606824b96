"""Metrics that are measured where a run ends only: forgetting, training rows, tasks of lm-evaluation-harness."""

from __future__ import annotations

import os

from hpo.config.check_study import task_of
from hpo.config.draft import Draft, Key
from hpo.config.harness import PREFIX, is_harness, parse
from hpo.config.knowledge import Known
from hpo.config.paths import absolute

FORGETTING = "forgetting"
LATE = frozenset({FORGETTING, "overfitting"})


def check_closing(draft: Draft, known: Known) -> None:
    """Faults of ``data.forgetting``, and of metrics that need something that is not there."""
    tunes = known.needs_model or known.own or known.name is None
    if draft.get("data", FORGETTING) is not None and not tunes:
        what = f"the objective `{known.name}` tunes no language model, so nothing is forgotten"
        draft.fault(("data", FORGETTING), what, "remove it")
    for block in ("objectives", "constraints"):
        for key, entry in draft.mappings(block):
            if isinstance(metric := entry.get("metric"), str):
                _check_metric(draft, known, (*key, "metric"), metric)
    _check_early_stopping(draft)


def _check_metric(draft: Draft, known: Known, key: Key, metric: str) -> None:
    if metric == FORGETTING and draft.get("data", FORGETTING) is None and task_of(draft) != "custom":
        what = "the metric `forgetting` needs `data.forgetting`: text that the model is not tuned for"
        draft.fault(key, what, "data: {forgetting: other.txt}")
    if is_harness(metric):
        _check_harness(draft, known, key, metric)


def _check_harness(draft: Draft, known: Known, key: Key, metric: str) -> None:
    found = parse(metric)
    if found is None:
        hint = f"{metric.rstrip(':')}:acc, or lm_eval:tasks/mine.yaml:acc"
        draft.fault(key, f"`{metric}` must name a task and one of its metrics", hint)
    elif not known.needs_model and known.name is not None:
        what = f"tasks of lm-evaluation-harness score a language model, and `{known.name}` tunes none that is known"
        draft.fault(key, what, "objective: lora, or full_finetune")
    elif found.is_file:
        path = absolute(draft, found.task)
        if os.path.isfile(path):
            draft.put(key, f"{PREFIX}{path}:{found.metric}")
        else:
            hint = f"looked in {draft.folder}; is the path right?"
            draft.fault(key, f"the task file {found.task} does not exist", hint)


def _check_early_stopping(draft: Draft) -> None:
    metric = draft.text("objectives", 0, "metric")
    if draft.get("training", "early_stopping") is None or not (metric in LATE or is_harness(metric)):
        return
    what = f"early stopping goes by the primary metric, and `{metric}` is measured at the end of a run only"
    draft.fault(("training", "early_stopping"), what, "remove it, or put another metric first")

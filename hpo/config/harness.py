"""Metrics of lm-evaluation-harness as study.yaml spells them: ``lm_eval:TASK:METRIC``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

PREFIX = "lm_eval:"

# Names as people write them, in small letters, and the harness's own.
NAMES: Mapping[str, str] = {
    "mmlu": "mmlu",
    "hellaswag": "hellaswag",
    "gsm8k": "gsm8k",
    "truthfulqa": "truthfulqa_mc2",
    "truthfulqa_mc2": "truthfulqa_mc2",
    "humaneval": "humaneval",
}


class HarnessMetric(NamedTuple):
    """A task by the harness's own name, or its YAML file; and one of the task's metrics."""

    task: str
    metric: str

    @property
    def is_file(self) -> bool:
        """Whether the task stands in a YAML file of the user's own."""
        return is_task_file(self.task)


def is_harness(name: object) -> bool:
    """Whether a metric is one of lm-evaluation-harness."""
    return isinstance(name, str) and name.startswith(PREFIX)


def is_task_file(task: str) -> bool:
    """Whether a task is named by its YAML file."""
    return task.endswith((".yaml", ".yml"))


def parse(name: str) -> HarnessMetric | None:
    """The task and the metric in ``lm_eval:TASK:METRIC``; None where one of them is missing.

    >>> parse("lm_eval:HellaSwag:acc_norm")
    HarnessMetric(task='hellaswag', metric='acc_norm')
    >>> parse("lm_eval:tasks/mine.yaml:acc").is_file
    True
    >>> parse("lm_eval:hellaswag") is None
    True
    """
    task, _, metric = name.removeprefix(PREFIX).rpartition(":")
    if not task or not metric or is_task_file(metric):
        return None
    return HarnessMetric(NAMES.get(task.casefold(), task), metric)

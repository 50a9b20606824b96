"""Fine-tuning of all weights; the base model's own copy stays in memory, so every run begins from it."""

from __future__ import annotations

from hpo.objective import Objective, Task
from hpo.training.settings import SHARED, defaults_of

NEEDS_MODEL = True
TASKS = ("classification", "regression", "instruction", "language_modeling")
PARAMETERS = defaults_of(*SHARED)


def open_objective(task: Task) -> Objective:
    """Load the base model of ``task`` for training all its weights.

    Raises:
        ModelError: the model cannot be loaded, or not for this task.
    """
    from hpo.training.finetune import FineTuning

    return FineTuning(task, full=True)

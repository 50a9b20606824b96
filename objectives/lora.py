"""LoRA, rsLoRA or DoRA adapters on a base model that stays loaded; encoders and causal models, all tasks."""

from __future__ import annotations

from hpo.objective import Objective, Task
from hpo.training.settings import SHARED, defaults_of

NEEDS_MODEL = True
TASKS = ("classification", "regression", "instruction", "language_modeling")
PARAMETERS = defaults_of(*SHARED, "method", "lora_rank", "lora_alpha", "lora_dropout", "target_modules")


def open_objective(task: Task) -> Objective:
    """Load the base model of ``task`` for training adapters.

    Raises:
        ModelError: the model cannot be loaded, or not for this task.
    """
    from hpo.training.finetune import FineTuning

    return FineTuning(task)

"""What is measured of an evaluation that may be the one that counts: training rows, forgetting, harness tasks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from hpo.data.rows import Rows
from hpo.data.sample import training_sample
from hpo.errors import ModelError
from hpo.objective import Outputs, Progress, Task
from hpo.training.forgetting import Forgetting
from hpo.training.loop import guarded
from hpo.training.predict import predict
from hpo.training.question import Question


class Closing:
    """Reads a run's model, and changes neither its weights nor its random numbers.

    Costs one prediction of at most 512 training rows, one reading of the text of ``data.forgetting``, and the wanted
    tasks of lm-evaluation-harness: once a trial, or with early stopping at each evaluation that is the best so far.

    Args:
        task: the study's task.
        question: how rows are read with the study's fixed settings.
        base: gives the untuned model.

    Raises:
        ModelError: the model has no language-modelling head, and one is needed.
        DataError: the text of ``data.forgetting`` has no token that can be scored.
    """

    def __init__(self, task: Task, question: Question, base: Callable[[], Any]) -> None:
        self._task, self._question, self._base = task, question, base
        self._sample = _sample(task, task.train)
        self._forgetting: Forgetting | None = None
        if task.harness:
            refuse_encoder(question, "tasks of lm-evaluation-harness cannot be scored", f"remove {task.harness[0]}")
        if task.forgetting is not None:
            refuse_encoder(question, "forgetting cannot be measured", "remove data.forgetting")
            rows = task.forgetting
            self._forgetting = guarded(lambda: Forgetting(rows, question, base()))

    def added(self, progress: Progress, model: Any, question: Question, given: Rows | None = None) -> Progress:
        """``progress`` with what is measured where it counts.

        Args:
            progress: an evaluation of a run.
            model: the run's model, as it is at this moment.
            question: how the run's rows are read.
            given: the study's training rows that the run trained on; None: all of them.
        """
        sample = self._sample if given is None else _sample(self._task, given)
        asked = replace(question, latencies=[])
        return replace(
            progress,
            train_outputs=None if sample is None else lambda: _predict(model, sample, asked),
            closing=(lambda: self.measure(model)) if self._asked else None,
        )

    def measure(self, model: Any) -> Mapping[str, float]:
        """``forgetting``, and each wanted metric of the harness, by name."""
        forgetting, found = self._forgetting, {}
        if forgetting is not None:
            found["forgetting"] = guarded(lambda: forgetting.measure(model))
        if self._task.harness:
            found |= guarded(lambda: self._harness(model))
        return found

    def of_base(self) -> Mapping[str, float]:
        """``measure`` of the untuned model."""
        return self.measure(self._base()) if self._asked else {}

    @property
    def _asked(self) -> bool:
        return self._forgetting is not None or bool(self._task.harness)

    def _harness(self, model: Any) -> Mapping[str, float]:
        from hpo.training.harness import score

        rows = self._question.settings.per_device_eval_batch_size
        tokenizer = self._question.resident.tokenizer
        return score(model, tokenizer, self._task.harness, seed=self._task.seed, batch_size=rows)


def refuse_encoder(question: Question, what: str, instead: str) -> None:
    """Raise ModelError where the model is an encoder."""
    if question.resident.info.kind == "encoder":
        raise ModelError(
            f"the model is an encoder without a language-modelling head: {what}",
            where="model",
            hint=f"{instead}, or use a causal model (Llama, Qwen)",
        )


def _predict(model: Any, rows: Rows, question: Question) -> Outputs:
    outputs: Outputs = guarded(lambda: predict(model, rows, question))
    return outputs


def _sample(task: Task, given: Rows | None) -> Rows | None:
    if given is None or task.validation is None or not len(given):
        return None
    return training_sample(given, task.validation, task.seed)

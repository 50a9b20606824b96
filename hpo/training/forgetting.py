"""What a run forgets: its loss on text that it was not tuned for, against the untuned model's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.training.predict_likelihood import negative_log_likelihoods
from hpo.training.question import Question


class Forgetting:
    """Measures ``forgetting`` in nats per token: loss with the run's weights minus loss without.

    Both are sums over all scored tokens of all rows, divided by their number, read with the study's fixed settings (a
    row is cut at its ``max_length``, also in trials that search another), so that trials can be compared.

    Args:
        rows: the text, column ``text``.
        question: how text is read; its task does not matter.
        base: the untuned model.

    Raises:
        DataError: the text has no token that can be scored.
    """

    def __init__(self, rows: Rows, question: Question, base: Any) -> None:
        asked = replace(question, kind="language_modeling", labels=(), shown=(), latencies=[])
        self._question = asked
        self._encoded = asked.encoder.encode(asked.pieces(rows), asked.settings.max_length)
        self._tokens = int((self._encoded.scored - self._encoded.prompt).sum())
        if not self._tokens:
            raise DataError("no row has a token to score", where="data.forgetting", hint="give rows with more text")
        self._base = self._loss(base)

    def measure(self, model: Any) -> float:
        """Loss of ``model`` minus loss of the untuned one; more than 0 where something was forgotten."""
        return self._loss(model) - self._base

    def _loss(self, model: Any) -> float:
        was_training = model.training
        model.eval()
        try:
            return float(negative_log_likelihoods(model, self._encoded, self._question).sum()) / self._tokens
        finally:
            model.train(was_training)

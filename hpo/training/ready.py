"""A model that is loaded and asked any number of times, so that its answers can be timed without its loading."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hpo.data.rows import Rows
from hpo.objective import Outputs
from hpo.training.loop import guarded
from hpo.training.predict import predict
from hpo.training.question import Question


@dataclass(frozen=True)
class Ready:
    """Weights in place, and how they are asked."""

    model: Any
    question: Question

    def __call__(self, rows: Rows) -> Outputs:
        """What the model says of every row, in their order."""
        return guarded(lambda: predict(self.model, rows, self.question))  # type: ignore[no-any-return]

    def tokens(self, rows: Rows) -> int:
        """Tokens that the model reads of the rows; of a generated answer nothing is counted."""
        question = self.question
        return int(question.encoder.encode(question.pieces(rows), question.settings.max_length).lengths.sum())

    @property
    def parameters(self) -> int:
        """Values in all weights, an adapter's included."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def device(self) -> str:
        """``cpu`` or ``cuda``."""
        return str(self.question.resident.device.type)

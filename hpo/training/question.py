"""The question a prediction answers: everything that decides it besides the weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hpo.config.models import TaskKind
from hpo.config.training import TrainingConfig
from hpo.data.preparation import prepare_texts
from hpo.data.rows import Rows
from hpo.training.encode import Encoder
from hpo.training.prompts import Piece, causal_pieces, encoder_pieces, with_examples
from hpo.training.resident import Resident

USUAL: dict[TaskKind, frozenset[str]] = {
    "classification": frozenset({"prediction", "probabilities"}),
    "regression": frozenset({"prediction"}),
    "instruction": frozenset({"prediction"}),
    "language_modeling": frozenset({"likelihood"}),
    "custom": frozenset({"prediction"}),
}


@dataclass(frozen=True)
class Question:
    """Everything that decides a prediction besides the weights."""

    kind: TaskKind
    labels: tuple[str, ...]
    wanted: frozenset[str]
    settings: TrainingConfig
    resident: Resident
    encoder: Encoder
    scale: tuple[float, float] = (0.0, 1.0)  # mean and spread that an encoder's number is in
    shown: tuple[Piece, ...] = ()  # solved examples before every prompt
    transforms: tuple[str, ...] = ()  # of the texts of every row, before they are read
    latencies: list[float] = field(default_factory=list)  # filled in: seconds a row, for every row

    @property
    def asked(self) -> frozenset[str]:
        """Outputs to compute: those wanted, or the task's usual ones where none is named."""
        return self.wanted & {"prediction", "probabilities", "likelihood"} or USUAL[self.kind]

    def pieces(self, rows: Rows) -> list[Piece]:
        """The rows, their texts transformed, as prompts and completions."""
        return self.prepared_pieces(prepare_texts(rows, self.transforms))

    def prepared_pieces(self, rows: Rows) -> list[Piece]:
        """The same of rows whose texts have been transformed before."""
        if self.resident.info.kind == "encoder":
            return encoder_pieces(rows)
        pieces = causal_pieces(rows, self.kind, self.resident.tokenizer)
        return with_examples(pieces, self.shown) if self.shown else pieces

    def timed(self, seconds: float, positions: Sequence[int] | NDArray[np.int64]) -> None:
        """Note how long a batch took; its rows share it."""
        self.latencies.extend([seconds / len(positions)] * len(positions))

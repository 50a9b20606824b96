"""The training data of a run: prepared as its parameters say, and kept for the next run that says the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.config.preparation import AS_GIVEN, SEARCHABLE, PreparationConfig
from hpo.data.class_weights import class_weights, row_weights
from hpo.data.preparation import Preparation, chosen, prepare_training
from hpo.data.rows import Rows

DEFAULTS: Mapping[str, Any] = {name: PreparationConfig.model_fields[name].default for name in SEARCHABLE}
_KEPT = 4  # prepared rows held at a time


@dataclass(frozen=True)
class Prepared:
    """What a run trains on.

    Attributes:
        preparation: what was done.
        train: the rows after it, m of them.
        given: those of the study's training rows that are still there, as they were given.
        weights: of each row of ``train`` in the loss, shape (m,), mean 1; None where all weigh the same.
    """

    preparation: Preparation
    train: Rows
    given: Rows
    weights: NDArray[np.float64] | None

    def class_weights(self, labels: Sequence[str]) -> NDArray[np.float64] | None:
        """The weight of each of the k classes, shape (k,), 0 for one without rows; None where all weigh the same."""
        if self.weights is None:
            return None
        found = class_weights(self.train.frame["label"].tolist(), self.preparation.class_weights)
        return np.array([found.get(label, 0.0) for label in labels], dtype=np.float64)


@dataclass(frozen=True)
class Preparer:
    """Prepares the training rows of a study for its runs.

    Args:
        train: as they were split.
        config: what the study fixes.
        seed: of the study: every run with the same parameters trains on the same rows.
    """

    train: Rows
    config: PreparationConfig = AS_GIVEN
    seed: int = 0
    _kept: dict[Preparation, Prepared] = field(default_factory=dict)

    def __call__(self, params: Mapping[str, Any] | None = None) -> Prepared:
        """The training data under a run's parameters; see ``hpo.data.preparation.chosen``.

        Raises:
            DataError, ObjectiveError: as ``prepare_training``.
        """
        preparation = chosen(self.config, params)
        if preparation not in self._kept:
            if len(self._kept) >= _KEPT:
                del self._kept[next(iter(self._kept))]
            self._kept[preparation] = self._prepared(preparation)
        return self._kept[preparation]

    def _prepared(self, preparation: Preparation) -> Prepared:
        rows = prepare_training(self.train, preparation, self.seed)
        weights = None
        if preparation.class_weights != "none":
            weights = row_weights(rows.frame["label"].tolist(), preparation.class_weights)
        if rows is self.train:
            return Prepared(preparation, rows, rows, weights)
        there = {str(name) for name in rows.ids}
        still = np.array([str(name) in there for name in self.train.ids], dtype=bool)
        return Prepared(preparation, rows, self.train.take(np.flatnonzero(still)), weights)

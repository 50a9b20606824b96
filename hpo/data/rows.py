"""Rows: what every part of the package means by data, whatever file it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

Format = Literal["text", "text_label", "instruction", "messages", "custom"]


@dataclass(frozen=True)
class Rows:
    """A table of examples under our own column names.

    Columns (one row an example; those a format does not have are absent):
        id: text, unique in a split, the pairing key everywhere.
        group: text; rows of one group never straddle a split.
        content: what is a row's own in ``text`` or ``messages``, without template, system turn and shared instruction;
            absent where that is all of ``text``. Copies and leaks are recognised by it.
        text: the input of classification, regression and language modelling; the rendered prompt of ``instruction``.
        label: class name (text) or target (float).
        reference: the completion to learn and to compare with (``instruction`` and ``messages``).
        messages: list of {role, content} before the completion (``messages`` only).
    """

    frame: pd.DataFrame
    format: Format

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def ids(self) -> NDArray[np.object_]:
        """Row ids as text, shape (n,)."""
        return self.frame["id"].to_numpy(dtype=object)

    @property
    def groups(self) -> NDArray[np.object_] | None:
        """Group names, shape (n,), or None where rows have none."""
        return self.frame["group"].to_numpy(dtype=object) if "group" in self.frame else None

    def take(self, positions: Sequence[int] | NDArray[np.int64]) -> Rows:
        """The rows at ``positions``, in that order."""
        return replace(self, frame=self.frame.iloc[np.asarray(positions, dtype=np.int64)].reset_index(drop=True))


@dataclass(frozen=True)
class Splits:
    """The rows of a study. ``test`` is never handed to training code: it is reached through ``predict``."""

    train: Rows
    validation: Rows
    test: Rows | None
    labels: tuple[str, ...]  # class names, sorted; empty unless the task is classification
    fingerprint: str  # of all rows, columns, template and the split: changes when any of them does
    forgetting: Rows | None = None  # text that nothing is tuned for: what a run forgets is measured on it

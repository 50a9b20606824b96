"""Unusual characters: neither letters, numbers, spaces nor common punctuation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.content import content
from hpo.evaluators.findings import nothing, ratio_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

_COMMON = r"""[\pL\pM\pN\s\pZ.,;:!?'"()/&%\-\x{2013}\x{2014}\x{2018}-\x{201E}\x{2026}\x{AB}\x{BB}]+"""


_METRICS: tuple[Metric, ...] = (ratio_of("special_character_ratio", "special", "characters"),)


@dataclass(frozen=True)
class SpecialCharacters:
    """Share of characters that are no letter, number, space or common punctuation ``.,;:!?'"()/&%-`` (and typographic).

    Flag ``special_characters``: more than ``most`` of a row's characters are of that kind.

    Attributes:
        most: share of a row's characters.
    """

    most: float = 0.2

    name = "special_characters"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Shares of n rows."""
        special, characters = unusual(content(data))
        share = special / np.maximum(characters, 1)
        found = share > self.most
        reason = nothing(len(found))
        for row in np.flatnonzero(found):
            reason[row] = f"{share[row]:.0%} of its characters are unusual"
        stats = {"special": special, "characters": characters, "share": share}
        return ExampleScores(data.ids, stats, {"special_characters": found}, {"reason": reason}, data.groups)


def unusual(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Unusual characters and all characters of n texts, shape (n,) each."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrow: Any = pa.array([text.encode("utf-8", "replace").decode() for text in texts], type=pa.large_string())
    left = pc.utf8_length(pc.replace_substring_regex(arrow, pattern=_COMMON, replacement=""))
    special = left.to_numpy(zero_copy_only=False).astype(np.int64)
    return special, np.fromiter(map(len, texts), np.int64, len(texts))

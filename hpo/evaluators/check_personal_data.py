"""Personal data in text: e-mail and IP addresses, phone numbers, payment cards, bank accounts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.evaluators.content import content
from hpo.evaluators.findings import counted, marked, nothing, share_of
from hpo.evaluators.personal_patterns import KINDS, find
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

_POSSIBLE = "|".join(
    (
        r"@",
        r"[0-9][0-9 ()./\-]{5,}[0-9]",
        r"[0-9A-Fa-f]{0,4}::?[0-9A-Fa-f]{1,4}:",
        r"[A-Z]{2}[0-9]{2}[ 0-9A-Z]{10}",
    )
)


_METRICS: tuple[Metric, ...] = (share_of("personal_data_ratio", "personal"),)


@dataclass(frozen=True)
class PersonalData:
    """Which rows hold personal data, by the rules of ``personal_patterns``.

    Flags: ``email``, ``ip_address``, ``phone``, ``payment_card``, ``iban``. Evidence: ``span`` (where the first piece
    begins and ends, in characters), ``piece``, and ``pieces``: all of them as (kind, begin, end).
    """

    name = "personal_data"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Personal data in n rows."""
        texts = content(data)
        n = len(texts)
        found: dict[str, list[int]] = {kind: [] for kind in KINDS}
        evidence: dict[str, list[Any]] = {name: nothing(n) for name in ("span", "piece", "pieces")}
        for row in _possible(texts):
            pieces = find(texts[row])
            for kind in {piece.kind for piece in pieces}:
                found[kind].append(int(row))
            if pieces:
                first = pieces[0]
                evidence["span"][row] = [first.begin, first.end]
                evidence["piece"][row] = texts[row][first.begin : first.end]
                evidence["pieces"][row] = [[each.kind, each.begin, each.end] for each in pieces]
        flags = {kind: marked(n, rows) for kind, rows in found.items()}
        return ExampleScores(data.ids, {"personal": counted(*flags.values())}, flags, evidence, data.groups)


def _possible(texts: Sequence[str]) -> NDArray[np.int64]:
    """Rows that can hold any: those with an at-sign, a row of digits, or an address' shape; most do not."""
    import pyarrow as pa
    import pyarrow.compute as pc

    arrow: Any = pa.array([text.encode("utf-8", "replace").decode() for text in texts], type=pa.large_string())
    return np.flatnonzero(pc.match_substring_regex(arrow, pattern=_POSSIBLE).to_numpy(zero_copy_only=False))

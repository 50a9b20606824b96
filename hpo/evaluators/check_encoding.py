"""Damaged characters: text read in a wrong encoding, replacement characters, control characters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hpo.data.rows import Rows
from hpo.evaluators.content import content
from hpo.evaluators.findings import counted, marked, nothing, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff]")
_REPLACEMENT = re.compile("\ufffd")


_METRICS: tuple[Metric, ...] = (share_of("encoding_damage_ratio", "damaged"),)


@dataclass(frozen=True)
class Encoding:
    """Which rows hold damaged characters.

    Flags: ``mojibake`` (UTF-8 that was read as Latin-1, Windows-1252 or the like, once or more often, as the heuristics
    of ftfy tell it: Speer 2019, doi 10.5281/zenodo.2591652), ``control_characters`` (C0 and C1 but for tab, line feed,
    form feed, carriage return and next line; bare surrogates), ``replacement_character`` (U+FFFD). Evidence: ``span``,
    the damaged piece, and ``fixed``, the text as ftfy repairs it, where it can.
    """

    name = "encoding"
    needs = frozenset({"text"})
    metrics = _METRICS

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Damage of n rows."""
        texts = content(data)
        n = len(texts)
        found: dict[str, list[int]] = {"mojibake": [], "control_characters": [], "replacement_character": []}
        span, fixed = nothing(n), nothing(n)
        for row, text in enumerate(texts):
            if text.isascii() and text.isprintable():
                continue
            kinds = damage(text)
            for kind, piece in kinds.items():
                found[kind].append(row)
                span[row] = span[row] or piece
            fixed[row] = repaired(text) if "mojibake" in kinds else None
        flags = {kind: marked(n, rows) for kind, rows in found.items()}
        stats = {"damaged": counted(*flags.values())}
        return ExampleScores(data.ids, stats, flags, {"span": span, "fixed": fixed}, data.groups)


def damage(text: str) -> dict[str, str]:
    """What is damaged in a text: flag to the first damaged piece, as it is told to people."""
    kinds = {}
    if not text.isascii() and (piece := _mojibake(text)):
        kinds["mojibake"] = piece
    if match := _CONTROL.search(text):
        kinds["control_characters"] = f"U+{ord(match[0]):04X} at {match.start()}"
    if match := _REPLACEMENT.search(text):
        kinds["replacement_character"] = f"U+FFFD at {match.start()}"
    return kinds


def repaired(text: str) -> str | None:
    """The text with its encoding repaired; None where that is not possible."""
    import ftfy

    better = str(ftfy.fix_encoding(text))
    return better if better != text else None


def _mojibake(text: str) -> str:
    """The first piece of a text that looks wrongly read; empty where none does."""
    from ftfy.badness import BADNESS_RE

    match = BADNESS_RE.search(text)
    return "" if match is None else text[max(match.start() - 10, 0) : match.end() + 10]

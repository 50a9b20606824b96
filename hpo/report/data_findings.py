"""Findings of data checks as people compare them: two rows side by side, what differs marked, personal data masked."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from hpo.report.escaping import excerpt, masked, masking, visible

Segments = list[tuple[str, str]]  # ("", text), ("del", text), ("ins", text), ("mark", text)
BUDGET = 330_000  # characters of text that the findings of a page may take, over all checks
SHOWN = 25  # findings of one check
LONG = 200  # characters of an unchanged stretch, above which its middle is left out
REPEATS = 20_000  # pairs of equal words in two texts, above which aligning them would take seconds
LONGEST = 1_200  # characters of a text that stands alone
REPAIRED = ("fixed", "fixed_text", "repaired")
_PLACES = ("span", "spans", "piece", "pieces")
_SPAN = re.compile(r"\s*(\d+)\s*(?:-|–|:|,|\.\.)\s*(\d+)\s*")
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")


@dataclass(frozen=True)
class Side:
    """One of the texts of a finding: which row it is of, its label, its marked text."""

    who: str
    label: str | None
    segments: Segments


@dataclass(frozen=True)
class Case:
    """A finding to look at: a line of evidence, and one text or two."""

    evidence: str
    sides: tuple[Side, ...]


@dataclass(frozen=True)
class Group:
    """The findings of one check: how many there are in all, and those that are shown."""

    check: str
    title: str
    what: str
    total: int
    cases: tuple[Case, ...]


class Mask:
    """Hides the personal values that the check found, wherever on the page the same value stands."""

    def __init__(self, findings: Sequence[Mapping[str, Any]]) -> None:
        found = (secret for each in findings if each["check"] == "personal_data" for secret in secrets(each))
        self._pattern = masking(found)

    def __call__(self, text: str) -> str:
        """The text with every personal value masked."""
        return text if self._pattern is None else self._pattern.sub(lambda found: masked(found[0]), text)

    def segments(self, text: str) -> Segments:
        """The text in pieces, masked values marked."""
        if self._pattern is None:
            return [("", visible(text))]
        pieces: Segments = []
        at = 0
        for found in self._pattern.finditer(text):
            pieces += [("", visible(text[at : found.start()])), ("mark", visible(masked(found[0])))]
            at = found.end()
        return [piece for piece in [*pieces, ("", visible(text[at:]))] if piece[1]]


def groups(found: Mapping[str, Any], mask: Mask) -> list[Group]:
    """The findings by check, in the order of the checks; no more of them than the page has room for."""
    by_check: dict[str, list[Mapping[str, Any]]] = {}
    for finding in found["findings"]:
        by_check.setdefault(finding["check"], []).append(finding)
    names = [name for name in found["checks"] if name in by_check]
    names += [name for name in by_check if name not in names]
    made = []
    for name in names:
        what = found["checks"].get(name, {}).get("what", "")
        total = max(found["findings_total"].get(name, 0), len(by_check[name]))
        cases = tuple(_fitting(by_check[name], mask, BUDGET // len(names)))
        made.append(Group(name, name.replace("_", " "), what, total, cases))
    return made


def _fitting(findings: Sequence[Mapping[str, Any]], mask: Mask, room: int) -> Iterator[Case]:
    for finding in findings[:SHOWN]:
        made = case(finding, mask)
        room -= sum(len(text) for side in made.sides for _, text in side.segments) + 300
        if room < 0:
            return
        yield made


def case(finding: Mapping[str, Any], mask: Mask) -> Case:
    """A finding with its two texts side by side, or its only one."""
    evidence = finding["evidence"]
    text, other = finding["text"] or "", finding["partner_text"]
    who = f"row {finding['id']}"
    second = "" if finding["partner"] is None else f"row {finding['partner']}"
    if finding["partner_file"]:
        second += f" of {finding['partner_file']}"
    repaired = next((evidence[name] for name in REPAIRED if isinstance(evidence.get(name), str)), None)
    if other is None and repaired is not None:
        other, second = repaired, "repaired"
    hidden = (*REPAIRED, *(_PLACES if finding["check"] == "personal_data" else ()))
    line = _evidence({name: value for name, value in evidence.items() if name not in hidden}, mask)
    if other is None:
        pieces = mask.segments(text if len(text) <= LONGEST else text[: LONGEST - 1] + "…")
        return Case(line, (Side(who, finding["label"], pieces),))
    left, right = differences(mask(text), mask(other))
    sides = (Side(who, finding["label"], left), Side(second, finding["partner_label"], right))
    return Case(line, sides)


def _evidence(evidence: Mapping[str, Any], mask: Mask) -> str:
    said = []
    for name, value in evidence.items():
        if value in (None, ""):
            continue
        text = f"{value:.3g}" if isinstance(value, float) else mask(str(value)).replace("_", " ")
        said.append(text if name == "kind" else f"{name.replace('_', ' ')} {text}")
    return excerpt(" · ".join(said), 300)


def differences(first: str, second: str) -> tuple[Segments, Segments]:
    """Both texts in pieces, the words that only one of them has marked; long stretches they share are cut.

    >>> differences("a red fox", "a blue fox")[1]
    [('', 'a '), ('ins', 'blue'), ('', ' fox')]
    """
    a, b = _WORDS.findall(first), _WORDS.findall(second)
    left: Segments = []
    right: Segments = []
    for tag, a0, a1, b0, b1 in _opcodes(a, b):
        same = tag == "equal"
        for side, kind, text in ((left, "del", "".join(a[a0:a1])), (right, "ins", "".join(b[b0:b1]))):
            if text:
                side.append(("" if same else kind, _shortened(visible(text))))
    return _calm(left), _calm(right)


def _opcodes(a: list[str], b: list[str]) -> Sequence[tuple[str, int, int, int, int]]:
    """What turns one list of words into the other; all of it where the same few words repeat too often to align."""
    words, others = Counter(a), Counter(b)
    if sum(count * others[word] for word, count in words.items() if not word.isspace()) > REPEATS:
        return [("equal" if a == b else "replace", 0, len(a), 0, len(b))]
    return SequenceMatcher(str.isspace, a, b, autojunk=False).get_opcodes()


def _calm(pieces: Segments) -> Segments:
    """The pieces with marked words joined across the spaces between them."""
    joined: Segments = []
    for place, (kind, text) in enumerate(pieces):
        before, after = joined[-1][0] if joined else "", pieces[place + 1][0] if place + 1 < len(pieces) else ""
        bridge = not kind and text.isspace() and before and before == after
        if joined and (kind == before or bridge):
            joined[-1] = (before, joined[-1][1] + text)
        else:
            joined.append((kind, text))
    return joined


def _shortened(text: str) -> str:
    if len(text) <= LONG:
        return text
    half = LONG // 2 - 3
    return f"{text[:half]} … {text[-half:]}"


def secrets(finding: Mapping[str, Any]) -> Iterator[str]:
    """The personal values of a finding: its spans are pairs of positions, ``start-end``, or the values themselves."""
    text = finding["text"] or ""
    for name in _PLACES:
        yield from _values(finding["evidence"].get(name), text)


def _values(span: Any, text: str) -> Iterator[str]:
    if isinstance(span, list | tuple):
        ends = span[-2:]
        if 2 <= len(span) <= 3 and all(isinstance(end, int) for end in ends):  # [begin, end] or [kind, begin, end]
            yield text[ends[0] : ends[1]]
            return
        for each in span:
            yield from _values(each, text)
    elif isinstance(span, str):
        pairs = _SPAN.fullmatch(span)
        if pairs:
            yield text[int(pairs[1]) : int(pairs[2])]
        else:
            yield span

"""What data checks return: checks, findings with their evidence, gates, and the report that holds them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from hpo.statistics.values import finite

CheckVerdict = Literal["ok", "look", "failed", "not run"]
PER_CHECK = 200  # findings of one check in the JSON and on the page; the CSV has all
LONGEST = 2_000  # characters of a text in the JSON and on the page


@dataclass(frozen=True)
class Check:
    """One check of all rows.

    Attributes:
        name: of the check.
        value: what it measured, in the unit that ``what`` says; NaN where it was not run.
        low: lower end of the 95 % interval of an estimate; NaN for a census, whose value is exact.
        high: upper end, likewise.
        flagged: rows that it found.
        verdict: ``look`` where rows were found that a person should see, ``failed`` where a gate on it failed.
        what: one sentence for people; why, where it was not run.
        measures: further numbers of the check by name; gates may stand on them.
    """

    name: str
    value: float
    low: float
    high: float
    flagged: int
    verdict: CheckVerdict
    what: str
    measures: Mapping[str, float] = field(default_factory=dict)

    def measure(self, name: str) -> float:
        """The value, or a further number by its name; NaN where there is none."""
        return self.value if name == "value" else float(self.measures.get(name, math.nan))

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: missing is None."""
        return {
            "value": finite(self.value),
            "ci_low": finite(self.low),
            "ci_high": finite(self.high),
            "flagged": self.flagged,
            "verdict": self.verdict,
            "what": self.what,
            "measures": {name: finite(value) for name, value in self.measures.items()},
        }


@dataclass(frozen=True)
class Finding:
    """One row that a check found, with what shows it.

    Attributes:
        check: name of the check.
        id: of the row.
        partner: id of the other row that shows it (a copy), or None.
        evidence: kind, similarity, span, reason: whatever the check knows; plain values.
        text: of the row.
        partner_text: of the other row.
        partner_file: the file or split the other row lies in, where that is not this one.
        label: of the row.
        partner_label: of the other row.
    """

    check: str
    id: str
    partner: str | None = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    text: str = ""
    partner_text: str | None = None
    partner_file: str | None = None
    label: str | None = None
    partner_label: str | None = None

    def as_dict(self, longest: int | None = None) -> dict[str, Any]:
        """For ``--json``; texts cut after ``longest`` characters."""
        return {
            "check": self.check,
            "id": self.id,
            "partner": self.partner,
            "partner_file": self.partner_file,
            "evidence": {name: plain(value) for name, value in self.evidence.items()},
            "text": cut(self.text, longest),
            "partner_text": None if self.partner_text is None else cut(self.partner_text, longest),
            "label": self.label,
            "partner_label": self.partner_label,
        }


@dataclass(frozen=True)
class Gate:
    """A threshold that was set, what was measured, and whether it holds."""

    name: str
    threshold: float
    value: float
    passed: bool
    check: str
    what: str

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``: missing is None."""
        return {
            "name": self.name,
            "threshold": self.threshold,
            "value": finite(self.value),
            "passed": self.passed,
            "check": self.check,
            "what": self.what,
        }


@dataclass(frozen=True)
class DataReport:
    """Everything that was found out about rows; ``as_dict`` is ``hpo check-data --json``.

    The parts that run only where they are asked for (``preprocessing``, ``label_noise``, ``learning_curve``, ``drift``,
    ``fixed``, ``changed``) are plain values, None where they were not.
    """

    file: str
    rows: int
    format: str
    fingerprint: str
    statistics: Mapping[str, Any]
    checks: tuple[Check, ...]
    findings: tuple[Finding, ...]
    gates: tuple[Gate, ...] = ()
    against: str | None = None
    against_rows: int | None = None
    preprocessing: Mapping[str, Any] | None = None
    label_noise: Mapping[str, Any] | None = None
    learning_curve: tuple[Mapping[str, Any], ...] | None = None
    drift: Mapping[str, Any] | None = None
    fixed: Mapping[str, Any] | None = None
    changed: Mapping[str, Any] | None = None
    next: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether every gate that was set holds."""
        return all(gate.passed for gate in self.gates)

    def check(self, name: str) -> Check:
        """A check by its name; KeyError where there is none."""
        return next(check for check in self.checks if check.name == name)

    def totals(self) -> dict[str, int]:
        """Findings of each check that has any."""
        counts: dict[str, int] = {}
        for finding in self.findings:
            counts[finding.check] = counts.get(finding.check, 0) + 1
        return counts

    def as_dict(self, per_check: int = PER_CHECK, longest: int = LONGEST) -> dict[str, Any]:
        """For ``--json`` and the page: at most ``per_check`` findings of a check, texts cut after ``longest``."""
        shown: dict[str, int] = {}
        findings = []
        for finding in self.findings:
            shown[finding.check] = shown.get(finding.check, 0) + 1
            if shown[finding.check] <= per_check:
                findings.append(finding.as_dict(longest))
        return {
            "file": self.file,
            "against": self.against,
            "rows": self.rows,
            "against_rows": self.against_rows,
            "format": self.format,
            "fingerprint": self.fingerprint,
            "statistics": plain(self.statistics),
            "checks": {check.name: check.as_dict() for check in self.checks},
            "gates": [gate.as_dict() for gate in self.gates],
            "findings": findings,
            "findings_total": self.totals(),
            "preprocessing": plain(self.preprocessing),
            "label_noise": plain(self.label_noise),
            "learning_curve": plain(self.learning_curve),
            "drift": plain(self.drift),
            "fixed": plain(self.fixed),
            "changed": plain(self.changed),
            "next": list(self.next),
        }


def plain(value: Any) -> Any:
    """A value as JSON can hold it: numpy's numbers as Python's, tuples as lists, NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(each) for each in value]
    if isinstance(value, np.ndarray):
        return [plain(each) for each in value.tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return finite(value)
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def cut(text: str, longest: int | None) -> str:
    """A text for people, cut with an ellipsis where it is too long."""
    return text if longest is None or len(text) <= longest else text[: longest - 1] + "…"

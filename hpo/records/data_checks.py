"""What was found in a study's rows before its first trial: the record of it, and how it is put into words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.config.gates import GATES
from hpo.records.wording import clean, plural

SHOWN = 6  # kinds of findings named one by one


def record(found: Mapping[str, Any], fingerprint: str, accepted: str | None) -> dict[str, Any]:
    """The fields of the journal's event ``data_checks``.

    Args:
        found: what ``hpo.checks`` reports, as ``hpo check-data --json`` prints it.
        fingerprint: of the study's rows.
        accepted: why the study goes on though a gate failed.

    Returns:
        fingerprint, gates (name, threshold, value, passed, check), flagged (rows by check, those with any), accepted.
    """
    names = ("name", "threshold", "value", "passed", "check")
    flagged = {name: check["flagged"] for name, check in found["checks"].items() if check.get("flagged")}
    gates = [{name: gate[name] for name in names} for gate in found["gates"]]
    return {"fingerprint": fingerprint, "gates": gates, "flagged": flagged, "accepted": accepted}


def summary(event: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The event for ``--json``, with the names of the gates that failed; None where nothing was checked."""
    if event is None:
        return None
    failed = [gate["name"] for gate in event["gates"] if not gate["passed"]]
    accepted = event["accepted"] if failed else None
    return {"gates": event["gates"], "failed": failed, "accepted": accepted, "flagged": event["flagged"]}


def lines(event: Mapping[str, Any] | None) -> list[str]:
    """What was found, in a few lines for people; none where nothing was checked."""
    if event is None:
        return []
    failed = [gate for gate in event["gates"] if not gate["passed"]]
    kept = [gate for gate in event["gates"] if gate["passed"]]
    told = [f"data: gate failed: {gate_words(gate)}" for gate in failed]
    if failed and event["accepted"]:
        told.append(f"data: accepted as it is: {clean(event['accepted'])}")
    if kept:
        told.append(f"data: {plural(len(kept), 'gate')} kept: {'; '.join(gate_words(gate) for gate in kept)}")
    return [*told, f"data: {_flagged(event['flagged'])}"]


def gate_words(gate: Mapping[str, Any]) -> str:
    """One gate with its value and its threshold.

    >>> gate_words({"name": "max_leakage_ratio", "value": 0.0125, "threshold": 0.0})
    'max_leakage_ratio 0.0125 (at most 0)'
    """
    side = "at least" if GATES[gate["name"]].side == "min" else "at most"
    value = "not measured" if gate["value"] is None else f"{gate['value']:.4g}"
    return f"{gate['name']} {value} ({side} {gate['threshold']:g})"


def _flagged(flagged: Mapping[str, int]) -> str:
    if not flagged:
        return "nothing else found"
    named: Sequence[tuple[str, int]] = sorted(flagged.items(), key=lambda item: (-item[1], item[0]))
    words = ", ".join(f"{clean(name.replace('_', ' '))} {count}" for name, count in named[:SHOWN])
    more = f" and {plural(len(named) - SHOWN, 'more check')}" if len(named) > SHOWN else ""
    return f"rows flagged: {words}{more}; data_checks.json names them"

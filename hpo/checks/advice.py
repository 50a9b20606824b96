"""What to type next, from what was found."""

from __future__ import annotations

import shlex

from hpo.checks.values import DataReport

FIXABLE = ("format", "duplicates", "near_duplicates", "leakage", "label_variants", "encoding")


def next_commands(report: DataReport, drifted: bool, fixed: bool) -> tuple[str, ...]:
    """Commands that go on from a report, the most useful first.

    Args:
        report: what was found.
        drifted: whether drift was looked for.
        fixed: whether a cleaned copy was written.
    """
    file = shlex.quote(report.file)
    against = f" --against {shlex.quote(report.against)}" if report.against else ""
    base, commands = f"hpo check-data {file}{against}", []
    if report.fixed is not None:
        commands.append(f"hpo check-data {shlex.quote(str(report.fixed['file']))}{against}")
    elif not fixed and any(check.name in FIXABLE and check.flagged for check in report.checks):
        commands.append(f"{base} --fix")
    classes = bool(report.statistics.get("classes"))
    if classes and report.label_noise is None:
        commands.append(f"{base} --label-noise")
    if classes and report.preprocessing is None:
        commands.append(f"{base} --strategies")
    if report.against is None:
        commands.append(f"hpo check-data {file} --against TEST_FILE")
    elif not drifted:
        commands.append(f"{base} --drift")
    return tuple(commands)

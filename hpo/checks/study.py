"""What a study checks of its rows before its first trial: copies, leaks, labels, lengths, damage, personal data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from hpo.checks.gates import evaluate_gates, judged
from hpo.checks.options import CheckOptions, Model
from hpo.checks.run import check_rows, leakage_of
from hpo.checks.values import Check, DataReport, Finding
from hpo.config.models import TaskKind
from hpo.data.rows import Rows, Splits
from hpo.evaluators.content import content

NOISE_GATE = "max_label_noise"


def check_splits(
    splits: Splits, thresholds: Mapping[str, float], task: TaskKind, model: Model | None = None
) -> DataReport:
    """The checks of a study's rows: the training rows, and what of validation and test stands among them.

    Args:
        splits: the rows of the study.
        thresholds: gates by name; label noise, which takes a model, is measured only where it is among them.
        task: of the study.
        model: tokenizer and length of the study's model; None: rows that it would cut are not looked for.

    Returns:
        The report on the training rows; ``leakage`` counts rows of validation and test together, and its findings say
        in ``partner_file`` which of the two the held-out row lies in.
    """
    ungated = CheckOptions(file="train", reference="validation", model=model, classes=task == "classification")
    report = check_rows(splits.train, splits.validation, ungated)
    held_out = len(splits.validation)
    if splits.test is not None:
        tested = _leakage(splits.train, splits.test)
        held_out += len(splits.test)
        report = _joined(report, tested, held_out)
    if NOISE_GATE in thresholds and task == "classification":
        report = _with_noise(report, splits.train)
    gates = evaluate_gates(report.checks, thresholds)
    against = "validation" if splits.test is None else "validation and test"
    return replace(
        report,
        against=against,
        against_rows=held_out,
        fingerprint=splits.fingerprint,
        gates=tuple(gates),
        checks=judged(report.checks, gates),
    )


def _with_noise(report: DataReport, train: Rows) -> DataReport:
    """The report with the estimated share of wrong labels, and the contradicted rows that are worth reading."""
    from hpo.checks.label_noise import label_noise

    noise, texts = label_noise(train), content(train)
    return replace(
        report,
        checks=(*report.checks, noise.check()),
        findings=(*report.findings, *noise.findings(train, texts)),
        label_noise=noise.as_dict(train, texts),
    )


def _leakage(train: Rows, test: Rows) -> tuple[Check, list[Finding]]:
    return leakage_of(train, test, CheckOptions(file="train", reference="test"))


def _joined(report: DataReport, tested: tuple[Check, list[Finding]], rows: int) -> DataReport:
    """The report with the leaks of the test rows beside those of the validation rows."""
    check, more = tested
    before = report.check("leakage")
    count = before.flagged + check.flagged
    verdict = "look" if count else before.verdict
    joined = replace(before, value=count / rows, flagged=count, verdict=verdict)
    checks = tuple(joined if each.name == "leakage" else each for each in report.checks)
    at = max((place for place, each in enumerate(report.findings) if each.check == "leakage"), default=-1) + 1
    findings = (*report.findings[:at], *more, *report.findings[at:])
    return replace(report, checks=checks, findings=findings)

"""The checks of rows put together: every evaluator once, its findings, its value, the gates that stand on it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.checks.catalogue import SPECS, CheckSpec
from hpo.checks.findings import Source, findings, flagged
from hpo.checks.gates import evaluate_gates, judged
from hpo.checks.options import DEFAULTS, CheckOptions
from hpo.checks.statistics import describe
from hpo.checks.values import Check, CheckVerdict, DataReport, Finding
from hpo.data.rows import Rows
from hpo.data.versions import version
from hpo.evaluators.content import content
from hpo.evaluators.protocol import ExampleScores, Metric


@dataclass(frozen=True)
class Scored:
    """What one evaluator says of rows."""

    scores: ExampleScores
    metrics: dict[str, float]


def check_rows(rows: Rows, reference: Rows | None = None, options: CheckOptions = DEFAULTS) -> DataReport:
    """Every fast check of rows, and of what of ``reference`` stands in them.

    Args:
        rows: n rows, those that a model learns from.
        reference: rows that a model is judged by (held out); None: leakage is not looked for.
        options: gates, names of the files, the model.

    Returns:
        The report; what runs only where it is asked for (label noise, preprocessing, drift, a curve) is None in it.
    """
    texts = content(rows)
    own = Source.of(rows, options.file, texts)
    other = None if reference is None else Source.of(reference, options.reference, content(reference))
    scored: dict[str, Scored] = {}
    checks: list[Check] = []
    found: list[Finding] = []
    for spec in SPECS:
        why = _why_not(spec, rows, reference, options)
        if why:
            checks.append(_not_run(spec, why))
            continue
        if spec.evaluator not in scored:
            options.progress(f"checking {spec.name.replace('_', ' ')}")
            scored[spec.evaluator] = _score(spec.evaluator, rows, reference, options)
        new = _found(spec, scored[spec.evaluator].scores, own, other)
        checks.append(_as_check(spec, scored[spec.evaluator], new))
        found += new
    tokens = scored["token_lengths"].scores.stats["tokens"] if "token_lengths" in scored else None
    gates = evaluate_gates(checks, options.thresholds)
    return DataReport(
        file=options.file,
        rows=len(rows),
        format=rows.format,
        fingerprint=version(rows).fingerprint,
        statistics=_statistics(rows, texts, tokens, scored.get("vocabulary")),
        checks=judged(checks, gates),
        findings=tuple(found),
        gates=tuple(gates),
        against=None if reference is None else options.reference,
        against_rows=None if reference is None else len(reference),
    )


def leakage_of(rows: Rows, reference: Rows, options: CheckOptions) -> tuple[Check, list[Finding]]:
    """The check of leakage alone: what of ``reference`` stands in ``rows``."""
    spec = next(each for each in SPECS if each.name == "leakage")
    scored = _score(spec.evaluator, rows, reference, options)
    own = Source.of(rows, options.file, content(rows))
    other = Source.of(reference, options.reference, content(reference))
    found = _found(spec, scored.scores, own, other)
    return _as_check(spec, scored, found), found


def _why_not(spec: CheckSpec, rows: Rows, reference: Rows | None, options: CheckOptions) -> str:
    """Why a check cannot be run on these rows; empty where it can."""
    if "label" in spec.needs and ("label" not in rows.frame or rows.frame["label"].dtype != object):
        return "the rows have no classes"
    if "label" in spec.needs and not options.classes:
        return "the labels are not what is learnt"
    if spec.evaluator == "leakage" and reference is None:
        return "there are no other rows to look in; name them with --against"
    if spec.evaluator == "token_lengths" and options.model is None:
        return "no model is named; --model NAME --max-length N"
    return ""


def _not_run(spec: CheckSpec, why: str) -> Check:
    """A check without a value, and why."""
    return Check(spec.name, math.nan, math.nan, math.nan, 0, "not run", f"{spec.what}: not run, {why}")


def _score(name: str, rows: Rows, reference: Rows | None, options: CheckOptions) -> Scored:
    """One evaluator's statistics of the rows it looks at, and its metrics."""
    evaluator = _evaluator(name, options)
    looked_at, known = (reference, rows) if name == "leakage" and reference is not None else (rows, None)
    scores = evaluator.score(looked_at, None, evaluator.prepare(known))
    if name == "format" and options.faults:
        scores = _with_faults(scores, options.faults)
    return Scored(scores, {metric.name: _reduced(metric, scores) for metric in evaluator.metrics})


def _with_faults(scores: ExampleScores, faults: Mapping[int, str]) -> ExampleScores:
    """Faults of form, and those that reading the file has found: ids that are missing or stand twice."""
    reasons = list(scores.evidence["reason"])
    for row, fault in faults.items():
        reasons[row] = fault if reasons[row] is None else f"{reasons[row]}; {fault}"
    found = np.array([reason is not None for reason in reasons], dtype=bool)
    return replace(
        scores, stats={"fault": found.astype(float)}, flags={"format_fault": found}, evidence={"reason": reasons}
    )


def _reduced(metric: Metric, scores: ExampleScores) -> float:
    """A metric over the rows that could be scored; NaN where there are none."""
    kept = ~scores.unscored
    if not kept.any():
        return math.nan
    stats = {name: np.asarray(values)[kept] for name, values in scores.stats.items()}
    return float(metric.reduce(stats, np.ones(int(kept.sum()))))


def _as_check(spec: CheckSpec, scored: Scored, found: Sequence[Finding]) -> Check:
    """A check of what an evaluator says; its value is a census, so it has no interval."""
    value = scored.metrics.get(spec.metric, math.nan)
    rows = int(flagged(scored.scores, spec.flags).sum())
    if spec.metric not in scored.metrics:
        value = rows / len(scored.scores.ids)
    verdict: CheckVerdict = "look" if found else "ok"
    return Check(spec.name, value, math.nan, math.nan, rows, verdict, spec.what, _measures(spec, scored))


def _evaluator(name: str, options: CheckOptions) -> Any:
    from hpo.evaluators.check_registry import CHECKS

    made = CHECKS[name]
    if name == "token_lengths" and options.model is not None:
        return made(options.model.tokenize, options.model.max_length, options.model.unknown_id)
    if name == "length":
        least = options.thresholds.get("min_words_per_sample")
        most = options.thresholds.get("max_words_per_sample")
        return made(min_words=least, max_words=most)
    if name in ("near_copies", "leakage"):
        return made(threshold=options.near)
    return made()


def _measures(spec: CheckSpec, scored: Scored) -> dict[str, float]:
    """Further numbers: the evaluator's other metrics that no other check has, and the extremes that gates stand on."""
    if not spec.more:
        return {}
    taken = {each.metric for each in SPECS if each.evaluator == spec.evaluator}
    measures = {name: value for name, value in scored.metrics.items() if name not in taken}
    if spec.name == "length":
        words = np.asarray(scored.scores.stats["words"], dtype=np.float64)
        measures |= {"least_words": float(words.min()), "most_words": float(words.max())}
    if spec.name == "class_balance":
        labels = [str(label) for label in scored.scores.stats["label"] if label is not None]
        measures["least_rows"] = float(min(Counter(labels).values(), default=0))
    return measures


def _found(spec: CheckSpec, scores: ExampleScores, rows: Source, reference: Source | None) -> list[Finding]:
    if spec.name != "leakage" or reference is None:
        return list(findings(spec, scores, rows, None))
    return [_turned(one, reference) for one in findings(spec, scores, reference, rows)]


def _turned(found: Finding, reference: Source) -> Finding:
    """A leak seen from the rows that are checked: the row is the training row, the partner the held-out one."""
    return Finding(
        found.check,
        found.partner or "",
        found.id,
        found.evidence,
        found.partner_text or "",
        found.text,
        reference.name,
        found.partner_label,
        found.label,
    )


def _statistics(
    rows: Rows, texts: list[str], tokens: NDArray[np.int64] | None, vocabulary: Scored | None
) -> dict[str, Any]:
    described = describe(rows, texts, tokens)
    metrics = {} if vocabulary is None else vocabulary.metrics
    described["vocabulary"] = {
        "size": metrics.get("vocabulary_size", math.nan),
        "richness": metrics.get("vocabulary_richness", math.nan),
        "zipf_exponent": metrics.get("zipf_exponent", math.nan),
        **described["vocabulary"],
    }
    return described

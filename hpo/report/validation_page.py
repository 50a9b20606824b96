"""The page on a validation: the verdict first, then scores, differences, confidence, cost, errors, and how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hpo.report import validation_pictures, validation_scores
from hpo.report.figures_validation import ahead
from hpo.report.page import Section, fill, render
from hpo.report.tables import SIGNS, Column, table
from hpo.report.validation_errors import browser

Found = Mapping[str, Any]


def write_validation_page(found: Found, out: Path) -> None:
    """Write the page on a validation.

    Args:
        found: what ``hpo validate --json`` prints.
        out: the file to write.

    Raises:
        DataError: the file cannot be written.
    """
    makers: tuple[Callable[[Found], Section | None], ...] = (
        _verdict,
        validation_scores.differences,
        validation_scores.scores,
        validation_scores.ranks,
        validation_scores.subgroups,
        browser,
        validation_pictures.confidence,
        validation_pictures.reliability,
        validation_pictures.roc,
        validation_pictures.confusion,
        validation_pictures.cost,
        validation_pictures.ratings,
        _doubts,
        _models,
        _method,
    )
    sections = [section for make in makers if (section := make(found)) is not None]
    render(f"Validation: {found['name']}", sections, out)


def _verdict(found: Found) -> Section:
    state, tone = _state(found)
    rows = sum(each["rows"] for each in found["datasets"])
    facts = [
        ("baseline", found["baseline"]),
        ("models", f"{len(found['models']):,}"),
        ("data sets", f"{len(found['datasets']):,}"),
        ("rows", f"{rows:,}"),
        ("rows models disagree on", f"{found['errors_total']:,}"),
    ]
    said = found["verdict"] or ["Nothing was compared with the baseline; the scores stand below."]
    body = fill("verdict.html", state=state, tone=tone, sign=SIGNS[tone], sentences=said, commands=(), facts=facts)
    return Section("verdict", "Verdict", body)


def _state(found: Found) -> tuple[str, str]:
    """In a word: who is better than the baseline, or that nobody can be told to be."""
    asked = [pair for pair in found["comparisons"] if validation_scores.is_primary(pair, found)]
    if not asked or all(pair["verdict"] == "refused" for pair in asked):
        return "nothing compared", "look"
    better = dict.fromkeys(pair["a"] for pair in asked if ahead(pair) == pair["a"])
    worse = dict.fromkeys(pair["a"] for pair in asked if ahead(pair) == pair["b"])
    if better:
        mixed = ", though not everywhere" if set(better) & set(worse) else ""
        return f"better than {found['baseline']}: {', '.join(better)}{mixed}", "look" if mixed else "good"
    if worse:
        return f"nothing is better than {found['baseline']}", "bad"
    return "no difference is shown", "look"


def _doubts(found: Found) -> Section | None:
    if not found["refused"] and not found["warnings"]:
        return None
    groups = [("Not answered, and why", found["refused"]), ("To keep in mind", found["warnings"])]
    return Section("doubts", "Refusals and warnings", fill("sentences.html", groups=groups), menu="Doubts")


def _models(found: Found) -> Section:
    models = [
        {**each, "strong": each["name"] == found["baseline"], "source": _source(each["source"])}
        for each in found["models"]
    ]
    about = [
        Column("name", "model"),
        Column("kind", "kind"),
        Column("source", "source", "long"),
        Column("parameters", "parameters", "count"),
    ]
    data = [
        {**each, "labels": len(each["labels"]) if each["labels"] else None, "short": str(each["fingerprint"])[:12]}
        for each in found["datasets"]
    ]
    sets = [
        Column("name", "data set"),
        Column("task", "task"),
        Column("rows", "rows", "count"),
        Column("labels", "classes", "count"),
        Column("groups", "groups", "count"),
        Column("primary", "primary metric"),
        Column("short", "fingerprint", "code"),
    ]
    body = table(about, models, "The baseline is set in bold.") + table(sets, data)
    return Section("models", "Models and data sets", body, menu="Models")


def _source(source: Any) -> str:
    if isinstance(source, Mapping):
        return ", ".join(f"{name}: {each}" for name, each in source.items())
    return "" if source is None else str(source)


def _method(found: Found) -> Section:
    settings = found["settings"]
    confidence = f"{100 * settings['confidence']:g} %"
    margin = settings["equivalence_margin"]
    methods = dict.fromkeys(pair["method"] for pair in found["comparisons"] if pair["verdict"] != "refused")
    intervals = dict.fromkeys(row["method"] for row in found["scores"] if row["method"])
    entries = [
        ("intervals", f"{confidence}; {'; '.join(intervals) or 'none'}"),
        ("tests", "; ".join(methods) or "none"),
        ("correction", f"{settings['correction']}, over all comparisons with the baseline by a primary metric"),
        ("equivalence", "never claimed: no margin was declared" if margin is None else f"within {margin:g}"),
        ("resamples", f"{settings['resamples']:,}, seed {settings['seed']}"),
    ]
    entries += [(str(name).replace("_", " "), _source(value)) for name, value in found["environment"].items() if value]
    return Section("method", "How it was computed", fill("method.html", entries=entries), menu="Method")

"""The page on data: the verdict first, then what the checks found with its evidence, what the rows are like, how."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup

from hpo.report import data_parts, figures_data
from hpo.report.data_findings import Mask, groups
from hpo.report.data_sentences import data_verdict, value_text
from hpo.report.page import Section, fill, joined, plot, render
from hpo.report.tables import SIGNS, Column, table, written

Found = Mapping[str, Any]
FIRST = 4  # findings of a check that are seen at once


def write_data_page(found: Found, out: Path) -> None:
    """Write the page on data.

    Args:
        found: what ``hpo check-data --json`` prints.
        out: the file to write.

    Raises:
        DataError: the file cannot be written.
    """
    mask = Mask(found["findings"])
    makers: tuple[Callable[[Found, Mask], Section | None], ...] = (
        _verdict,
        _gates,
        _checks,
        _findings,
        _statistics,
        data_parts.label_noise,
        data_parts.preprocessing,
        data_parts.curve,
        data_parts.drift,
        data_parts.fixed,
        data_parts.changed,
        _next,
        _method,
    )
    sections = [section for make in makers if (section := make(found, mask)) is not None]
    render(f"Data checks of {found['file']}", sections, out)


def _verdict(found: Found, mask: Mask) -> Section:
    verdict = data_verdict(found)
    facts = [("rows", f"{found['rows']:,}"), ("format", found["format"])]
    if found["against"]:
        facts.append(("against", f"{found['against']} ({found['against_rows'] or 0:,} rows)"))
    classes = found["statistics"]["classes"]
    if classes:
        facts.append(("classes", f"{len(classes):,}"))
    words = found["statistics"].get("words")
    if words:
        facts.append(("words in a row", f"{written(words['p50'], 'count')} in the median"))
    facts.append(("fingerprint", str(found["fingerprint"])[:12]))
    body = fill(
        "verdict.html",
        state=verdict.state,
        tone=verdict.tone,
        sign=SIGNS[verdict.tone],
        sentences=[mask(sentence) for sentence in verdict.sentences],
        commands=verdict.commands,
        facts=facts,
    )
    return Section("verdict", "Verdict", body)


def _gates(found: Found, mask: Mask) -> Section | None:
    if not found["gates"]:
        return None
    rows = [
        {
            **gate,
            "state": "passed" if gate["passed"] else "failed",
            "side": "at least" if gate["name"].startswith("min_") else "at most",
            "check": gate["check"].replace("_", " "),
        }
        for gate in sorted(found["gates"], key=lambda gate: bool(gate["passed"]))
    ]
    columns = [
        Column("state", "", "verdict"),
        Column("name", "gate", "code"),
        Column("value", "measured", "number"),
        Column("side", "should be"),
        Column("threshold", "threshold", "number"),
        Column("what", "what it stands on", "long"),
    ]
    lead = "Thresholds that were set beforehand. One that fails stops a study before its first trial."
    return Section("gates", "Gates", table(columns, rows), lead)


def _checks(found: Found, mask: Mask) -> Section:
    rows = []
    for name, check in found["checks"].items():
        low, high = value_text(check, "ci_low"), value_text(check, "ci_high")
        rows.append(
            {
                "verdict": check["verdict"],
                "name": name.replace("_", " "),
                "value": check["value"],
                "written": value_text(check),
                "interval": f"{low} – {high}" if low and high else "",
                "flagged": None if check["verdict"] == "not run" else check["flagged"],
                "what": check["what"],
            }
        )
    columns = [
        Column("verdict", "", "verdict"),
        Column("name", "check"),
        Column("written", "value", "number"),
        Column("interval", "95 % interval", "number"),
        Column("flagged", "rows found", "count"),
        Column("what", "what it means", "long"),
    ]
    lead = "Counts are exact: every row was looked at. An interval stands only where a value is an estimate."
    return Section("checks", "Checks", table(columns, rows), lead)


def _findings(found: Found, mask: Mask) -> Section | None:
    made = groups(found, mask)
    if not made:
        return None
    lead = "The rows themselves. Words that only one of two rows has are coloured; personal data is partly hidden."
    return Section("findings", "What was found", fill("findings.html", groups=made, first=FIRST), lead)


def _statistics(found: Found, mask: Mask) -> Section:
    known = found["statistics"]
    pictures, rows = [], []
    for unit in ("words", "characters", "tokens"):
        spread = known.get(unit)
        if spread:
            rows.append({"unit": unit, **spread})
            if unit != "characters" or not known.get("words"):
                caption = f"{unit.capitalize()} in a row. The last bar holds everything above the 99th percentile."
                pictures.append(plot(figures_data.lengths(spread, unit), caption))
    kept = ("mean", "min", "p1", "p5", "p25", "p50", "p75", "p95", "p99", "max")
    columns = [Column("unit", "in a row"), *(Column(name, _percentile(name), "number") for name in kept)]
    if known.get("classes"):
        caption = f"Rows of each of the {len(known['classes']):,} classes."
        pictures.append(plot(figures_data.classes(known["classes"]), caption))
    body = joined(
        table(columns, rows), Markup('<div class="figures">'), *pictures, _words(known, mask), Markup("</div>")
    )
    return Section("statistics", "What the rows are like", body, menu="Statistics")


def _percentile(name: str) -> str:
    return {"p50": "median"}.get(name, f"{name[1:]} %" if name[0] == "p" else name)


def _words(known: Found, mask: Mask) -> Markup:
    vocabulary = known.get("vocabulary") or {}
    if not vocabulary.get("top"):
        return Markup("")
    said = ["The most frequent words."]
    if vocabulary.get("size") is not None:
        said.append(f"{written(vocabulary['size'], 'count')} different words in all.")
    if vocabulary.get("richness") is not None:
        said.append(
            f"Richness {written(vocabulary['richness'], 'number')}, which does not depend on the number of rows."
        )
    if vocabulary.get("zipf_exponent") is not None:
        said.append(f"Zipf exponent {written(vocabulary['zipf_exponent'], 'number')} (about 1 in ordinary language).")
    top = [[mask(str(word)), count] for word, count in vocabulary["top"]]
    return plot(figures_data.words(top), " ".join(said))


def _next(found: Found, mask: Mask) -> Section | None:
    if not found["next"]:
        return None
    return Section("next", "Next", fill("commands.html", commands=found["next"]), "What to type next.")


def _method(found: Found, mask: Mask) -> Section:
    return Section("method", "How it was computed", data_parts.method(found), menu="Method")

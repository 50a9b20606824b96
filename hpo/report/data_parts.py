"""Parts of the data page that stand only where they were asked for: label noise, strategies, curve, drift, the fix."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

from hpo.records.wording import plural
from hpo.report import figures_data
from hpo.report.data_findings import Mask
from hpo.report.escaping import excerpt
from hpo.report.page import Section, fill, joined, plot
from hpo.report.tables import Column, table, written

Found = Mapping[str, Any]
SHOWN = 40  # rows of a ranked list
TEXT = 240  # characters of a text in a table


def label_noise(found: Found, mask: Mask) -> Section | None:
    """Rows whose label is probably wrong, the surest first."""
    noise = found["label_noise"]
    if noise is None:
        return None
    lead = f"About {_percent(noise)} of the labels are estimated to be wrong. The rows to read first come first."
    rows = [
        {**each, "rank": place, "text": excerpt(mask(each["text"] or ""), TEXT)}
        for place, each in enumerate(noise["ranked"][:SHOWN], start=1)
    ]
    columns = [
        Column("rank", "", "count"),
        Column("id", "row"),
        Column("label", "label"),
        Column("suggested", "suggested"),
        Column("margin", "margin", "number"),
        Column("text", "text", "long"),
    ]
    left = len(noise["ranked"]) - len(rows)
    more = f" The first {SHOWN} of {len(noise['ranked']):,}." if left > 0 else ""
    caption = f"{noise['method']}.{more}"
    return Section("label-noise", "Label noise", table(columns, rows, caption), lead)


def _percent(estimate: Found) -> str:
    value = written(estimate["estimate"], "share")
    if estimate["ci_low"] is None or estimate["ci_high"] is None:
        return value
    return f"{value} ({written(estimate['ci_low'], 'share')} to {written(estimate['ci_high'], 'share')})"


def preprocessing(found: Found, mask: Mask) -> Section | None:
    """Which changes of the text help a baseline, which hurt, and which cannot be told."""
    tried = found["preprocessing"]
    if tried is None:
        return None
    by = {
        verdict: [s["name"] for s in tried["strategies"] if s["verdict"] == verdict] for verdict in ("helps", "hurts")
    }
    said = [
        f"{', '.join(names)} {verdict if len(names) == 1 else verdict[:-1]}" for verdict, names in by.items() if names
    ]
    conclusion = "; ".join(said) or "no strategy can be told from the untouched text"
    original = tried["original"]
    lead = (
        f"{conclusion[0].upper()}{conclusion[1:]}. The original text scores {written(original['value'], 'number')} "
        f"({tried['metric']}, {tried['folds']} folds, {tried['rows']:,} rows)."
    )
    rows = [{**each, "transforms": ", ".join(each["transforms"])} for each in tried["strategies"]]
    columns = [
        Column("verdict", "", "verdict"),
        Column("name", "strategy"),
        Column("transforms", "what it does", "long"),
        Column("value", tried["metric"], "number"),
        Column("difference", "difference", "signed", "difference_low", "difference_high"),
        Column("p_adjusted", "p (Holm)", "p"),
        Column("rows_changed", "rows changed", "count"),
        Column("reason", "why", "long"),
    ]
    caption = (
        "Each strategy against the original text, out of fold, with its interval. Triangles up help, triangles down "
        "hurt; an open circle cannot be told apart, or makes no difference that matters."
    )
    body = joined(plot(figures_data.strategies(tried), caption), table(columns, rows))
    return Section("preprocessing", "Preprocessing strategies", body, lead, "Preprocessing")


def curve(found: Found, mask: Mask) -> Section | None:
    """How the score grows with the rows."""
    points = found["learning_curve"]
    if not points:
        return None
    columns = [
        Column("rows", "rows", "count"),
        Column("value", "score", "number", "ci_low", "ci_high"),
    ]
    caption = (
        "Score of the baseline by rows trained on; the band is the interval. A curve that still rises asks for rows."
    )
    body = joined(plot(figures_data.learning_curve(points), caption), table(columns, points))
    return Section("learning-curve", "Score against data size", body, menu="Learning curve")


def drift(found: Found, mask: Mask) -> Section | None:
    """Whether the new rows are unlike the known ones, in which respect, and what that means."""
    moved = found["drift"]
    if moved is None:
        return None
    classifier = moved["classifier"]
    facts = fill("method.html", entries=[("domain classifier", _classifier(classifier))]) if classifier else Markup("")
    columns = [
        Column("name", "feature"),
        Column("test", "test"),
        Column("statistic", "statistic", "number"),
        Column("p_adjusted", "p (corrected)", "p"),
        Column("reference", "known rows", "number"),
        Column("new", "new rows", "number"),
    ]
    features = sorted(moved["features"], key=lambda each: 2.0 if each["p_adjusted"] is None else each["p_adjusted"])
    caption = "How far each feature moved. Triangles mark what moved beyond chance, after the correction."
    unlike = [{**each, "text": excerpt(mask(each["text"] or ""), TEXT)} for each in moved["unlike"][:SHOWN]]
    rows = [Column("id", "row"), Column("score", "score", "number"), Column("text", "text", "long")]
    heading = Markup("<h3>Rows that are most unlike the known ones</h3>") if unlike else Markup("")
    body = joined(
        facts, plot(figures_data.drift(features), caption), table(columns, features), heading, table(rows, unlike)
    )
    return Section("drift", "Drift", body, f"{_sentence(moved['verdict'])} {moved['sentence']}")


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text and text[-1] not in ".!?" else text


def _classifier(found: Found) -> str:
    span = f"[{written(found['ci_low'], 'number')}, {written(found['ci_high'], 'number')}]"
    p = written(found["p_value"], "p")
    return (
        f"tells new rows from known ones with an AUC of {written(found['auc'], 'number')} {span} (.5 is guessing); "
        f"permutation p {p} from {found['permutations']:,} permutations"
    )


def fixed(found: Found, mask: Mask) -> Section | None:
    """What the fix changed, and the checks before and after it."""
    repair = found["fixed"]
    if repair is None:
        return None
    lead = (
        f"{repair['file']} holds {plural(repair['rows_after'], 'row')} of {repair['rows_before']:,}; the input is "
        f"untouched. Every changed row stands in {repair['log']}."
    )
    changes = [{"reason": name.replace("_", " "), "rows": count} for name, count in repair["changes"].items()]
    names = list(dict.fromkeys([*repair["before"], *repair["after"]]))
    values = [
        {"check": name.replace("_", " "), "before": repair["before"].get(name), "after": repair["after"].get(name)}
        for name in names
    ]
    pair = [Column("check", "check"), Column("before", "before", "number"), Column("after", "after", "number")]
    body = joined(
        table([Column("reason", "reason"), Column("rows", "rows", "count")], changes),
        plot(figures_data.before_after(repair["before"], repair["after"]), "The checks before and after the fix."),
        table(pair, values),
    )
    return Section("fixed", "Before and after the fix", body, lead, "Fix")


def changed(found: Found, mask: Mask) -> Section | None:
    """What differs from another version of the rows."""
    versions = found["changed"]
    if versions is None:
        return None
    entries = [(name.replace("_", " "), _value(value, mask)) for name, value in versions.items()]
    return Section("changed", "What changed between the versions", fill("method.html", entries=entries), menu="Changed")


def _value(value: Any, mask: Mask) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_value(each, mask)}" for name, each in value.items()) or "none"
    if isinstance(value, list | tuple):
        shown = ", ".join(_value(each, mask) for each in value[:20])
        return f"{shown}, and {len(value) - 20:,} more" if len(value) > 20 else shown or "none"
    if isinstance(value, float):
        return written(value, "number")
    return excerpt(mask(f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)), TEXT)


def method(found: Found) -> Markup:
    """How everything on the page was computed."""
    entries = [
        ("rows", f"{found['file']}, {found['rows']:,} rows, format {found['format']}"),
        ("fingerprint", f"{found['fingerprint']}: the same rows give the same fingerprint, whatever their file"),
    ]
    if found["against"]:
        entries.append(("against", f"{found['against']}, {found['against_rows'] or 0:,} rows"))
    entries.append(("counts", "every row is looked at, so counts and shares are exact and carry no interval"))
    entries.append(("gates", "a count is judged by its value; an estimate fails only where its whole interval does"))
    if found["label_noise"]:
        entries.append(("label noise", found["label_noise"]["method"]))
    if found["preprocessing"]:
        tried = found["preprocessing"]
        text = (
            f"{tried['folds']} folds of {tried['rows']:,} rows, paired with the original text row by row, Holm over all"
        )
        entries.append(("preprocessing", text))
    if found["drift"]:
        tests = ", ".join(dict.fromkeys(each["test"] for each in found["drift"]["features"]))
        entries.append(("drift", f"{tests}, p-values corrected over the features"))
    skipped = [f"{name.replace('_', ' ')} ({check['what']})" for name, check in _skipped(found)]
    if skipped:
        entries.append(("not run", "; ".join(skipped)))
    return fill("method.html", entries=entries)


def _skipped(found: Found) -> list[tuple[str, Found]]:
    return [(name, check) for name, check in found["checks"].items() if check["verdict"] == "not run"]

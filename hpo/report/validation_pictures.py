"""Pictures of the validation page: confidence, reliability, ROC, confusion, cost and quality, people's ratings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hpo.report import figures_validation
from hpo.report.page import Plot, Section, joined, plot, plots
from hpo.report.tables import Column, table

Found = Mapping[str, Any]
MOST_CURVES = 100  # of ROC figures; each takes about 3 kB of the page
MOST_CELLS = 12_000  # of all confusion matrices together


def _by(rows: Sequence[Found], *keys: str) -> Iterator[tuple[str, list[Found]]]:
    """Rows that share the values of some keys, with a name made of these values."""
    groups: dict[tuple[str, ...], list[Found]] = {}
    for row in rows:
        groups.setdefault(tuple(str(row[key]) for key in keys), []).append(row)
    for values, own in groups.items():
        yield " · ".join(values), own


def confidence(found: Found) -> Section | None:
    """How sure the models are where they are right and wrong, and what answering only when sure would give."""
    rows = found["confidence"]
    if not rows:
        return None
    shared = (
        "Accuracy when only the surest share of the rows is answered. A line that falls to the right knows its limits."
    )
    alone = "Confidence of right and wrong answers. Wrong answers at the right end are confident mistakes."
    columns = [
        Column("dataset", "data set"),
        Column("model", "model"),
        Column("mean_right", "confidence when right", "number"),
        Column("mean_wrong", "confidence when wrong", "number"),
    ]
    covering = [Plot(figures_validation.coverage(own), name) for name, own in _by(rows, "dataset")]
    sure = [Plot(figures_validation.confidence(row), f"{row['model']} · {row['dataset']}") for row in rows]
    body = joined(plots(covering, shared, name="Data set"), plots(sure, alone, name="Model"), table(columns, rows))
    return Section("confidence", "Confidence", body)


def reliability(found: Found) -> Section | None:
    """Whether confidence means what it says."""
    figures = [Plot(figures_validation.reliability(own), name) for name, own in _by(found["reliability"], "dataset")]
    if not figures:
        return None
    caption = (
        "Confidence against accuracy. On the dotted line a model is right as often as it says; below, it is too sure."
    )
    return Section("reliability", "Reliability", plots(figures, caption, name="Data set"))


def roc(found: Found) -> Section | None:
    """ROC curves, the models of one class together."""
    curves = found["roc"]
    figures, drawn = [], 0
    for name, own in _by(curves, "dataset", "label"):
        if drawn + len(own) > MOST_CURVES:
            break
        drawn += len(own)
        figures.append(Plot(figures_validation.roc(own), name))
    if not figures:
        return None
    more = (
        ""
        if drawn == len(curves)
        else f" {drawn} of {len(curves)} curves are on this page; the JSON file has them all."
    )
    caption = f"One class against the rest. The dotted line is guessing.{more}"
    return Section("roc", "ROC curves", plots(figures, caption, name="Class"), menu="ROC")


def confusion(found: Found) -> Section | None:
    """Confusion matrices, one at a time."""
    figures, cells, left = [], 0, 0
    for row in found["confusion"]:
        cells += len(row["labels"]) ** 2
        if cells > MOST_CELLS:
            left += 1
            continue
        figures.append(Plot(figures_validation.confusion(row), f"{row['model']} · {row['dataset']}"))
    if not figures:
        return None
    more = f" {left} more are in the JSON file." if left else ""
    caption = f"Rows are true classes, columns what the model said; the shade is the share of the row.{more}"
    return Section("confusion", "Confusion matrices", plots(figures, caption, name="Model"), menu="Confusion")


def cost(found: Found) -> Section | None:
    """What answers cost, and which models are worth their price."""
    rows = found["cost"]
    if not rows:
        return None
    columns = [
        Column("model", "model"),
        Column("dataset", "data set"),
        Column("seconds", "seconds", "number"),
        Column("peak_memory_gb", "peak memory (GB)", "number"),
        Column("tokens_per_second", "tokens/s", "count"),
        Column("latency_p50_ms", "p50 (ms)", "number"),
        Column("latency_p95_ms", "p95 (ms)", "number"),
        Column("latency_p99_ms", "p99 (ms)", "number"),
        Column("cost_usd", "US dollars", "number"),
    ]
    said = next((row["latency_of"] for row in rows if row.get("latency_of")), "")
    caption = f"Latency of {said}." if said else ""
    quality = found["datasets"][0]["primary"] if found["datasets"] else "quality"
    picture = figures_validation.front(
        found["front"], f"mean {quality}" if len(found["datasets"]) > 1 else str(quality)
    )
    front = "Up and to the left is better. Filled points are on the front: none is both better and cheaper."
    return Section("cost", "Cost and quality", joined(plot(picture, front), table(columns, rows, caption)), menu="Cost")


def ratings(found: Found) -> Section | None:
    """What people said, and how far they agree."""
    rated = found["ratings"]
    if not rated:
        return None
    figures = []
    for name, own in _by(rated["dimensions"], "dimension"):
        made = figures_validation.ratings(own)
        if made is not None:
            figures.append(Plot(made, name))
    means = [
        Column("dimension", "dimension"),
        Column("model", "model"),
        Column("mean", "mean", "number", "ci_low", "ci_high"),
        Column("raters", "raters", "count"),
    ]
    agreement = [
        Column("dimension", "dimension"),
        Column("alpha", "Krippendorff's alpha", "number", "ci_low", "ci_high"),
        Column("level", "level"),
    ]
    body = joined(
        plots(figures, "Mean ratings with their intervals.", name="Dimension"),
        table(means, rated["dimensions"]),
        table(
            agreement,
            rated["agreement"],
            "Agreement: 1 is perfect, 0 is chance; below .667 hardly a conclusion holds (Krippendorff 2004).",
        ),
    )
    return Section("ratings", "People's ratings", body, menu="Ratings")

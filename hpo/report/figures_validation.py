"""Figures of the validation page: differences, confidence, coverage, reliability, ROC, confusion, cost, ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.report.escaping import label
from hpo.report.figures import (
    BLUE,
    GREY,
    INK,
    PALE,
    PAPER,
    SOFT,
    Figure,
    Mark,
    diagonal,
    forest,
    histogram,
    layout,
    series,
)

Row = Mapping[str, Any]
NAMED = 30  # classes of a confusion matrix whose counts can be read


def ahead(pair: Row) -> str | None:
    """Which of two compared models is better by the verdict; None where that is not said."""
    if pair["verdict"] != "better" or pair["difference"] is None:
        return None
    first = (pair["difference"] > 0) == (pair.get("direction", "maximize") == "maximize")
    return str(pair["a"] if first else pair["b"])


def differences(pairs: Sequence[Row], names: Sequence[str], x: str) -> Figure | None:
    """Differences of a to b with their intervals; those that are refused are left out.

    Args:
        pairs: comparisons.
        names: what each is called in the figure.
        x: what the differences are.
    """
    marks = []
    for pair, name in zip(pairs, names, strict=True):
        if pair["difference"] is None or pair["verdict"] == "refused":
            continue
        winner = ahead(pair)
        tone = "plain" if winner is None else "good" if winner == pair["a"] else "bad"
        marks.append(Mark(name, pair["difference"], pair["ci_low"], pair["ci_high"], pair["verdict"], tone))
    return forest(marks, x, 0.0)


def confidence(found: Row) -> Figure:
    """How sure a model was where it was right and where it was wrong."""
    counts = found["histogram"]
    return histogram(counts["edges"], {"right": counts["right"], "wrong": counts["wrong"]}, "confidence")


def _curves(named: Sequence[tuple[str, Sequence[float], Sequence[float]]], words: str, mode: str) -> list[Figure]:
    made = []
    for (name, x, y), (_, style) in zip(named, series([each[0] for each in named]), strict=True):
        hover = f"{label(name, 40)}<br>{words}<extra></extra>"
        points = {"x": [_short(value) for value in x], "y": [_short(value) for value in y]}
        made.append({"type": "scatter", "mode": mode, **points, **style, "hovertemplate": hover})
    return made


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def coverage(found: Sequence[Row]) -> Figure:
    """Accuracy on the surest share of the rows, a line a model."""
    named = [(each["model"], *_columns(each["coverage"])) for each in found]
    data = _curves(named, "surest %{x:.0%} of rows: accuracy %{y:.3f}", "lines")
    axis = {"tickformat": ".0%", "range": [0, 1.01]}
    made = layout("share of rows answered, the surest first", "accuracy", 360, xaxis=axis, showlegend=True)
    return {"data": data, "layout": _room(made)}


def _columns(points: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    return [point[0] for point in points], [point[1] for point in points]


def _room(made: dict[str, Any]) -> dict[str, Any]:
    return {**made, "margin": {**made["margin"], "t": 48}}


def reliability(found: Sequence[Row]) -> Figure:
    """Accuracy against confidence in bins, a line a model, and the diagonal on which a model knows how sure to be."""
    named = []
    for each in found:
        filled = [point for point in each["bins"] if point[0] and point[1] is not None and point[2] is not None]
        name = f"{each['model']} (ECE {each['ece']:.3f})" if each["ece"] is not None else each["model"]
        named.append((name, [point[1] for point in filled], [point[2] for point in filled]))
    data = _curves(named, "confidence %{x:.2f}: accuracy %{y:.2f}", "lines+markers")
    made = layout("confidence", "accuracy", 380, **_unit(), shapes=[diagonal()], showlegend=True)
    return {"data": data, "layout": _room(made)}


def _unit() -> dict[str, Any]:
    return {"xaxis": {"range": [-0.01, 1.01]}, "yaxis": {"range": [-0.01, 1.02]}}


def roc(found: Sequence[Row]) -> Figure:
    """ROC curves of one class, a line a model, and the diagonal of guessing."""
    named = [(f"{each['model']} (AUC {each['auc']:.3f})", each["fpr"], each["tpr"]) for each in found]
    data = _curves(named, "false positives %{x:.2f}, true positives %{y:.2f}", "lines")
    words = ("false positive rate", "true positive rate")
    return {"data": data, "layout": _room(layout(*words, 380, **_unit(), shapes=[diagonal()], showlegend=True))}


def confusion(found: Row) -> Figure:
    """Counts of true against predicted classes; the shade is a cell's share of its row."""
    labels, counts = [str(name) for name in found["labels"]], found["counts"]
    totals = [sum(row) for row in counts]
    shares = [[cell / total if total else 0.0 for cell in row] for row, total in zip(counts, totals, strict=True)]
    few = len(labels) <= NAMED
    rows = labels[: len(counts)]
    data: list[dict[str, Any]] = [
        {
            "type": "heatmap",
            "z": [[round(value, 4) for value in row] for row in shares],
            "x": list(range(len(labels))),
            "y": list(range(len(rows))),
            "zmin": 0,
            "zmax": 1,
            "xgap": 1,
            "ygap": 1,
            "showscale": False,
            "colorscale": [[0, PAPER], [0.02, "#e4eef6"], [1, "#08519c"]],
            "text": [[cell or "" for cell in row] for row in counts],
            "texttemplate": "%{text}" if few else "",
            "hovertemplate": "true %{y}<br>predicted %{x}<br>%{text} rows, %{z:.1%} of the class<extra></extra>",
        }
    ]
    side = 150 + max(120, min(560, (34 if few else 10) * len(labels)))
    ticks = {"showgrid": False, "ticks": "", "showline": False, "tickfont": {"color": INK, "size": 12}}
    names = {"tickvals": list(range(len(labels))), "ticktext": [label(name, 16) for name in labels]}
    made = layout(
        "predicted",
        "true",
        side,
        xaxis={**ticks, **names, "tickangle": -45 if len(labels) > 4 else 0},
        yaxis={**ticks, **names, "range": [len(rows) - 0.5, -0.5]},
    )
    return {"data": data, "layout": made}


def front(found: Sequence[Row], quality: str) -> Figure | None:
    """Quality against cost on a logarithmic axis; filled points are on the front, joined by a line."""
    kept = sorted(
        (each for each in found if each["cost"] is not None and each["cost"] > 0), key=lambda each: each["cost"]
    )
    if not kept:
        return None
    best = [each for each in kept if each["on_front"]]
    steps = {"x": [each["cost"] for each in best], "y": [each["quality"] for each in best]}
    edge = {"color": PALE, "width": 2, "dash": "dot"}
    points = {
        "type": "scatter",
        "mode": "markers+text",
        "x": [each["cost"] for each in kept],
        "y": [each["quality"] for each in kept],
        "text": [label(each["model"], 24) for each in kept],
        "textposition": ["top right" if place < len(kept) / 2 else "top left" for place in range(len(kept))],
        "textfont": {"color": [INK if each["on_front"] else SOFT for each in kept]},
        "hovertemplate": "%{text}<br>cost %{x:.4g}, quality %{y:.4g}<extra></extra>",
        "cliponaxis": False,
        "marker": {
            "size": 12,
            "color": [BLUE if each["on_front"] else GREY for each in kept],
            "symbol": ["circle" if each["on_front"] else "circle-open" for each in kept],
        },
    }
    line = {"type": "scatter", "mode": "lines", **steps, "line": edge, "hoverinfo": "skip"}
    made = layout(kept[0]["unit"], quality, 360, xaxis={"type": "log"})
    return {"data": [line, points], "layout": _room(made)}


def ranks(mean_ranks: Mapping[str, float], critical: float | None) -> Figure | None:
    """Mean ranks over the data sets, the best first; bars reach half the critical difference to each side."""
    half = None if critical is None else critical / 2
    marks = [
        Mark(name, rank, None if half is None else rank - half, None if half is None else rank + half)
        for name, rank in sorted(mean_ranks.items(), key=lambda pair: pair[1])
    ]
    return forest(marks, "mean rank (1 is best)", None)


def ratings(rows: Sequence[Row]) -> Figure | None:
    """Mean ratings of one dimension with their intervals."""
    marks = [Mark(row["model"], row["mean"], row["ci_low"], row["ci_high"]) for row in rows if row["mean"] is not None]
    return forest(marks, "mean rating", None)

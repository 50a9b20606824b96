"""Figures of the data page: lengths, classes, words, preprocessing strategies, learning curve, drift."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from hpo.report.escaping import label
from hpo.report.figures import BLUE, GREY, ORANGE, Figure, Mark, band, bars, forest, histogram, layout, line

Row = Mapping[str, Any]
MOST_CLASSES = 60  # bars of a figure
_TONES = {"helps": "good", "hurts": "bad", "cannot be told": "plain", "no difference that matters": "plain"}


def lengths(spread: Row, unit: str) -> Figure:
    """The histogram of lengths, with lines at the median and the 99th percentile.

    A last bin that reaches from there to a far maximum would squeeze the others, so it is drawn as wide as they are.
    """
    edges, counts = list(spread["histogram"]["edges"]), spread["histogram"]["counts"]
    if len(edges) > 3 and edges[-1] - edges[-2] > 3 * (edges[-2] - edges[-3]):
        edges[-1] = edges[-2] + 2 * (edges[-2] - edges[-3])
    made = histogram(edges, {unit: counts}, f"{unit} in a row")
    longest = spread["max"]
    spans = made["data"][0]["text"]
    if spans and edges[-1] < longest:
        spans[-1] = f"{edges[-2]:.4g} – {longest:.4g}"
    made["layout"]["shapes"] = [line(spread["p50"], strong=True), line(spread["p99"], strong=True)]
    made["layout"]["annotations"] = [_over(spread["p50"], "median"), _over(spread["p99"], "99 %")]
    made["layout"]["margin"] = {**made["layout"]["margin"], "t": 26}
    return made


def _over(x: float, text: str) -> dict[str, Any]:
    place = {"x": x, "y": 1, "yref": "paper", "yanchor": "bottom", "showarrow": False}
    return {**place, "text": text, "font": {"size": 11, "color": GREY}}


def classes(counts: Mapping[str, int]) -> Figure | None:
    """Rows of each class, the largest first; of very many classes the largest and the smallest ones."""
    ranked = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    if len(ranked) > MOST_CLASSES:
        ranked = [*ranked[: MOST_CLASSES // 2], *ranked[-MOST_CLASSES // 2 :]]
    return bars([name for name, _ in ranked], [count for _, count in ranked], "rows")


def words(top: Sequence[Sequence[Any]]) -> Figure | None:
    """The most frequent words."""
    return bars([str(pair[0]) for pair in top], [pair[1] for pair in top], "times")


def strategies(found: Row) -> Figure | None:
    """How far each strategy moves the metric away from the untouched text, with intervals."""
    marks = [
        Mark(
            each["name"],
            each["difference"],
            each["difference_low"],
            each["difference_high"],
            each["verdict"],
            _TONES.get(each["verdict"], "plain"),
        )
        for each in found["strategies"]
        if each["difference"] is not None
    ]
    return forest(marks, f"difference in {found['metric']} to the original text")


def learning_curve(points: Sequence[Row]) -> Figure | None:
    """Score against rows, with intervals."""
    if not points:
        return None
    x, y = [point["rows"] for point in points], [point["value"] for point in points]
    curve = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": x,
        "y": y,
        "line": {"color": BLUE, "width": 2},
        "marker": {"color": BLUE, "size": 7},
        "hovertemplate": "%{x:,} rows: %{y:.4f}<extra></extra>",
    }
    around = band(x, [point["ci_low"] for point in points], [point["ci_high"] for point in points])
    made = layout("rows trained on", "score", 320, xaxis={"type": "log"} if _wide(x) else {})
    made["xaxis"].update(tickvals=x, ticktext=[f"{rows:,}" for rows in x])
    return {"data": [*around, curve], "layout": made}


def _wide(x: Sequence[float]) -> bool:
    return min(x) > 0 and max(x) / min(x) >= 8


def drift(features: Sequence[Row], alpha: float = 0.05) -> Figure | None:
    """The test statistic of each feature; those that moved after the correction stand out by colour and shape."""
    marks = [
        Mark(
            each["name"],
            each["statistic"],
            None,
            None,
            f"{each['test']}, corrected p {_p(each['p_adjusted'])}",
            "bad" if each["p_adjusted"] is not None and each["p_adjusted"] <= alpha else "plain",
        )
        for each in sorted(features, key=lambda each: -(each["statistic"] or 0.0))
        if each["statistic"] is not None
    ]
    return forest(marks, "size of the test statistic", None)


def _p(value: float | None) -> str:
    return "-" if value is None else "below .001" if value < 0.001 else f"{value:.3f}"


def before_after(before: Mapping[str, float], after: Mapping[str, float]) -> Figure | None:
    """Each check's value before and after the fix, as a dot and an arrow's end."""
    names = [name for name in before if before[name] is not None and after.get(name) is not None and before[name] <= 1]
    if not names:
        return None
    places = list(range(len(names)))
    strokes = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [before[name], after[name]],
            "y": [place, place],
            "line": {"color": GREY, "width": 2},
            "hoverinfo": "skip",
            "showlegend": False,
        }
        for place, name in zip(places, names, strict=True)
    ]
    dots = [
        {
            "type": "scatter",
            "mode": "markers",
            "name": title,
            "x": [values[name] for name in names],
            "y": places,
            "marker": {"color": colour, "symbol": symbol, "size": 10},
            "text": [label(name.replace("_", " ")) for name in names],
            "hovertemplate": f"%{{text}} {title}: %{{x:.2%}}<extra></extra>",
        }
        for title, values, colour, symbol in (
            ("before", before, ORANGE, "circle"),
            ("after", after, BLUE, "diamond"),
        )
    ]
    ticks = {"tickvals": places, "ticktext": [label(name.replace("_", " ")) for name in names], "showgrid": False}
    ends = {"range": [len(names) - 0.4, -0.6]}
    height = 100 + 30 * len(names)
    made = layout("share of rows", height=height, yaxis={**ticks, **ends}, showlegend=True, xaxis={"tickformat": ".1%"})
    made["margin"] = {**made["margin"], "t": 34}
    return {"data": [*strokes, *dots], "layout": made}

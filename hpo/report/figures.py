"""Figures that both pages share, in plotly's JSON shape, with one quiet look; nothing is computed here but places."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from hpo.report.escaping import label

Figure = dict[str, Any]

# Okabe and Ito 2008: told apart by colour-blind readers too. page.js swaps them for lighter ones on dark paper.
BLUE, ORANGE, GREEN, PINK, GREY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a949e"
INK, SOFT, RULE, PALE, PAPER = "#1c2126", "#5a646e", "#dfe3e7", "#c8ced4", "#ffffff"
SERIES = (BLUE, ORANGE, GREEN, PINK, GREY, "#e69f00", "#56b4e9")
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "solid", "dash")
SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "circle-open", "diamond-open")
TONES = {"good": GREEN, "bad": ORANGE, "plain": GREY, "accent": BLUE}


@dataclass(frozen=True)
class Mark:
    """A row of a forest plot: a value with its interval; ``note`` is said when one points at it."""

    name: str
    value: float
    low: float | None
    high: float | None
    note: str = ""
    tone: str = "accent"


def layout(x: str = "", y: str = "", height: int = 320, **more: Any) -> dict[str, Any]:
    """The look of every figure; ``more`` overrides."""
    axis = {
        "gridcolor": RULE,
        "linecolor": RULE,
        "zeroline": False,
        "automargin": True,
        "fixedrange": True,
        "tickfont": {"color": SOFT},
    }
    made: dict[str, Any] = {
        "height": height,
        "margin": {"l": 60, "r": 16, "t": 12, "b": 44},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": INK},
        "colorway": list(SERIES),
        "hoverlabel": {"bgcolor": PAPER, "bordercolor": RULE, "font": {"color": INK}, "align": "left"},
        "xaxis": {**axis, "title": {"text": label(x, 80), "font": {"color": SOFT, "size": 13}}},
        "yaxis": {**axis, "title": {"text": label(y, 80), "font": {"color": SOFT, "size": 13}}},
        "legend": {"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        "dragmode": False,
        "showlegend": False,
        "bargap": 0.04,
    }
    for name, value in more.items():
        made[name] = {**made[name], **value} if isinstance(value, dict) and name in made else value
    return made


def line(where: float, axis: str = "x", *, strong: bool = False) -> dict[str, Any]:
    """A straight line across the figure at a value of one axis."""
    other = "y" if axis == "x" else "x"
    style = {"color": SOFT if strong else PALE, "width": 1.5 if strong else 1, "dash": "solid" if strong else "dot"}
    across = {f"{other}0": 0, f"{other}1": 1, f"{other}ref": "paper", f"{axis}ref": axis}
    return {"type": "line", f"{axis}0": where, f"{axis}1": where, **across, "line": style, "layer": "between"}


def diagonal() -> dict[str, Any]:
    """The line from (0, 0) to (1, 1)."""
    style = {"color": PALE, "width": 1.5, "dash": "dot"}
    return {"type": "line", "x0": 0, "y0": 0, "x1": 1, "y1": 1, "line": style, "layer": "below"}


def forest(marks: Sequence[Mark], x: str, reference: float | None = 0.0) -> Figure | None:
    """Values with their intervals, one below the other in the given order; None without any.

    Args:
        marks: the rows.
        x: what the values are.
        reference: where a line stands that means "no difference" or "the baseline"; None: no line.
    """
    if not marks:
        return None
    places = list(range(len(marks)))
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [mark.value for mark in marks],
        "y": places,
        "text": [_said(mark) for mark in marks],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {
            "size": 9,
            "color": [TONES[mark.tone] for mark in marks],
            "symbol": [_SHAPES[m.tone] for m in marks],
        },
    }
    bars = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [mark.low, mark.high],
            "y": [place, place],
            "line": {"color": TONES[mark.tone], "width": 2},
            "hoverinfo": "skip",
        }
        for place, mark in zip(places, marks, strict=True)
        if mark.low is not None and mark.high is not None
    ]
    names = {"tickvals": places, "ticktext": [label(mark.name, 30) for mark in marks], "showgrid": False}
    ends = {"range": [len(marks) - 0.4, -0.6], "tickfont": {"color": INK}}
    shapes = [] if reference is None else [line(reference, strong=True)]
    made = layout(x, height=96 + 30 * len(marks), yaxis={**names, **ends}, shapes=shapes, meta={"rows": "forest"})
    made["xaxis"]["range"] = _reach(marks, reference)
    return {"data": [*bars, trace], "layout": made}


def _reach(marks: Sequence[Mark], reference: float | None) -> list[float]:
    """From the lowest end to the highest one, the line of reference among them, and some room on both sides."""
    ends = [end for mark in marks for end in (mark.value, mark.low, mark.high) if end is not None]
    ends += [] if reference is None else [reference]
    room = 0.06 * (max(ends) - min(ends)) or 0.5
    return [min(ends) - room, max(ends) + room]


_SHAPES = {"good": "triangle-up", "bad": "triangle-down", "plain": "circle-open", "accent": "circle"}


def _said(mark: Mark) -> str:
    span = "" if mark.low is None or mark.high is None else f" [{mark.low:.4g}, {mark.high:.4g}]"
    note = f"<br>{label(mark.note, 160)}" if mark.note else ""
    return f"{label(mark.name, 80)}<br>{mark.value:.4g}{span}{note}"


def bars(names: Sequence[str], values: Sequence[float], x: str) -> Figure | None:
    """Horizontal bars in the given order, the first at the top; None without any."""
    if not names:
        return None
    places = list(range(len(names)))
    trace = {
        "type": "bar",
        "orientation": "h",
        "x": list(values),
        "y": places,
        "text": [label(name, 80) for name in names],
        "textposition": "none",
        "hovertemplate": "%{text}: %{x:,}<extra></extra>",
        "marker": {"color": BLUE},
    }
    names_axis = {"tickvals": places, "ticktext": [label(name, 24) for name in names], "showgrid": False}
    height = 80 + (24 if len(names) <= 24 else 15) * len(names)
    ends = {"range": [len(names) - 0.4, -0.6], "tickfont": {"color": INK}}
    made = layout(x, height=height, yaxis={**names_axis, **ends}, bargap=0.3)
    return {"data": [trace], "layout": made}


def series(names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each name with what draws its line: colour, dash and marker differ, so that none of the three is needed alone."""
    for place, name in enumerate(names):
        turn = place % len(SERIES)
        style = {
            "name": label(name, 28),
            "line": {"color": SERIES[turn], "dash": DASHES[turn], "width": 2},
            "marker": {"color": SERIES[turn], "symbol": SYMBOLS[turn], "size": 7},
        }
        yield name, style


def band(x: Sequence[float], low: Sequence[float | None], high: Sequence[float | None]) -> list[dict[str, Any]]:
    """The area between two lines, for intervals around a curve; nothing where an end is missing."""
    if any(value is None for value in (*low, *high)):
        return []
    shared = {"type": "scatter", "mode": "lines", "x": list(x), "line": {"width": 0}, "hoverinfo": "skip"}
    fill = {"fill": "tonexty", "fillcolor": "rgba(0,114,178,0.16)"}
    return [{**shared, "y": list(low), "showlegend": False}, {**shared, "y": list(high), "showlegend": False, **fill}]


def histogram(edges: Sequence[float], counts: Mapping[str, Sequence[float]], x: str) -> Figure:
    """Counts between edges, one set of bars or several stacked.

    Args:
        edges: n + 1 edges.
        counts: n counts of each set, by its name.
        x: what is counted.
    """
    middles = [(low + high) / 2 for low, high in pairwise(edges)]
    widths = [high - low for low, high in pairwise(edges)]
    spans = [f"{low:.4g} – {high:.4g}" for low, high in pairwise(edges)]
    several = len(counts) > 1
    data = [
        {
            "type": "bar",
            "x": middles,
            "width": [width * 0.94 for width in widths],
            "y": list(values),
            "text": spans,
            "textposition": "none",
            "name": label(name),
            "hovertemplate": "%{text}: %{y:,} rows<extra></extra>",
            "marker": {"color": colour},
        }
        for (name, values), colour in zip(counts.items(), (BLUE, ORANGE, GREEN), strict=False)
    ]
    return {"data": data, "layout": layout(x, "rows", 270, barmode="stack", showlegend=several)}

"""Figures: valid for the drawing library, and showing what they were given."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from hpo.report import figures, figures_data, figures_validation
from hpo.report.data_page import write_data_page
from hpo.report.figures import GREEN, GREY, ORANGE, Mark, forest
from hpo.report.validation_page import write_validation_page

Found = dict[str, Any]


@pytest.mark.parametrize("kind", ["data", "validation"])
def test_every_figure_of_a_page_is_valid_for_plotly(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    import plotly.graph_objects as go

    write = {"data": write_data_page, "validation": write_validation_page}[kind]
    write(request.getfixturevalue(f"{kind}_found"), tmp_path / "page.html")
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    specs = re.findall(r'<script type="application/json" class="spec">(.*?)</script>', page, re.DOTALL)
    assert len(specs) >= 7
    for spec in specs:
        go.Figure(**json.loads(spec))


def test_a_forest_plot_shows_values_ends_and_the_line_of_no_difference() -> None:
    made = forest([Mark("a", 0.2, 0.1, 0.3, tone="good"), Mark("b", -0.1, None, None, tone="bad")], "x", 0.0)
    assert made is not None
    interval, points = made["data"]
    assert interval["x"] == [0.1, 0.3] and points["x"] == [0.2, -0.1]
    assert points["marker"]["color"] == [GREEN, ORANGE]
    assert points["marker"]["symbol"] == ["triangle-up", "triangle-down"]  # told apart without colour too
    assert made["layout"]["shapes"][0]["x0"] == 0.0
    low, high = made["layout"]["xaxis"]["range"]
    assert low < -0.1 and high > 0.3
    assert forest([], "x") is None


def pair(verdict: str, difference: float | None, direction: str = "maximize") -> Found:
    ends = {"ci_low": difference, "ci_high": difference}
    return {"a": "a", "b": "b", "verdict": verdict, "difference": difference, "direction": direction, **ends}


def test_differences_are_coloured_by_verdict_and_refused_ones_left_out() -> None:
    pairs = [pair("better", 0.1), pair("better", -0.1), pair("undecided", 0.3), pair("refused", None)]
    made = figures_validation.differences(pairs, ["up", "down", "open", "gone"], "x")
    assert made is not None
    assert made["data"][-1]["marker"]["color"] == [GREEN, ORANGE, GREY]
    assert figures_validation.ahead(pair("better", -0.1, "minimize")) == "a"
    assert figures_validation.ahead(pair("equivalent", 0.1)) is None


def test_a_confusion_matrix_shades_by_the_share_of_the_row() -> None:
    found = {"model": "m", "dataset": "d", "labels": ["a", "b", "(no class)"], "counts": [[3, 1, 0], [0, 0, 0]]}
    heat = figures_validation.confusion(found)["data"][0]
    assert heat["z"] == [[0.75, 0.25, 0.0], [0.0, 0.0, 0.0]]
    assert heat["text"] == [[3, 1, ""], ["", "", ""]]


def test_empty_bins_are_no_points_of_a_reliability_diagram() -> None:
    made = figures_validation.reliability([{"model": "m", "bins": [[0, None, None], [5, 0.7, 0.6]], "ece": 0.1}])
    assert made["data"][0]["x"] == [0.7] and made["data"][0]["name"] == "m (ECE 0.100)"


def test_the_open_last_bin_of_lengths_does_not_squeeze_the_others() -> None:
    spread = {"histogram": {"edges": [0, 10, 20, 30, 400], "counts": [4, 30, 12, 2]}, "max": 400, "p50": 15, "p99": 30}
    bars = figures_data.lengths(spread, "words")["data"][0]
    assert bars["y"] == [4, 30, 12, 2] and bars["x"][-1] == 40
    assert bars["text"][-1] == "30 – 400"


def test_of_very_many_classes_the_largest_and_the_smallest_are_drawn() -> None:
    made = figures_data.classes({f"c{n}": n for n in range(1, 201)})
    assert made is not None
    drawn = made["data"][0]["x"]
    assert len(drawn) == figures_data.MOST_CLASSES and drawn[0] == 200 and drawn[-1] == 1


def test_the_front_is_filled_and_the_rest_is_hollow() -> None:
    rows = [
        {"model": "dear", "quality": 0.9, "cost": 5.0, "unit": "s", "on_front": True},
        {"model": "bad", "quality": 0.2, "cost": 6.0, "unit": "s", "on_front": False},
        {"model": "free", "quality": 0.2, "cost": None, "unit": "s", "on_front": False},
    ]
    made = figures_validation.front(rows, "accuracy")
    assert made is not None
    assert made["data"][1]["marker"]["symbol"] == ["circle", "circle-open"]
    assert made["data"][0]["x"] == [5.0]


def test_lines_differ_by_colour_and_by_dash() -> None:
    styles = [style["line"] for _, style in figures.series(["a", "b", "c", "d", "e"])]
    assert len({each["color"] for each in styles}) == len({each["dash"] for each in styles}) == 5

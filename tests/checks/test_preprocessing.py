"""Strategies: what destroys the text hurts, what repairs it helps, what changes nothing makes no difference."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from hpo.checks.curve import learning_curve
from hpo.checks.preprocessing import Asked, effects
from hpo.data.rows import Rows

Make = Callable[..., Rows]


@pytest.fixture
def own(tmp_path: Path) -> str:
    """A file with a transform that hides all words."""
    file = tmp_path / "mine.py"
    file.write_text("def hide(text):\n    return 'nothing'\ndef parted(text):\n    return text.replace('~', ' ')\n")
    return str(file)


def test_a_strategy_that_hides_the_text_hurts_and_one_that_changes_nothing_does_not_matter(
    rows: Make, own: str
) -> None:
    found = effects(rows(300, own=2), {"hidden": [f"{own}:hide"], "same": ["fix_encoding"]}, Asked())
    hidden, same = found["strategies"]
    assert hidden["verdict"] == "hurts"
    assert hidden["difference_high"] < 0
    assert hidden["p_adjusted"] < 0.001
    assert hidden["rows_changed"] == 300
    assert (same["verdict"], same["rows_changed"], same["difference"]) == ("no difference that matters", 0, 0)


def test_a_strategy_that_repairs_the_text_helps(rows: Make, own: str) -> None:
    made = rows(300, own=2)
    glued = [text.replace(" ", "_") if i % 2 else text for i, text in enumerate(made.frame["text"])]
    broken = Rows(made.frame.assign(text=pd.Series(glued, dtype=object)), "text_label")
    Path(own).write_text("def parted(text):\n    return text.replace('_', ' ')\n")
    helped = effects(broken, {"parted": [f"{own}:parted"]}, Asked())["strategies"][0]
    assert helped["verdict"] == "helps"
    assert helped["difference_low"] > 0


def test_deduplicating_and_augmenting_change_what_is_learnt_alone(rows: Make) -> None:
    made = rows(120)
    frame = made.frame.copy()
    for i in range(3, 30, 3):
        frame.loc[i, "text"] = frame.loc[0, "text"]
    found = effects(Rows(frame, "text_label"), {"once": ["deduplicate"], "more": ["typos"]}, Asked())
    once, more = found["strategies"]
    assert once["rows_changed"] == 9
    assert more["rows_changed"] == 60
    assert found["rows"] == 120


def test_the_correction_is_over_all_strategies(rows: Make, own: str) -> None:
    one = effects(rows(90, own=1), {"hidden": [f"{own}:hide"]}, Asked())["strategies"][0]
    five = effects(rows(90, own=1), {str(i): [f"{own}:hide"] for i in range(5)}, Asked())["strategies"][0]
    assert one["p_adjusted"] == one["p_value"]
    assert five["p_adjusted"] == pytest.approx(min(1.0, 5 * five["p_value"]))


def test_the_score_grows_with_the_rows(rows: Make) -> None:
    points = learning_curve(rows(300, own=1), Asked(), (0.1, 1.0))
    assert [point["rows"] for point in points] == [24, 240]
    assert points[1]["value"] > points[0]["value"] + 0.05
    assert points[0]["ci_low"] < points[0]["value"] < points[0]["ci_high"]

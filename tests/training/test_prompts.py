"""What is read and what is learnt, as text."""

from __future__ import annotations

import math

import pytest

from hpo.training.prompts import Piece, join, match_label, parse_number, with_examples

LABELS = ("graph", "graphics", "Web tools", "net")


@pytest.mark.parametrize(
    ("answer", "label"),
    [
        ("net", "net"),
        (" NET.\nand more", "net"),
        ("web", "Web tools"),
        ("Graph", "graph"),
        ("graphi", "graphics"),
        ("gra", None),
        ("net, because it is", "net"),
        ("graphics card", "graphics"),
        ("network", None),
        ("", None),
        ("\n", None),
        ("the net", None),
    ],
)
def test_an_answer_means_a_label_only_when_it_is_plain(answer: str, label: str | None) -> None:
    assert match_label(answer, LABELS) == label


@pytest.mark.parametrize(
    ("answer", "number"),
    [("42", 42), ("about 1,250.5 dollars", 1250.5), ("-3e2", -300), (".5", 0.5), ("none", math.nan)],
)
def test_the_first_number_of_an_answer_counts(answer: str, number: float) -> None:
    assert parse_number(answer) == pytest.approx(number, nan_ok=True)


def test_the_space_before_a_completion_belongs_to_it() -> None:
    assert join("Topic: ", "net", "") == Piece("Topic:", " net")
    assert join("Topic:", "net", "") == Piece("Topic:", " net")
    assert join("Topic:\n", "net", "") == Piece("Topic:\n", "net")
    assert join("Topic:", "", "") == Piece("Topic:", "")


def test_solved_examples_stand_before_every_prompt() -> None:
    shown = [Piece("a:", " x"), Piece("b:", " y")]
    assert with_examples([Piece("c:")], shown)[0].prompt == "a: x\n\nb: y\n\nc:"

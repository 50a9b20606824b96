"""Exact match and token F1 on answers whose scores are known."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.evaluators.exact_match import ExactMatch, exact_match, token_f1
from hpo.objective import Outputs


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ("Paris", "Paris", 1),
        ("  Paris\n", "Paris", 1),
        ("New  York\tCity", "New York City", 1),
        ("paris", "Paris", 0),
        ("Paris.", "Paris", 0),
        ("", "Paris", 0),
    ],
)
def test_exact_match_overlooks_white_space_only(prediction, reference, expected):
    assert exact_match(prediction, reference) == expected


@pytest.mark.parametrize(
    ("prediction", "reference", "expected"),
    [
        ("The Eiffel Tower!", "eiffel tower", 1.0),  # case, punctuation and articles do not count
        ("in the city of Paris", "Paris", 0.4),  # 1 shared of 4 said and 1 expected: 2 * 1 / 5
        ("a b b", "b b b", 0.8),  # "a" is an article; 2 shared of 2 said and 3 expected: 2 * 2 / 5
        ("London", "Paris", 0.0),
        ("", "Paris", 0.0),
        ("the", "a", 1.0),  # nothing said where nothing is expected
    ],
)
def test_token_f1_as_squad_counts(prediction, reference, expected):
    assert token_f1(prediction, reference) == pytest.approx(expected)


def test_no_answer_is_wrong_and_no_reference_is_unscored(build):
    rows = build.rows(["yes", "yes", None], column="reference")
    outputs = Outputs(rows.ids, np.array(["yes", None, "yes"], dtype=object))
    scores = ExactMatch().score(rows, outputs, None)
    np.testing.assert_array_equal(scores.stats["exact_match"], [1, 0, np.nan])
    assert scores.unscored.tolist() == [False, False, True]

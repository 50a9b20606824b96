"""The likeliest choice, and the likeliest for its length."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.errors import DataError
from hpo.evaluators.multiple_choice import MultipleChoice, NormalizedMultipleChoice, chosen
from hpo.evaluators.score import Scorecard
from hpo.objective import Outputs

# Log-likelihoods of "no" (2 bytes) and "certainly" (9 bytes), as a model that thinks the second is right might give.
SCORES, BYTES = [-4.0, -9.0], [2.0, 9.0]


def test_a_long_choice_is_likelier_for_its_length(build):
    rows = build.rows(["1", "0"])
    outputs = Outputs(rows.ids, choice_scores=np.array([SCORES] * 2), choice_bytes=np.array([BYTES] * 2))
    card = Scorecard("instruction", (), ["multiple_choice_accuracy", "multiple_choice_accuracy_normalized"])
    assert card.outputs_needed == {"choices", "choice_bytes"}
    plain, normalized = (each.score(rows, outputs, None) for each in (MultipleChoice(), NormalizedMultipleChoice()))
    assert plain.stats["right"].tolist() == [0, 1]  # -4 against -9
    assert normalized.stats["right"].tolist() == [1, 0]  # -2 a byte against -1 a byte
    assert card.score(rows, outputs).metrics == {
        "multiple_choice_accuracy": 0.5,
        "multiple_choice_accuracy_normalized": 0.5,
    }


def test_rows_may_have_different_numbers_of_choices(build):
    rows = build.rows([1, 2, 0, None])
    scores = np.array([[-2, -1, np.nan], [-3, -2, -1], [np.nan] * 3, [-1, -2, -3]])
    right = MultipleChoice().score(rows, Outputs(rows.ids, choice_scores=scores), None).stats["right"]
    np.testing.assert_array_equal(right, [1, 1, np.nan, np.nan])  # without a score or a label: unscored


def test_rows_that_do_not_say_which_choice_is_right_are_unscored(build):
    rows = build.rows(["yes"], column="reference")
    assert MultipleChoice().score(rows, Outputs(rows.ids, choice_scores=np.array([SCORES])), None).unscored.all()


def test_the_first_of_equal_choices_is_taken_and_one_without_a_score_never():
    assert chosen(np.array([[-1, -1], [np.nan, -9]])).tolist() == [0, 1]


@pytest.mark.parametrize("label", ["2", "-1", "0.5"])
def test_a_label_that_is_no_choice_is_refused(build, label):
    rows = build.rows(["0", label])
    with pytest.raises(DataError, match=f"1 rows have a label .* 'row1': '{label}' of 2 choices"):
        MultipleChoice().score(rows, Outputs(rows.ids, choice_scores=np.array([SCORES] * 2)), None)

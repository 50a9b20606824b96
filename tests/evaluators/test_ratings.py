"""Ratings by people: read with their range checked, averaged over raters and then over rows."""

from __future__ import annotations

import numpy as np
import pytest

from hpo.errors import DataError
from hpo.evaluators.ratings import DIMENSIONS, Ratings, majority_share, read_ratings
from hpo.evaluators.score import Scorecard
from hpo.objective import Outputs

SHEET = """id,model,rater,relevance,coherence,fluency,factuality,helpfulness
q1,a,ann,5,4,5,3,4
q1,a,bob,4,4,5,,4
q1,a,cyd,5,2,5,3,1
q2,a,ann,1,1,2,1,1
q1,b,ann,3,3,3,3,3
"""


@pytest.fixture
def sheet(tmp_path):
    def write(text):
        file = tmp_path / "ratings.csv"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def test_a_sheet_is_read_by_model_dimension_and_rater(sheet):
    found = read_ratings(sheet(SHEET))
    assert (found.ids.tolist(), found.models, found.raters) == (["q1", "q2"], ("a", "b"), ("ann", "bob", "cyd"))
    assert found.values.shape == (2, 2, 5, 3)
    np.testing.assert_array_equal(found.values[0, 0, DIMENSIONS.index("factuality")], [3, np.nan, 3])
    np.testing.assert_array_equal(found.outputs("b").ids, ["q1"])  # q2 was rated for a alone
    np.testing.assert_array_equal(
        found.matrix("coherence"), [[4, 1, 3, np.nan], [4, np.nan, np.nan, np.nan], [2, np.nan, np.nan, np.nan]]
    )


def test_a_row_counts_once_however_many_rated_it(sheet, build):
    found = read_ratings(sheet(SHEET)).outputs("a")
    rows = build.rows([None, None])
    outputs = Outputs(rows.ids, ratings=found.ratings)
    card = Scorecard("instruction", (), ["relevance", "relevance_majority", "coherence", "coherence_majority"])
    assert card.outputs_needed == {"ratings"}
    assert card.score(rows, outputs).metrics == pytest.approx(
        {
            "relevance": ((5 + 4 + 5) / 3 + 1) / 2,
            "relevance_majority": (2 / 3 + 1) / 2,
            "coherence": ((4 + 4 + 2) / 3 + 1) / 2,
            "coherence_majority": (2 / 3 + 1) / 2,
        }
    )


def test_a_row_that_nobody_rated_is_unscored(build):
    rows = build.rows([None, None])
    ratings = np.full((2, 5, 2), np.nan)
    ratings[0, 1, 1] = 4
    scores = Ratings("coherence").score(rows, Outputs(rows.ids, ratings=ratings), None)
    np.testing.assert_array_equal(scores.stats["coherence"], [4, np.nan])
    assert scores.unscored.tolist() == [False, True]


def test_the_majority_share():
    nan = np.nan
    ratings = np.array([[5, 5, 5], [5, 4, 5], [5, 4, 3], [2, nan, nan], [2, 2, nan], [nan, nan, nan]])
    np.testing.assert_allclose(majority_share(ratings), [1, 2 / 3, 1 / 3, 1, 1, nan])


def test_a_sheet_of_one_rater_and_one_model_needs_neither_column(sheet):
    found = read_ratings(sheet("id,fluency\nq1,2\nq2,\n"))
    assert (found.models, found.raters) == (("",), ("",))
    assert found.outputs("").ids.tolist() == ["q1"]


def test_another_scale_is_told(sheet):
    path = sheet("id,fluency\nq1,0\nq2,10\n")
    assert np.nanmax(read_ratings(path, scale=(0, 10)).values) == 10
    with pytest.raises(DataError, match=r"2 rows \(lines 2, 3\) have a fluency that is not between 1 and 5"):
        read_ratings(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("id,rating\nq1,3\n", "there is no column `relevance`"),
        ("fluency\n3\n", "there is no column `id`"),
        ("id,fluency\nq1,good\n", r"1 row \(line 2\) have no number as fluency"),
        ("id,rater,fluency\nq1,ann,3\nq1,ann,4\n", r"1 row \(line 3\) repeat the same id, rater"),
        ("id,fluency\nq1,3\nq1,4\n", "a column `rater` tells people apart"),
        ("id,rater,fluency\nq1,,3\n", r"1 row \(line 2\) have no rater"),
    ],
)
def test_what_is_wrong_with_a_sheet_is_said_with_its_line(sheet, text, said):
    with pytest.raises(DataError, match=said):
        read_ratings(sheet(text))

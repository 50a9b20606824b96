"""Which number a worked answer comes to."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.evaluators.numeric_answer import NumericAnswer, final_number, numeric_match
from hpo.objective import Outputs


@pytest.mark.parametrize(
    ("text", "number"),
    [
        # in the form of GSM8K's solutions, with its calculator notes
        ("4 boxes of 12 hold 4*12 = <<4*12=48>>48 pens.\n3 are dry, so 48-3 = <<48-3=45>>45.\n#### 45", "45"),
        ("#### 1,080", "1080"),
        ("#### 18 and not 20", "18"),  # the first after the mark
        ("#### Step 1: add 3\n#### 7", "7"),  # the last mark
        ("12 apples #### none", None),  # the mark tells where the answer would be
        ("The answer is 42.", "42"),
        ("First 3, then 4, so 7 in all", "7"),
        ("It costs $1,234.50.", "1234.50"),
        ("It costs -$5", "-5"),
        ("It costs $-5", "-5"),
        ("€ 20 is 20€", "20"),
        ("about .5 litres", "0.5"),
        ("minus \u2212 is \u22123", "-3"),
        ("x = -2", "-2"),
        ("7-5", "5"),  # no sign: a minus between two numbers
        ("in 2020-21", "21"),
        ("(3)-4", "4"),
        ("+8 degrees", "8"),
        ("95%", "95"),
        ("1,2,3", "3"),  # a list, not one number in groups of three
        ("1234,567", "567"),  # no groups of three either
        ("3/4", "4"),
        ("007", "7"),
        ("none", None),
        ("", None),
    ],
)
def test_the_number_that_a_text_comes_to(text, number):
    assert final_number(text) == (None if number is None else Decimal(number))


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**12), max_value=10**12))
def test_a_number_is_found_however_it_is_written(value):
    for text in (f"so {value:f}", f"so {value:,f} in all.", f"7 #### {value:,f}", f"#### {value:f}0"):
        assert final_number(text) == value


def test_the_same_number_matches_however_it_is_written():
    assert numeric_match("that makes $1,200.00", "400 + 800 = 1200\n#### 1200") == [1]
    assert numeric_match("1201", "#### 1200") == [0]
    assert numeric_match("no idea", "#### 1200") == [0]
    assert np.isnan(numeric_match("3", "three")).all()


def test_no_answer_is_wrong_and_a_reference_without_a_number_is_unscored(build):
    rows = build.rows(["#### 3", "#### 3", "three", None], column="reference")
    outputs = Outputs(rows.ids, np.array(["3", None, "3", "3"], dtype=object))
    scores = NumericAnswer().score(rows, outputs, None)
    np.testing.assert_array_equal(scores.stats["numeric_match"], [1, 0, np.nan, np.nan])

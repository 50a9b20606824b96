"""check_data as a function: what is typed wrongly is told as on the command line."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from hpo.checks import check_data
from hpo.errors import ConfigurationError, DataError
from hpo.validation import validate

FRAME = pd.DataFrame({"text": [f"row {i} of words" for i in range(40)], "label": ["a", "b"] * 20})


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"label_nois": True}, "there is no `label_nois`"),
        ({"gates": {"nope": 1}}, "unknown gate `nope`"),
        ({"gates": {"max_duplicate_ratio": "x"}}, "needs a number in"),
        ({"gates": {"max_duplicate_ratio": float("nan")}}, "needs a number in"),
        ({"gates": ["max_duplicate_ratio"]}, "`gates` is a mapping, not list"),
        ({"columns": "text"}, "`columns` is a mapping, not str"),
        ({"strategies": ["lowercase"]}, "`strategies` is a mapping, not list"),
    ],
)
def test_a_keyword_that_cannot_be_is_refused(wanted: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigurationError, match=says):
        check_data(FRAME, **wanted)


def test_a_gate_that_is_none_is_off() -> None:
    assert check_data(FRAME, gates={"max_leakage_ratio": None, "max_empty_ratio": 0}).passed


@pytest.mark.parametrize("data", [None, 3, [{"text": "a"}], {"text": ["a"]}])
def test_what_is_neither_a_file_nor_a_table_is_refused(data: Any) -> None:
    with pytest.raises(DataError, match="neither a file nor a table"):
        check_data(data)


def test_columns_of_a_table_may_have_numbers_for_names_but_each_once() -> None:
    numbered = FRAME.set_axis([0, 1], axis=1)
    assert check_data(numbered).rows == 40
    with pytest.raises(DataError, match="two columns `text`"):
        check_data(pd.concat([FRAME, FRAME], axis=1))


def test_a_class_a_row_is_not_learnt() -> None:
    rows = FRAME.assign(label=[f"class {i}" for i in range(40)])
    assert check_data(rows).rows == 40
    with pytest.raises(DataError, match="40 classes in 40 rows"):
        check_data(rows, strategies=True)


def test_rows_of_which_none_is_sound_teach_nothing() -> None:
    rows = FRAME.assign(text=None)
    assert check_data(rows).check("format").flagged == 40
    with pytest.raises(DataError, match="no row has both"):
        check_data(rows, label_noise=True)


@pytest.mark.parametrize("wrong", [None, 3, {"name": "v"}])
def test_validate_wants_a_file_or_a_configuration(wrong: Any) -> None:
    with pytest.raises(ConfigurationError, match="neither a validation file nor a configuration"):
        validate(wrong)

"""Out of fold: no row, no copy and no group is seen by the model that answers it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hpo.checks.out_of_fold import make_folds, predict
from hpo.data.rows import Rows
from hpo.errors import DataError

Make = Callable[..., Rows]


def test_groups_and_copies_are_never_divided(rows: Make) -> None:
    made = rows(90)
    frame = made.frame.assign(group=[f"g{i // 3}" for i in range(90)])
    frame.loc[40, "text"] = frame.loc[2, "text"].upper()
    fold = make_folds(Rows(frame, "text_label"))
    assert all(len(set(fold[i : i + 3])) == 1 for i in range(0, 90, 3))
    assert fold[40] == fold[2]
    assert len(set(fold)) == 5


def test_a_label_that_nobody_else_has_is_not_known_to_the_model_that_answers_it(rows: Make) -> None:
    made = rows(60)
    frame = made.frame.copy()
    frame.loc[7, "label"] = "only"
    probabilities = predict(Rows(frame, "text_label"), make_folds(Rows(frame, "text_label")))
    labels = sorted(set(frame["label"]))
    assert probabilities[7, labels.index("only")] == 0
    assert probabilities.sum(axis=1) == pytest.approx(np.ones(60))


def test_training_is_changed_and_what_is_answered_is_not(rows: Make) -> None:
    made, seen = rows(60), []

    def half(learnt: Rows) -> Rows:
        seen.append(len(learnt))
        return learnt.take(np.arange(0, len(learnt), 2))

    assert predict(made, make_folds(made), training=half).shape == (60, 3)
    assert seen == [48] * 5


def test_rows_that_all_hang_together_are_refused(rows: Make) -> None:
    made = rows(30)
    with pytest.raises(DataError, match="tied to each other"):
        make_folds(Rows(made.frame.assign(group="one"), "text_label"))


def test_one_class_is_refused(rows: Make) -> None:
    made = rows(30)
    with pytest.raises(DataError, match="all rows are of the class"):
        make_folds(Rows(made.frame.assign(label=pd.Series(["one"] * 30, dtype=object)), "text_label"))

"""What a study checks before its first trial: leaks of validation and test together, and which of the two it was."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hpo.checks.study import check_splits
from hpo.data.rows import Rows, Splits

Make = Callable[..., Rows]


def splits(make: Make, into_validation: int = 0, into_test: int = 0) -> Splits:
    """60 training rows, 20 of validation and 20 of test, so many of which are training rows."""
    train, validation, test = make(60), make(20, seed=1, prefix="v"), make(20, seed=2, prefix="t")
    for i in range(into_validation):
        validation.frame.loc[i, "text"] = train.frame.loc[i, "text"]
    for i in range(into_test):
        test.frame.loc[i, "text"] = train.frame.loc[i + 30, "text"].upper()
    return Splits(train, validation, test, tuple(sorted(set(train.frame["label"]))), "print")


def test_leaks_of_both_splits_count_together_and_say_where_they_lie(rows: Make) -> None:
    report = check_splits(splits(rows, 2, 3), {"max_leakage_ratio": 0.0}, "classification")
    assert report.check("leakage").value == pytest.approx(5 / 40)
    leaks = [(f.id, f.partner, f.partner_file) for f in report.findings if f.check == "leakage"]
    assert sorted(leaks) == sorted(
        [(f"r{i}", f"v{i}", "validation") for i in range(2)] + [(f"r{i + 30}", f"t{i}", "test") for i in range(3)]
    )
    assert not report.passed
    assert report.check("leakage").verdict == "failed"


def test_clean_splits_pass(rows: Make) -> None:
    report = check_splits(splits(rows), {"max_leakage_ratio": 0.0}, "classification")
    assert report.passed
    assert (report.against, report.against_rows, report.fingerprint) == ("validation and test", 40, "print")


def test_labels_that_are_not_learnt_are_not_checked(rows: Make) -> None:
    report = check_splits(splits(rows), {}, "language_modeling")
    assert report.check("class_balance").verdict == "not run"

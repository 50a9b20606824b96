"""Drift: moved words are found, rows of one source are not, and retraining is advised where labels show a loss."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hpo.checks.drift import Loss, drift, judge
from hpo.checks.drift_classifier import _held_out, _kernel
from hpo.checks.drift_features import classes_test, unseen_words
from hpo.data.rows import Rows
from hpo.errors import DataError

Make = Callable[..., Rows]


def bare(rows: Rows) -> Rows:
    """The rows without labels."""
    return Rows(rows.frame.drop(columns="label"), "text")


def worded(rows: Rows, old: str, new: str) -> Rows:
    return Rows(rows.frame.assign(text=[text.replace(old, new) for text in rows.frame["text"]]), rows.format)


def test_rows_of_the_same_source_have_not_moved(rows: Make) -> None:
    found = drift(rows(150, seed=1), bare(rows(150, seed=2)))
    assert found["verdict"] == "no drift"
    assert found["loss"] is None


def test_new_words_are_found_and_the_verdict_asks_for_labels(rows: Make) -> None:
    new = bare(worded(rows(150, seed=2), "the", "invoice"))
    found = drift(rows(150, seed=1), new)
    assert found["classifier"]["p_value"] == pytest.approx(1 / 1000)
    assert found["classifier"]["ci_low"] > 0.6
    assert found["verdict"] == "inputs moved"
    assert "quality unknown, label about" in found["sentence"]
    assert "invoice" in found["unlike"][0]["text"]


def test_labels_that_show_a_loss_advise_to_retrain(rows: Make) -> None:
    new = rows(150, seed=2)
    names = sorted(set(new.frame["label"]))
    turned = [names[(names.index(label) + 1) % 3] for label in new.frame["label"]]
    frame = new.frame.assign(label=pd.Series(turned, dtype=object))
    found = drift(rows(150, seed=1), Rows(frame, "text_label"))
    assert found["verdict"] == "retrain"
    assert found["loss"]["ci_high"] < 0


def test_a_changed_class_mix_is_found(rows: Make) -> None:
    new = rows(400, seed=2)
    kept = [i for i, label in enumerate(new.frame["label"]) if label != "food" or i % 5 == 0]
    found = drift(rows(200, seed=1), new.take(kept))
    classes = next(each for each in found["features"] if each["name"].startswith("classes"))
    assert classes["p_adjusted"] < 0.05
    assert classes["reference"] > classes["new"]
    assert found["verdict"] == "inputs moved"
    assert "no loss is shown" in found["sentence"]


def test_retraining_is_not_advised_without_a_loss() -> None:
    even = Loss(0.8, 0.79, -0.05, 0.03, 0.3)
    assert judge(True, ["words"], even, 100)[0] == "inputs moved"
    assert judge(True, ["words"], None, 100)[1].endswith("quality unknown, label about 100 rows to tell.")
    assert judge(False, [], Loss(0.8, 0.6, -0.3, -0.1, 0.001), 100)[0] == "retrain"
    # nor where a one-sided p is below .05 and the interval still reaches 0
    assert judge(False, [], Loss(0.8, 0.77, -0.062, 0.002, 0.033), 100)[0] == "no drift"


def test_a_known_row_is_held_against_the_others_alone() -> None:
    known, new = unseen_words(["red fox", "red hen"], ["red cat"], np.array([0, 1, 2]))
    assert known.tolist() == [0.5, 0.5]
    assert new.tolist() == [0.5]
    together, _ = unseen_words(["red fox", "red hen"], ["red cat"], np.array([0, 0, 2]))
    assert together.tolist() == [1.0, 1.0]


def test_one_decomposition_gives_what_refitting_on_the_other_folds_gives() -> None:
    """Ridge regression refitted without each fold, against the update that serves every permutation."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(["a1", "b2", "c3", "d4", "e5", "f6"], 5)) for _ in range(30)]
    kernel = _kernel(texts, rng.normal(size=(30, 3)))
    truth, fold = rng.integers(0, 2, 30).astype(float), np.arange(30) % 5
    hat = np.eye(30) - np.linalg.inv(kernel + np.eye(30))
    expected = np.empty(30)
    for one in range(5):
        held, rest = fold == one, fold != one
        weights = np.linalg.solve(kernel[np.ix_(rest, rest)] + np.eye(rest.sum()), truth[rest])
        expected[held] = kernel[np.ix_(held, rest)] @ weights
    assert _held_out(hat, truth[:, None], fold)[:, 0] == pytest.approx(expected)


def test_the_test_of_classes_is_that_of_chi_squared_where_rows_are_alone() -> None:
    from scipy.stats import chi2_contingency, fisher_exact

    labels = (["a"] * 30 + ["b"] * 20, ["a"] * 10 + ["b"] * 25)
    statistic, p = classes_test(labels, (np.arange(50), np.arange(35)), 5000, 0)
    table = [[30, 20], [10, 25]]
    assert statistic == pytest.approx(chi2_contingency(table, correction=False).statistic)
    assert p == pytest.approx(fisher_exact(table).pvalue, abs=0.003)  # with given margins, as permutations have them


def test_classes_of_large_clusters_need_more_to_be_called_moved() -> None:
    labels = (["a"] * 30 + ["b"] * 20, ["a"] * 10 + ["b"] * 25)
    _, alone = classes_test(labels, (np.arange(50), np.arange(35)), 2000, 0)
    _, tied = classes_test(labels, (np.arange(50) // 10, np.arange(35) // 7), 2000, 0)
    assert alone < 0.02 < tied


def test_too_few_rows_are_refused(rows: Make) -> None:
    with pytest.raises(DataError, match="drift needs 20 rows"):
        drift(rows(100), rows(19))

"""The classical objectives under preparation: class weights, fractions, transforms, selected features."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpo.config.preparation import PreparationConfig
from hpo.data.rows import Rows
from hpo.errors import TrialFailure
from hpo.objective import Progress, Task, Trial
from hpo.objectives import sklearn_classifier, sklearn_regressor

NOISE = ["the", "of", "and", "a", "very", "old", "new", "small", "red", "two"]
TELLING = {"rare": "violin choir chord", "usual": "horse cow goat"}


def rows(n: int, seed: int, rare: int = 6) -> Rows:
    """Labelled texts in markup, one in ``rare`` of the rare class; a third of them tell nothing."""
    draw = np.random.default_rng(seed)
    labels = ["rare" if i % rare == 0 else "usual" for i in range(n)]
    told = [draw.choice(TELLING[label].split(), 1 if draw.random() < 0.67 else 0) for label in labels]
    texts = [f"<b>{' '.join([*words, *draw.choice(NOISE, 6)])}</b>".upper() for words in told]
    frame = pd.DataFrame({"id": [f"{seed}-{i}" for i in range(n)], "text": texts, "label": labels}, dtype=object)
    return Rows(frame, "text_label")


def task(**changes: Any) -> Task:
    return Task("classification", train=rows(240, 0), validation=rows(90, 1), labels=("rare", "usual"), **changes)


def fitted(given: Task, folder: Path, **params: Any) -> Progress:
    (progress,) = sklearn_classifier.open_objective(given).train(Trial(0, params, seed=7, folder=folder))
    return progress


def test_balanced_classes_weigh_as_in_scikit_learn(tmp_path: Path) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    given = task()
    found = fitted(given, tmp_path, class_weights="balanced", sublinear_tf=False).outputs
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10.0, max_iter=1000, class_weight="balanced"))
    pipeline.fit(given.train.frame["text"], given.train.frame["label"])
    np.testing.assert_allclose(found.probabilities, pipeline.predict_proba(given.validation.frame["text"]), atol=1e-7)


def test_weights_find_more_of_the_rare_class(tmp_path: Path) -> None:
    given = task()
    truth = given.validation.frame["label"].to_numpy() == "rare"
    recalled = [
        float((fitted(given, tmp_path, class_weights=scheme).outputs.prediction == "rare")[truth].mean())
        for scheme in ("none", "sqrt_balanced", "balanced")
    ]
    assert recalled == sorted(recalled)
    assert recalled[0] < recalled[2]


def test_a_saved_model_transforms_what_it_predicts(tmp_path: Path) -> None:
    given = task(preparation=PreparationConfig(strategies={"clean": ("strip_html", "lowercase")}))
    progress = fitted(given, tmp_path, preprocessing="clean", analyzer="char_wb", ngram_max=3)
    progress.save(tmp_path / "artifact")
    kept = json.loads((tmp_path / "artifact/text.json").read_text())
    assert kept["transforms"] == ["strip_html", "lowercase"]
    assert not any("<" in term for term in kept["vocabulary"])
    again = sklearn_classifier.open_objective(task()).predict(tmp_path / "artifact", given.validation)
    np.testing.assert_array_equal(again.probabilities, progress.outputs.probabilities)
    marked = fitted(given, tmp_path, analyzer="char_wb", ngram_max=3).outputs
    assert np.abs(marked.probabilities - progress.outputs.probabilities).max() > 1e-6


def test_a_model_saved_before_there_were_transforms_still_predicts(tmp_path: Path) -> None:
    progress = fitted(task(), tmp_path)
    progress.save(tmp_path / "artifact")
    kept = json.loads((tmp_path / "artifact/text.json").read_text())
    del kept["transforms"]
    (tmp_path / "artifact/text.json").write_text(json.dumps(kept))
    again = sklearn_classifier.open_objective(task()).predict(tmp_path / "artifact", task().validation)
    np.testing.assert_array_equal(again.probabilities, progress.outputs.probabilities)


def test_a_fraction_is_of_the_rows_and_they_are_scored_alone(tmp_path: Path) -> None:
    progress = fitted(task(), tmp_path, train_fraction=0.25)
    assert progress.examples == progress.measurements["train_rows"] == 60
    assert len(progress.train_outputs().ids) == 60
    smaller = fitted(task(), tmp_path, train_fraction=0.1)
    assert set(smaller.train_outputs().ids) < set(progress.train_outputs().ids)


@pytest.mark.parametrize("select", ["chi2", "mutual_info"])
def test_selected_features_are_those_that_tell(select: str, tmp_path: Path) -> None:
    progress = fitted(task(), tmp_path, select=select, select_k=6)
    progress.save(tmp_path / "artifact")
    kept = json.loads((tmp_path / "artifact/text.json").read_text())
    assert set(kept["vocabulary"]) == {"violin", "choir", "chord", "horse", "cow", "goat"}
    again = sklearn_classifier.open_objective(task()).predict(tmp_path / "artifact", task().validation)
    np.testing.assert_array_equal(again.probabilities, progress.outputs.probabilities)
    assert progress.measurements["trainable_parameters"] == 2 * (6 + 1)


@pytest.mark.parametrize(
    ("params", "said"), [({"select": "anova"}, "not 'anova'"), ({"select": "chi2", "select_k": 0}, "at least 1")]
)
def test_a_selection_that_is_none_fails_the_trial_with_a_sentence(
    params: dict[str, Any], said: str, tmp_path: Path
) -> None:
    with pytest.raises(TrialFailure, match=said):
        fitted(task(), tmp_path, **params)


def test_a_regression_is_prepared_too(tmp_path: Path) -> None:
    def numbers(given: Rows) -> Rows:
        return Rows(given.frame.assign(label=[float(len(t)) for t in given.frame["text"]]), "text_label")

    train = numbers(rows(120, 0))
    train.frame.loc[5, "label"] = 1e6
    given = Task("regression", train=train, validation=numbers(rows(30, 1)))
    prepared = Task(
        "regression", train=train, validation=given.validation, preparation=PreparationConfig(outliers="target")
    )
    errors, counts = [], []
    for each in (given, prepared):
        (progress,) = sklearn_regressor.open_objective(each).train(
            Trial(0, {"preprocessing": ["strip_html"], "train_fraction": 0.9}, seed=7, folder=tmp_path)
        )
        errors.append(np.abs(progress.outputs.prediction - given.validation.frame["label"].to_numpy(float)).mean())
        counts.append(progress.measurements["train_rows"])
    assert counts == [108, 107]
    assert errors[1] < 5 < errors[0]

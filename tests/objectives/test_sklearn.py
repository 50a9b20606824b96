"""The classical objectives, fitted for real on small made-up text."""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows
from hpo.errors import ModelError, ObjectiveError, TrialFailure
from hpo.evaluators.score import Scorecard
from hpo.objective import Objective, Task, Trial

WORDS = {
    "animal": "horse cow goat barn feather hoof meadow",
    "music": "violin choir chord tempo opera drum melody",
    "weather": "storm rain thunder cloud frost breeze drizzle",
}
NOISE = ["the", "of", "and", "a", "very", "old", "new", "small", "red", "two"]


def made_up(n, seed, labels=tuple(WORDS)):
    """Texts of ten words: three of the label's, the rest noise. Targets count the words of music."""
    rng = np.random.default_rng(seed)
    chosen = [labels[i % len(labels)] for i in range(n)]
    texts = [" ".join([*rng.choice(WORDS[label].split(), 3), *rng.choice(NOISE, 7)]) for label in chosen]
    return pd.DataFrame({"id": [f"{seed}-{i}" for i in range(n)], "text": texts, "label": chosen})


def rows_of(frame):
    return Rows(frame, "text_label")


def classification(labels=tuple(WORDS), **changes):
    train, validation = rows_of(made_up(60, 0, labels)), rows_of(made_up(30, 1, labels))
    return Task("classification", train=train, validation=validation, labels=tuple(sorted(labels)), **changes)


def regression():
    def targets(frame):
        return rows_of(frame.assign(label=[float(sum(w in WORDS["music"] for w in t.split())) for t in frame["text"]]))

    return Task("regression", train=targets(made_up(90, 0)), validation=targets(made_up(30, 1)))


TASKS = {"sklearn_classifier": classification, "sklearn_regressor": regression}


def opened(name, task):
    return importlib.import_module(f"hpo.objectives.{name}").open_objective(task)


def trained(objective, folder, **params):
    (progress,) = list(objective.train(Trial(0, params, seed=7, folder=folder)))
    return progress


@pytest.fixture(params=sorted(TASKS))
def name(request):
    return request.param


def test_it_is_an_objective_and_says_what_it_takes(name):
    module = importlib.import_module(f"hpo.objectives.{name}")
    assert isinstance(opened(name, TASKS[name]()), Objective)
    assert module.NEEDS_MODEL is False
    assert list(module.TASKS) == [TASKS[name]().kind]
    assert {"ngram_max", "min_df", "max_features", "sublinear_tf", "analyzer"} < set(module.PARAMETERS)


def test_without_any_parameter_it_learns_and_tells_what_it_took(name, tmp_path):
    task = TASKS[name]()
    progress = trained(opened(name, task), tmp_path)
    assert (progress.examples, progress.fraction) == (len(task.train), 1.0)
    assert progress.outputs.ids.tolist() == task.validation.ids.tolist()
    words = [word for text in task.train.frame["text"] for word in text.split() if len(word) > 1]
    assert progress.measurements["train_tokens"] == len(words)
    classes = 3 if task.labels else 1
    assert progress.measurements["trainable_parameters"] == classes * (len(set(words)) + 1)
    scored = Scorecard(task.kind, task.labels).score(task.validation, progress.outputs)
    assert scored.metrics["accuracy" if task.labels else "r2"] > 0.6


def test_a_saved_model_predicts_exactly_what_the_run_predicted(name, tmp_path):
    task = TASKS[name]()
    progress = trained(opened(name, task), tmp_path, ngram_max=2, analyzer="char_wb", max_features=200)
    progress.save(tmp_path / "artifact")
    again = opened(name, task).predict(tmp_path / "artifact", task.validation)
    assert again.prediction.tolist() == progress.outputs.prediction.tolist()
    if task.labels:
        np.testing.assert_array_equal(again.probabilities, progress.outputs.probabilities)


def test_nothing_saved_is_a_pickle(name, tmp_path):
    trained(opened(name, TASKS[name]()), tmp_path).save(tmp_path / "artifact")
    assert sorted(file.name for file in (tmp_path / "artifact").iterdir()) == ["arrays.npz", "text.json"]
    with np.load(tmp_path / "artifact" / "arrays.npz", allow_pickle=False) as arrays:
        assert {key: arrays[key].dtype.kind for key in arrays} == {"idf": "f", "coef": "f", "intercept": "f"}


def test_the_same_trial_twice_is_the_same(name, tmp_path):
    task = TASKS[name]()
    first, second = (trained(opened(name, task), tmp_path).outputs.prediction.tolist() for _ in range(2))
    assert first == second


def test_settings_of_other_methods_are_passed_over(name, tmp_path):
    task = TASKS[name]()
    plain = trained(opened(name, task), tmp_path).outputs.prediction.tolist()
    assert trained(opened(name, task), tmp_path, learning_rate=1.0, lora_rank=8).outputs.prediction.tolist() == plain


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"min_df": 1000}, "min_df=1000.* cannot be fitted on"),
        ({"ngram_max": 0}, "ngram_max=0"),
        ({"analyzer": "no such"}, "analyzer=no such"),
    ],
)
def test_settings_that_cannot_work_fail_the_trial_with_a_sentence(name, params, said, tmp_path):
    with pytest.raises(TrialFailure, match=said) as failure:
        trained(opened(name, TASKS[name]()), tmp_path, **params)
    assert failure.value.reason == "exception"


@pytest.mark.parametrize("content", [{}, {"text.json": "{}"}, {"text.json": "not json"}])
def test_a_folder_that_is_no_model_is_refused(name, content, tmp_path):
    for file, text in content.items():
        (tmp_path / file).write_text(text)
    task = TASKS[name]()
    with pytest.raises(ModelError, match="not a TF-IDF model"):
        opened(name, task).predict(tmp_path, task.validation)


def test_without_rows_it_cannot_be_opened(name):
    with pytest.raises(ObjectiveError, match="needs training rows"):
        opened(name, Task(TASKS[name]().kind))


def test_it_cannot_tell_its_memory_and_holds_nothing(name):
    objective = opened(name, TASKS[name]())
    assert objective.probe({}) is None
    objective.close()


@pytest.mark.parametrize("labels", [("animal", "music"), tuple(WORDS)])
def test_probabilities_sum_to_one_and_stand_in_the_order_of_the_labels(labels, tmp_path):
    task = classification(labels)
    outputs = trained(opened("sklearn_classifier", task), tmp_path).outputs
    assert outputs.labels == task.labels
    np.testing.assert_allclose(outputs.probabilities.sum(axis=1), 1)
    likeliest = [task.labels[column] for column in outputs.probabilities.argmax(axis=1)]
    assert likeliest == outputs.prediction.tolist()
    truth = task.validation.frame["label"]
    assert np.mean(outputs.prediction == truth.to_numpy(dtype=object)) > 0.9


@pytest.mark.parametrize("labels", [("animal", "music"), tuple(WORDS)])
def test_probabilities_are_those_of_scikit_learn(labels, tmp_path):
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    task = classification(labels)
    outputs = trained(opened("sklearn_classifier", task), tmp_path, C=3.0, sublinear_tf=False).outputs
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(C=3.0, max_iter=1000))
    pipeline.fit(task.train.frame["text"], task.train.frame["label"])
    expected = pipeline.predict_proba(task.validation.frame["text"])
    np.testing.assert_allclose(outputs.probabilities, expected, rtol=1e-9, atol=1e-12)


def test_a_class_without_training_rows_is_never_predicted(tmp_path):
    task = classification(("animal", "music"))
    wider = Task("classification", train=task.train, validation=task.validation, labels=("animal", "fruit", "music"))
    outputs = trained(opened("sklearn_classifier", wider), tmp_path).outputs
    assert outputs.probabilities.shape == (30, 3)
    assert outputs.probabilities[:, 1].tolist() == [0.0] * 30
    np.testing.assert_array_equal(
        outputs.prediction, trained(opened("sklearn_classifier", task), tmp_path).outputs.prediction
    )


def test_one_class_alone_fails_the_trial(tmp_path):
    task = classification(("animal", "music"))
    alone = Task("classification", train=task.train.take([0, 2, 4]), validation=task.validation, labels=task.labels)
    with pytest.raises(TrialFailure, match="class"):
        trained(opened("sklearn_classifier", alone), tmp_path)


def test_the_base_of_a_classification_is_the_commonest_class():
    task = classification()
    most = task.train.take([0, 1, 2, 4, 7])  # animal, music, weather, music, music
    base = opened("sklearn_classifier", Task("classification", train=most, labels=task.labels))
    outputs = base.predict(None, task.validation)
    assert set(outputs.prediction) == {"music"}
    assert outputs.probabilities[0].tolist() == [0.2, 0.6, 0.2]


def test_the_base_of_a_regression_is_the_mean():
    task = regression()
    outputs = opened("sklearn_regressor", task).predict(None, task.validation)
    assert set(outputs.prediction) == {task.train.frame["label"].mean()}


def test_importing_them_loads_nothing_heavy():
    code = (
        "import sys, hpo.objectives.sklearn_classifier, hpo.objectives.sklearn_regressor;"
        "print([m for m in ('pandas', 'sklearn', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_they_are_found_by_name():
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group="hpo.objectives")}
    assert {"sklearn_classifier", "sklearn_regressor"} <= set(found)
    assert Path(found["sklearn_classifier"].load().__file__).name == "sklearn_classifier.py"

"""TF-IDF with logistic regression: the classical baseline of a classification study, and a quick objective itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.prepared import DEFAULTS, Preparer
from hpo.data.rows import Rows
from hpo.data.sample import training_sample
from hpo.errors import ObjectiveError
from hpo.objective import Footprint, Outputs, Progress, Task, Trial

from . import tfidf

TASKS = ("classification",)
NEEDS_MODEL = False
PARAMETERS: Mapping[str, Any] = {
    "C": 10.0,  # inverse strength of the L2 penalty; scikit-learn's 1 is too strong for unit-length rows
    **tfidf.FEATURES,
    **tfidf.SELECTION,
    **DEFAULTS,
}


class SklearnClassifier:
    """Fits once on all training rows; one evaluation at the end."""

    def __init__(self, task: Task) -> None:
        if task.train is None or not task.labels:
            raise ObjectiveError(
                "sklearn_classifier needs training rows with labels", hint="set task: classification and data"
            )
        self._labels = task.labels
        self._validation, self._seed = task.validation, task.seed
        self._prepare = Preparer(task.train, task.preparation, task.seed)
        self._index = {label: code for code, label in enumerate(task.labels)}

    def train(self, trial: Trial) -> Iterator[Progress]:
        """One fit; settings that ``trial.params`` does not name are those of PARAMETERS.

        Raises:
            TrialFailure: scikit-learn refuses the settings.
        """
        from sklearn.linear_model import LogisticRegression

        chosen, data = tfidf.settings(PARAMETERS, trial.params), self._prepare(trial.params)
        weights = data.class_weights(self._labels)
        estimator = LogisticRegression(
            C=chosen["C"],
            class_weight=None if weights is None else dict(enumerate(weights.tolist())),
            max_iter=1000,
            random_state=trial.seed,
        )
        texts = data.train.frame["text"].tolist()
        model = tfidf.fit(texts, self._codes(data.train), estimator, chosen)
        model = _over_all_classes(model, estimator.classes_, len(self._labels))
        model = replace(model, transforms=data.preparation.texts)
        sample = None if self._validation is None else training_sample(data.given, self._validation, self._seed)
        yield Progress(
            examples=len(texts),
            fraction=1.0,
            outputs=None if self._validation is None else self._outputs(model, self._validation),
            measurements={
                "trainable_parameters": model.parameters,
                "train_tokens": tfidf.count_words(texts),
                "train_rows": len(texts),
            },
            save=model.save,
            train_outputs=None if sample is None else lambda: self._outputs(model, sample),
        )

    def predict(self, artifact: Path | None, rows: Rows) -> Outputs:
        """Predict with a saved model; without one, the shares of the classes among the training rows.

        Raises:
            ModelError: the artifact is no model of this kind.
        """
        if artifact is not None:
            return self._outputs(tfidf.LinearText.load(artifact), rows)
        codes = self._codes(self._prepare.train)
        shares = np.bincount(codes, minlength=len(self._labels)) / len(codes)
        return self._answer(rows, np.tile(shares, (len(rows), 1)))

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Not predicted: a linear model fits anywhere."""
        return None

    def close(self) -> None:
        """Nothing is held."""

    def _codes(self, rows: Rows) -> NDArray[np.int64]:
        return np.array([self._index[str(label)] for label in rows.frame["label"]], dtype=np.int64)

    def _outputs(self, model: tfidf.LinearText, rows: Rows) -> Outputs:
        return self._answer(rows, _softmax(model.scores(rows.frame["text"].tolist())))

    def _answer(self, rows: Rows, probabilities: NDArray[np.float64]) -> Outputs:
        names = np.array(self._labels, dtype=object)
        return Outputs(rows.ids, names[probabilities.argmax(axis=1)], probabilities, self._labels)


def _over_all_classes(model: tfidf.LinearText, classes: NDArray[np.int64], k: int) -> tfidf.LinearText:
    """One output a class of the task: two classes share one output, a class without training rows has none."""
    coef, intercept = np.zeros((k, model.coef.shape[1])), np.full(k, -np.inf)
    intercept[classes] = 0.0
    fitted = classes if len(model.intercept) > 1 else classes[1:]
    coef[fitted], intercept[fitted] = model.coef, model.intercept
    return replace(model, coef=coef, intercept=intercept)


def _softmax(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), dtype=np.float64)


def open_objective(task: Task) -> SklearnClassifier:
    """The objective for a task.

    Raises:
        ObjectiveError: the task has no training rows or no labels.
    """
    return SklearnClassifier(task)

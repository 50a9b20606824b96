"""TF-IDF with ridge regression: the classical baseline of a regression study, and a quick objective itself."""

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

TASKS = ("regression",)
NEEDS_MODEL = False
PARAMETERS: Mapping[str, Any] = {
    "alpha": 1.0,  # strength of the L2 penalty
    **tfidf.FEATURES,
    **{name: value for name, value in DEFAULTS.items() if name != "class_weights"},
}


class SklearnRegressor:
    """Fits once on all training rows; one evaluation at the end."""

    def __init__(self, task: Task) -> None:
        if task.train is None:
            raise ObjectiveError("sklearn_regressor needs training rows", hint="set task: regression and data")
        self._validation, self._seed = task.validation, task.seed
        self._prepare = Preparer(task.train, task.preparation, task.seed)

    def train(self, trial: Trial) -> Iterator[Progress]:
        """One fit; settings that ``trial.params`` does not name are those of PARAMETERS.

        Raises:
            TrialFailure: scikit-learn refuses the settings.
        """
        from sklearn.linear_model import Ridge

        chosen, data = tfidf.settings(PARAMETERS, trial.params), self._prepare(trial.params)
        estimator = Ridge(alpha=chosen["alpha"], random_state=trial.seed)
        texts = data.train.frame["text"].tolist()
        model = replace(tfidf.fit(texts, _targets(data.train), estimator, chosen), transforms=data.preparation.texts)
        sample = None if self._validation is None else training_sample(data.given, self._validation, self._seed)
        yield Progress(
            examples=len(texts),
            fraction=1.0,
            outputs=None if self._validation is None else _outputs(model, self._validation),
            measurements={
                "trainable_parameters": model.parameters,
                "train_tokens": tfidf.count_words(texts),
                "train_rows": len(texts),
            },
            save=model.save,
            train_outputs=None if sample is None else lambda: _outputs(model, sample),
        )

    def predict(self, artifact: Path | None, rows: Rows) -> Outputs:
        """Predict with a saved model; without one, the mean of the training targets.

        Raises:
            ModelError: the artifact is no model of this kind.
        """
        if artifact is not None:
            return _outputs(tfidf.LinearText.load(artifact), rows)
        return Outputs(rows.ids, np.full(len(rows), _targets(self._prepare.train).mean()))

    def probe(self, params: Mapping[str, Any]) -> Footprint | None:
        """Not predicted: a linear model fits anywhere."""
        return None

    def close(self) -> None:
        """Nothing is held."""


def _targets(rows: Rows) -> NDArray[np.float64]:
    return rows.frame["label"].to_numpy(dtype=np.float64)


def _outputs(model: tfidf.LinearText, rows: Rows) -> Outputs:
    return Outputs(rows.ids, model.scores(rows.frame["text"].tolist())[:, 0])


def open_objective(task: Task) -> SklearnRegressor:
    """The objective for a task.

    Raises:
        ObjectiveError: the task has no training rows.
    """
    return SklearnRegressor(task)

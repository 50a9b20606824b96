"""TF-IDF features with a linear layer on top: what classifier and regressor share, and how it is kept on disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.features import best_features
from hpo.data.transforms import apply
from hpo.errors import ModelError, TrialFailure

FEATURES: Mapping[str, Any] = {
    "ngram_max": 1,  # n-grams of 1 to so many words (or characters)
    "min_df": 1,  # rows that an n-gram must occur in
    "max_features": None,  # so many of the most frequent n-grams; None: all
    "sublinear_tf": True,  # 1 + log(count) instead of the count
    "analyzer": "word",  # word, or char_wb: characters within words
}
SELECTION: Mapping[str, Any] = {
    "select": "none",  # of the n-grams: chi2 or mutual_info, by their presence in rows of each class; none: all
    "select_k": 20_000,  # n-grams that a selection keeps
}
FILES = "text.json", "arrays.npz"


def settings(defaults: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, Any]:
    """The defaults, overridden by those of ``params`` that are among them."""
    return {name: params.get(name, default) for name, default in defaults.items()}


def vectorizer(chosen: Mapping[str, Any], vocabulary: Mapping[str, int] | None = None) -> Any:
    """A scikit-learn TfidfVectorizer with these settings."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(
        ngram_range=(1, chosen["ngram_max"]),
        min_df=chosen["min_df"],
        max_features=chosen["max_features"],
        sublinear_tf=chosen["sublinear_tf"],
        analyzer=chosen["analyzer"],
        vocabulary=vocabulary,
    )


@dataclass(frozen=True)
class LinearText:
    """A fitted model: scores = TF-IDF(text) @ coef.T + intercept.

    Attributes:
        chosen: the settings of FEATURES it was fitted with.
        vocabulary: n-gram to column.
        idf: inverse document frequencies, shape (columns,).
        coef: shape (outputs, columns).
        intercept: shape (outputs,).
        transforms: of a text, before it is read.
    """

    chosen: Mapping[str, Any]
    vocabulary: Mapping[str, int]
    idf: NDArray[np.float64]
    coef: NDArray[np.float64]
    intercept: NDArray[np.float64]
    transforms: tuple[str, ...] = ()

    @cached_property
    def _vectorizer(self) -> Any:
        made = vectorizer(self.chosen, self.vocabulary)
        made.idf_ = self.idf
        return made

    def scores(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Scores of each text, shape (n, outputs)."""
        given = apply(self.transforms, texts)
        return np.asarray(self._vectorizer.transform(given) @ self.coef.T + self.intercept, dtype=np.float64)

    @property
    def parameters(self) -> int:
        """How many numbers were fitted to the targets."""
        return self.coef.size + self.intercept.size

    def save(self, folder: Path) -> None:
        """Write settings and vocabulary as JSON, arrays as NPZ: nothing that runs when it is read."""
        text, arrays = FILES
        folder.mkdir(parents=True, exist_ok=True)
        (folder / text).write_text(
            json.dumps({"settings": self.chosen, "vocabulary": self.vocabulary, "transforms": self.transforms}),
            encoding="utf-8",
        )
        np.savez(folder / arrays, idf=self.idf, coef=self.coef, intercept=self.intercept)

    @classmethod
    def load(cls, folder: Path) -> LinearText:
        """Read what ``save`` wrote.

        Raises:
            ModelError: the folder holds no such model.
        """
        text, arrays = FILES
        try:
            read = json.loads((folder / text).read_text(encoding="utf-8"))
            with np.load(folder / arrays, allow_pickle=False) as kept:
                fitted = (kept["idf"], kept["coef"], kept["intercept"])
                return cls(read["settings"], read["vocabulary"], *fitted, tuple(read.get("transforms", ())))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelError(
                f"not a TF-IDF model: {type(error).__name__}: {error}",
                where=str(folder),
                hint=f"the folder must hold {text} and {arrays} as written by a trial",
            ) from None


def fit(texts: Sequence[str], targets: NDArray[Any], estimator: Any, chosen: Mapping[str, Any]) -> LinearText:
    """Fit features and the estimator (which gains ``coef_`` and ``intercept_``) once.

    Raises:
        TrialFailure: scikit-learn refuses the combination of settings.
    """
    made = vectorizer(chosen)
    try:
        matrix = made.fit_transform(texts)
        if chosen.get("select", "none") != "none":
            made = _selected(made, best_features(matrix, targets, chosen["select"], chosen["select_k"]))
            matrix = made.transform(texts)  # rows of unit length over the n-grams that stay, as in predictions
        estimator.fit(matrix, targets)
    except ValueError as error:  # an empty vocabulary, a setting out of range, a single class
        shown = ", ".join(f"{name}={value}" for name, value in chosen.items())
        raise TrialFailure(
            "exception", f"TF-IDF with {shown} cannot be fitted on {len(texts)} rows: {error}"
        ) from error
    return LinearText(
        chosen={name: chosen[name] for name in FEATURES},
        vocabulary={term: int(position) for term, position in made.vocabulary_.items()},
        idf=np.asarray(made.idf_, dtype=np.float64),
        coef=np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64)),
        intercept=np.atleast_1d(np.asarray(estimator.intercept_, dtype=np.float64)),
    )


def _selected(made: Any, columns: NDArray[np.int64]) -> Any:
    """The vectorizer with the n-grams at ``columns`` alone."""
    terms = made.get_feature_names_out()[columns]
    smaller = vectorizer(
        {name: made.get_params()[name] for name in FEATURES if name != "ngram_max"}
        | {"ngram_max": made.ngram_range[1]},
        {term: position for position, term in enumerate(terms)},
    )
    smaller.idf_ = made.idf_[columns]
    return smaller


def count_words(texts: Sequence[str]) -> int:
    """Words of two letters and more in all texts: the work done, whatever the n-grams."""
    words = vectorizer(FEATURES).build_tokenizer()
    return sum(len(words(text)) for text in texts)

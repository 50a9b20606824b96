"""Label noise: rows whose label a model that has not seen them contradicts, and how many labels are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo import seeds
from hpo.checks.options import quiet
from hpo.checks.out_of_fold import Floats, Ints, Learner, codes, label_list, make_folds, predict
from hpo.checks.values import Check, CheckVerdict, Finding
from hpo.data.rows import Rows
from hpo.evaluators.content import asked as questions
from hpo.statistics.intervals import proportion
from hpo.statistics.values import DEFAULT, Estimate, Settings, finite

FOLDS = 20  # each model learns from 95 % of the rows
REPEATS = 3  # different folds, whose scores are added
LARGE = 20_000  # rows from which on one repeat of ten folds is as good, and ten times as fast
SURE = 0.2  # share of the rows of each predicted class of which the model is surest
RANKED = 1_000  # rows in the report
AT_LEAST = 10  # rows worth a look, however low the estimate
WHAT = (
    "estimated share of wrong labels; the rows found are those worth reading: contradicted ones, at most twice as many"
    f" as labels may be wrong by the upper end of the interval, or {AT_LEAST} if that is more"
)


@dataclass(frozen=True)
class Noise:
    """Label noise of n rows.

    Attributes:
        margin: score of the row's own label minus that of the best other one, shape (n,); below 0: contradicted.
        suggested: the best other label's code, shape (n,).
        estimate: share of wrong labels.
        labels: class names by code.
        method: how it was found, in words.
    """

    margin: Floats
    suggested: Ints
    estimate: Estimate
    labels: tuple[str, ...]
    method: str

    def order(self) -> Ints:
        """Positions of the rows, the most contradicted first."""
        return np.argsort(self.margin, kind="stable").astype(np.int64)

    def suspects(self) -> Ints:
        """Positions of the rows worth reading, the most contradicted first.

        A model contradicts hard rows as well as wrong labels, so that most contradicted rows of a clean file are right.
        With at most h of the labels wrong (the upper end of the interval), nearly all of those that can be found stand
        in the first 2 h n.
        """
        most = max(AT_LEAST, math.ceil(2 * len(self.margin) * self.estimate.high))
        return self._contradicted()[:most]

    def check(self) -> Check:
        """The estimate, and how many rows are worth reading."""
        rows, estimate = len(self.suspects()), self.estimate
        verdict: CheckVerdict = "look" if rows else "ok"
        return Check("label_noise", estimate.value, estimate.low, estimate.high, rows, verdict, WHAT)

    def findings(self, rows: Rows, texts: Sequence[str]) -> list[Finding]:
        """The rows worth reading, as findings of the check."""
        found = []
        for row in map(int, self.suspects()):
            told = self._told(row, rows, texts)
            evidence = {name: told[name] for name in ("suggested", "margin")}
            found.append(Finding("label_noise", told["id"], evidence=evidence, text=told["text"], label=told["label"]))
        return found

    def as_dict(self, rows: Rows, texts: Sequence[str]) -> dict[str, Any]:
        """For ``--json``: the estimate and all contradicted rows, the surest first."""
        return {
            "estimate": finite(self.estimate.value),
            "ci_low": finite(self.estimate.low),
            "ci_high": finite(self.estimate.high),
            "method": f"{self.method}; all contradicted rows are listed: the first {len(self.suspects()):,} are worth"
            " reading, those after them are more likely hard than wrong",
            "ranked": [self._told(int(row), rows, texts) for row in self._contradicted()[:RANKED]],
        }

    def _contradicted(self) -> Ints:
        order = self.order()
        return order[self.margin[order] < 0]

    def _told(self, row: int, rows: Rows, texts: Sequence[str]) -> dict[str, Any]:
        return {
            "id": str(rows.ids[row]),
            "label": str(rows.frame["label"].iloc[row]),
            "suggested": self.labels[self.suggested[row]],
            "margin": float(self.margin[row]),
            "text": texts[row],
        }


def label_noise(
    rows: Rows, learner: Learner | None = None, settings: Settings = DEFAULT, progress: Callable[[str], None] = quiet
) -> Noise:
    """Rank rows by how clearly their label is contradicted out of fold, and estimate the share of wrong labels.

    Copies are never in two folds, so that a wrong label is not confirmed by its own copy. Rows of one group may be:
    what siblings are labelled is evidence.

    Args:
        rows: n rows with classes.
        learner: the tuned model; None: complement naive Bayes on words, pairs of words and pieces of words.
        settings: confidence, seed.
        progress: told what is being done.

    Raises:
        DataError: the rows have no classes, or cannot be divided into folds.
    """
    labels = label_list(rows)
    own = codes(rows, labels)
    scores = _bayes_scores(rows, own, settings.seed, progress) if learner is None else _scores(rows, learner, settings)
    name = "complement naive Bayes on words, word pairs and pieces of words" if learner is None else learner.name
    margin, suggested = margins(scores, own)
    return Noise(
        margin,
        suggested,
        noise_rate(scores, own, settings),
        labels,
        f"out-of-fold scores of {name}, ranked by margin; the share is that of contradicted labels among the"
        f" {SURE:.0%} of each predicted class of which the model is surest",
    )


def margins(scores: Floats, own: Ints) -> tuple[Floats, Ints]:
    """Score of the own label minus the best other one, shape (n,), and which that is, shape (n,)."""
    others = scores.copy()
    others[np.arange(len(own)), own] = -np.inf
    best = others.argmax(axis=1).astype(np.int64)
    return scores[np.arange(len(own)), own] - others[np.arange(len(own)), best], best


def noise_rate(scores: Floats, own: Ints, settings: Settings = DEFAULT) -> Estimate:
    """Share of wrong labels, with Wilson's interval, from the rows of which the model is surest.

    Where a class is beyond doubt, a label that contradicts it is wrong: the observed disagreement there estimates the
    noise rate, if labels are wrong as often on clear rows as on others (anchor points; Liu and Tao 2016, section 4.1).
    Rows are taken by how far the best class lies above the second, which does not look at the label, the same share of
    every predicted class. What doubt is left among them is counted as noise, so that the estimate is on the high side
    where classes overlap.

    Args:
        scores: out-of-fold scores, shape (n, k), in any unit that can be compared between rows.
        own: code of each row's label, shape (n,).
        settings: confidence.
    """
    ordered = np.sort(scores, axis=1)
    gap, predicted = ordered[:, -1] - ordered[:, -2], scores.argmax(axis=1)
    sure = np.zeros(len(own), dtype=bool)
    for one in np.unique(predicted):
        there = np.flatnonzero(predicted == one)
        sure[there[np.argsort(-gap[there], kind="stable")[: max(1, round(SURE * len(there)))]]] = True
    wrong = int((predicted[sure] != own[sure]).sum())
    return proportion(wrong, int(sure.sum()), settings)


def _scores(rows: Rows, learner: Learner, settings: Settings) -> Floats:
    """Log-probabilities of a learner on the usual folds, shape (n, k)."""
    fold = make_folds(rows, seed=settings.seed, grouped=False)
    return np.log(np.maximum(predict(rows, fold, settings.seed, learner), 1e-12))


def _bayes_scores(rows: Rows, own: Ints, seed: int, progress: Callable[[str], None]) -> Floats:
    features = _features(questions(rows))
    folds, repeats = (10, 1) if len(rows) > LARGE else (FOLDS, REPEATS)
    total = np.zeros((len(rows), int(own.max()) + 1))
    for repeat in range(repeats):
        fold = make_folds(rows, folds, seeds.derive(seed, repeat, "noise"), grouped=False)
        for one in np.unique(fold):
            progress(f"label noise: fold {int(one) + 1 + repeat * folds} of {repeats * folds}")
            held = fold == one
            total[held] += _bayes(features[~held], own[~held], features[held], total.shape[1])
    return total


def _features(texts: Sequence[str]) -> Any:
    """TF-IDF of words and word pairs, and of pieces of two to five letters, side by side, shape (n, columns)."""
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b")
    pieces = TfidfVectorizer(sublinear_tf=True, analyzer="char_wb", ngram_range=(2, 5), min_df=2)
    return hstack([each.fit_transform(texts) for each in (words, pieces)]).tocsr()


def _bayes(learnt: Any, own: Ints, held: Any, k: int) -> NDArray[np.float64]:
    """Scores by complement naive Bayes (Rennie et al. 2003, 3.2), shape (m, k); the least for unseen classes."""
    from sklearn.naive_bayes import ComplementNB

    model = ComplementNB(alpha=0.3).fit(learnt, own)
    found = model.predict_joint_log_proba(held)
    scores = np.full((held.shape[0], k), float(found.min()))
    scores[:, model.classes_] = found
    return scores

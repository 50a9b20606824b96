"""Label noise: rows whose label a model that has not seen them contradicts, and how many labels are wrong."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpo.checks.options import quiet
from hpo.checks.out_of_fold import Floats, Ints, Learner, codes, label_list, make_folds, predict, ties
from hpo.checks.values import Check, CheckVerdict, Finding
from hpo.data.rows import Rows
from hpo.evaluators.content import asked as questions
from hpo.statistics.intervals import proportion
from hpo.statistics.values import DEFAULT, Estimate, Settings, finite

SMOOTHING = 0.3  # added to the weight of every word
SHARPNESS = 1.5  # scores of naive Bayes on rows of length one are timid; chosen on flips of other seeds than reported
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
        trust: log-probability of the row's own label, shape (n,).
        margin: the same minus that of the best other label, shape (n,); below 0: contradicted.
        suggested: the best other label's code, shape (n,).
        estimate: share of wrong labels.
        labels: class names by code.
        method: how it was found, in words.
    """

    trust: Floats
    margin: Floats
    suggested: Ints
    estimate: Estimate
    labels: tuple[str, ...]
    method: str

    def order(self) -> Ints:
        """Positions of the rows, the least probable label first.

        If a wrong label is as often any other class, this is the order of the probability that a label is wrong; a
        margin puts rows too high whose class is one of many possible ones.
        """
        return np.argsort(self.trust, kind="stable").astype(np.int64)

    def suspects(self) -> Ints:
        """Positions of the rows worth reading, the least probable label first.

        A model contradicts hard rows as well as wrong labels, so that most contradicted rows of a clean file are right.
        With at most h of the labels wrong (the upper end of the interval), nearly all of those that can be found stand
        in the first 2 h n.
        """
        most = max(AT_LEAST, math.ceil(2 * len(self.margin) * self.estimate.high))
        return self._contradicted(self.order()[:most])

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
        """For ``--json``: the estimate, the share of labels the model agrees with, all contradicted rows.

        The rows are ordered, the surest first.
        """
        return {
            "estimate": finite(self.estimate.value),
            "ci_low": finite(self.estimate.low),
            "ci_high": finite(self.estimate.high),
            "agreement": float((self.margin >= 0).mean()),
            "method": f"{self.method}; all contradicted rows are listed: the first {len(self.suspects()):,} are worth"
            " reading, those after them are more likely hard than wrong",
            "ranked": [self._told(int(row), rows, texts) for row in self._contradicted(self.order())[:RANKED]],
        }

    def _contradicted(self, order: Ints) -> Ints:
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
    """Rank rows by how little a model believes in their label that has not seen them; estimate the share of wrong ones.

    Copies are held out together, so that a wrong label is not confirmed by its own copy. Rows of one group are not:
    what siblings are labelled is evidence.

    Args:
        rows: n rows with classes.
        learner: the tuned model; None: complement naive Bayes on words, word pairs and runs of letters.
        settings: confidence, seed.
        progress: told what is being done.

    Raises:
        DataError: the rows have no classes, or all are copies of each other.
    """
    labels = label_list(rows)
    own = codes(rows, labels)
    scores = _bayes_scores(rows, own, progress) if learner is None else _scores(rows, learner, settings)
    name = "complement naive Bayes on words, word pairs and runs of letters" if learner is None else learner.name
    margin, suggested = margins(scores, own)
    return Noise(
        scores[np.arange(len(own)), own],
        margin,
        suggested,
        noise_rate(scores, own, settings),
        labels,
        f"probabilities of {name} that has not seen the row, ranked by that of its label; the share is that of"
        f" contradicted labels among the {SURE:.0%} of each predicted class of which the model is surest. Where it is"
        " not sure there either, its doubt counts as noise: the less it agrees with the labels, the higher the share",
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


def _bayes_scores(rows: Rows, own: Ints, progress: Callable[[str], None]) -> Floats:
    """Log-probabilities by naive Bayes, shape (n, k)."""
    progress("label noise: reading")
    cluster, features = ties(rows, grouped=False), _features(questions(rows))
    progress("label noise: leaving out each row in turn")
    scores = SHARPNESS * left_out(features, own, cluster)
    return np.asarray(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True), dtype=np.float64)


def _features(texts: Sequence[str]) -> Any:
    """TF-IDF of words, signs and pairs of them, and of runs of two to five letters, side by side, (n, columns).

    Both ends of a text are marked: how it starts and stops says what it is.
    """
    from scipy.sparse import hstack
    from sklearn.feature_extraction.text import TfidfVectorizer

    marked = [f"\x02 {text} \x03" for text in texts]
    words = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), token_pattern=r"(?u)\w+|[^\w\s]")
    runs = TfidfVectorizer(sublinear_tf=True, analyzer="char", ngram_range=(2, 5), min_df=2)
    return hstack([each.fit_transform(marked) for each in (words, runs)]).tocsr()


def left_out(features: Any, own: Ints, cluster: Ints) -> Floats:
    """Scores by complement naive Bayes that has learnt from all clusters but the row's own, shape (n, k).

    Rennie et al. 2003, section 3.2, without the division by the weights' norm. Its counts are sums over rows, so that
    a cluster is left out exactly by taking its rows from them.

    Args:
        features: not negative, sparse by rows, shape (n, columns).
        own: code of each row's label, shape (n,).
        cluster: rows left out together, shape (n,).
    """
    member = np.eye(int(own.max()) + 1)[own]
    counts = np.asarray((features.T @ member).T)  # (k, columns)
    others = counts.sum(axis=0) - counts + SMOOTHING
    sums, sizes = others.sum(axis=1), member.sum(axis=0)
    scores = np.zeros(member.shape)
    order = np.argsort(cluster, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1):
        block = features[rows]
        columns = np.unique(block.indices)
        values = block[:, columns]  # sparse: a cluster may be large
        outside = 1 - member[rows]  # whether the row is in the complement of each class
        left = others[:, columns] - (values.T @ outside).T
        length = np.asarray(values.sum(axis=1)).ravel()
        found = length[:, None] * np.log(sums - outside.T @ length) - values @ np.log(left).T
        gone = member[rows].sum(axis=0) == sizes  # no row is left to learn the class from: no likelier than any other
        found[:, gone] = found[:, ~gone].min(axis=1, keepdims=True)
        scores[rows] = found
    return scores

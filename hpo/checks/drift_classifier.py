"""The domain classifier: can a model tell new rows from known ones? Its AUC out of fold, with a permutation p."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.statistics.intervals import percentile
from hpo.statistics.resampling import permutation_p, weights
from hpo.statistics.values import Settings

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
FOLDS = 5
RIDGE = 1.0  # penalty, for rows of unit length
MOST = 3_000  # rows looked at: the work grows with their square, memory too
PERMUTATIONS = 999
DRAWS = 1_000  # of the bootstrap


@dataclass(frozen=True)
class Told:
    """How well new rows are told from known ones.

    Attributes:
        auc: mean over folds of the area under the ROC curve; .5 is guessing.
        low: lower end of its interval.
        high: upper end.
        p_value: of no difference.
        permutations: behind it.
        positions: of the rows looked at, among all, shape (m,).
        scores: of these, the higher the less like the known ones, shape (m,).
    """

    auc: float
    low: float
    high: float
    p_value: float
    permutations: int
    positions: Ints
    scores: Floats


def tell_apart(
    texts: Sequence[str], numbers: Floats, is_new: NDArray[np.bool_], cluster: Ints, settings: Settings
) -> Told:
    """Tell new rows from known ones out of fold, by ridge regression on TF-IDF and on the features.

    The model of a permutation is fitted anew: with the hat matrix H of ridge regression on all rows, the residuals of
    fold F by the model of the other folds are (I - H_FF)^-1 (y - H y)_F (leave-many-out; Cook and Weisberg 1982,
    section 3.4), so that one decomposition serves every permutation. Whole clusters are permuted, and never divided by
    a fold. The interval is from a bootstrap of clusters, scores given.

    Args:
        texts: n texts.
        numbers: features, shape (n, d).
        is_new: shape (n,).
        cluster: of each row, shape (n,); copies and groups are together.
        settings: confidence, resamples, seed.
    """
    rng = np.random.default_rng(settings.seed)
    kept = _sample(is_new, rng)
    truth, units = is_new[kept].astype(np.float64), _units(cluster[kept], is_new[kept])
    fold = _folds(cluster[kept], rng)
    hat = _hat([texts[row] for row in kept], numbers[kept])
    permuted = np.stack([truth, *(_permuted(truth, units, rng) for _ in range(PERMUTATIONS))], axis=1)
    scores = _held_out(hat, permuted, fold)
    areas = _areas(permuted, scores, fold)
    low, high = _interval(truth, scores[:, 0], (fold, units), settings)
    p_value = permutation_p(float(areas[0]), areas[1:])
    return Told(float(areas[0]), low, high, p_value, PERMUTATIONS, kept, scores[:, 0])


def _sample(is_new: NDArray[np.bool_], rng: np.random.Generator) -> Ints:
    """At most MOST rows, as many of each side as there are, the larger side cut first."""
    sides = [np.flatnonzero(is_new == side) for side in (False, True)]
    least = min(len(side) for side in sides)
    room = [min(len(side), max(MOST // 2, MOST - least)) for side in sides]
    return np.sort(np.concatenate([rng.permutation(side)[:many] for side, many in zip(sides, room, strict=True)]))


def _units(cluster: Ints, is_new: NDArray[np.bool_]) -> Ints:
    """What is permuted as a whole: the rows of a cluster on one side."""
    return np.unique(cluster * 2 + is_new, return_inverse=True)[1].astype(np.int64)


def _folds(cluster: Ints, rng: np.random.Generator) -> Ints:
    """Fold of each row: whole clusters, as even as they allow."""
    code = np.unique(cluster, return_inverse=True)[1]
    sizes = np.bincount(code)
    fold_of, filled = np.zeros(len(sizes), dtype=np.int64), np.zeros(FOLDS)
    for one in sorted(rng.permutation(len(sizes)), key=lambda each: -sizes[each]):
        fold_of[one] = int(filled.argmin())
        filled[fold_of[one]] += sizes[one]
    return fold_of[code]


def _permuted(truth: Floats, units: Ints, rng: np.random.Generator) -> Floats:
    """Sides dealt to whole units anew."""
    side = np.zeros(int(units.max()) + 1)
    side[units] = truth
    return rng.permutation(side)[units]


def _hat(texts: Sequence[str], numbers: Floats) -> Floats:
    """K (K + penalty)^-1 of the kernel of TF-IDF, the features and a constant, shape (n, n)."""
    kernel = _kernel(texts, numbers)
    n = len(kernel)
    inverse = np.linalg.inv(kernel + RIDGE * np.eye(n))
    return np.eye(n) - RIDGE * inverse


def _kernel(texts: Sequence[str], numbers: Floats) -> Floats:
    from sklearn.feature_extraction.text import TfidfVectorizer

    try:
        words: Any = TfidfVectorizer(sublinear_tf=True, min_df=2, token_pattern=r"(?u)\b\w+\b").fit_transform(texts)
        kernel = np.asarray((words @ words.T).todense())
    except ValueError:  # no word occurs twice
        kernel = np.zeros((len(texts), len(texts)))
    spread = numbers.std(axis=0)
    scaled = (numbers - numbers.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    scaled = np.clip(scaled, -3, 3) / np.sqrt(max(numbers.shape[1], 1))
    return np.asarray(kernel + scaled @ scaled.T + 1.0, dtype=np.float64)


def _held_out(hat: Floats, truths: Floats, fold: Ints) -> Floats:
    """Predictions of every row by the model of the other folds, shape (n, B), for truths of that shape."""
    found = np.empty_like(truths)
    residual = truths - hat @ truths
    for one in np.unique(fold):
        held = np.flatnonzero(fold == one)
        system = np.eye(len(held)) - hat[np.ix_(held, held)]
        found[held] = truths[held] - np.linalg.solve(system, residual[held])
    return found


def _areas(truths: Floats, scores: Floats, fold: Ints) -> Floats:
    """AUC of each column, shape (B,), within folds and weighted by their pairs: folds have different offsets."""
    from scipy.stats import rankdata

    total, pairs = np.zeros(truths.shape[1]), np.zeros(truths.shape[1])
    for one in np.unique(fold):
        new = truths[fold == one]
        m = new.sum(axis=0)
        total += (rankdata(scores[fold == one], axis=0) * new).sum(axis=0) - m * (m + 1) / 2
        pairs += m * (len(new) - m)
    return np.asarray(np.where(pairs > 0, total / np.maximum(pairs, 1), 0.5), dtype=np.float64)


def _interval(truth: Floats, scores: Floats, of: tuple[Ints, Ints], settings: Settings) -> tuple[float, float]:
    """Percentile interval of the area, whole units drawn with replacement, scores given."""
    fold, units = of
    rng = np.random.default_rng(settings.seed)
    drawn = np.stack(list(weights(len(truth), units, DRAWS, rng)), axis=1)
    total, pairs = np.zeros(DRAWS), np.zeros(DRAWS)
    for one in np.unique(fold):
        held = np.flatnonzero(fold == one)
        held = held[np.argsort(scores[held], kind="stable")]
        new = drawn[held] * truth[held, None]
        known = drawn[held] - new
        total += (new * (np.cumsum(known, axis=0) - known / 2)).sum(axis=0)
        pairs += new.sum(axis=0) * known.sum(axis=0)
    return percentile(total / np.maximum(pairs, 1), settings.confidence)

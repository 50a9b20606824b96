"""Drift: are new rows unlike the known ones, in which respect, and does the model suffer from it?"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.checks.drift_classifier import Told, tell_apart
from hpo.checks.drift_features import classes_test, features, ranks_test, unseen_words
from hpo.checks.options import quiet
from hpo.checks.out_of_fold import BASELINE, Learner, fit, label_list, make_folds, predict
from hpo.data.rows import Rows
from hpo.data.split import clusters
from hpo.errors import DataError
from hpo.evaluators.content import asked as questions
from hpo.objective import Task
from hpo.statistics import clusters as grouped
from hpo.statistics.distributions import normal_quantile, normal_tail
from hpo.statistics.multiplicity import holm
from hpo.statistics.power import paired_means_n
from hpo.statistics.values import DEFAULT, Settings, finite

Ints = NDArray[np.int64]
UNLIKE = 20  # rows shown
LEAST = 20  # rows of each side
MATTERS = 0.05  # fall of the accuracy that labels should be able to show
RESAMPLES = 2_000  # of the class counts
ALARM = 0.4  # times alpha: the level of "moved", which is asked again with every new delivery of rows


@dataclass(frozen=True)
class Loss:
    """Accuracy on known rows, out of fold, and on new ones; whether it fell."""

    known: float
    new: float
    low: float
    high: float
    p_value: float

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``; the difference is new minus known."""
        return {
            "metric": "accuracy",
            "reference": self.known,
            "new": self.new,
            "difference": self.new - self.known,
            "ci_low": self.low,
            "ci_high": self.high,
            "p_value": self.p_value,
        }


def drift(
    rows: Rows,
    new: Rows,
    settings: Settings = DEFAULT,
    learner: Learner | None = None,
    progress: Callable[[str], None] = quiet,
) -> dict[str, Any]:
    """Hold new rows against known ones; see ``DataReport.drift``.

    Each feature has a test of its own (Kolmogorov-Smirnov on the means of clusters; chi-squared with permuted clusters
    for the classes), the domain classifier has one; Holm's correction is over all of them, and the level is .02 at a
    confidence of .95, so that rows that have not moved are seldom called moved. Clusters are groups and near copies.

    Args:
        rows: n known rows, those that a model learns from.
        new: m new rows; where both have labels, a model of the known ones is scored on the new ones.
        settings: confidence, seed.
        learner: what is trained for that; None: the classical baseline.
        progress: told what is being done.

    Raises:
        DataError: fewer than 20 rows on a side.
    """
    if min(len(rows), len(new)) < LEAST:
        what = f"drift needs {LEAST} rows on each side, and there are {len(rows)} and {len(new)}"
        raise DataError(what, hint="give more rows")
    progress("drift: features")
    texts = (questions(rows), questions(new))
    cluster = _clusters(rows, new, texts)
    sides = cluster[: len(rows)], cluster[len(rows) :]
    known, novel = features(texts[0]), features(texts[1])
    known["unseen words"], novel["unseen words"] = unseen_words(texts[0], texts[1], cluster)
    tests = [_feature(name, known[name], novel[name], sides) for name in known]
    tests += _class_mix(rows, new, sides, settings)
    progress("drift: domain classifier")
    numbers = np.stack([np.concatenate([known[name], novel[name]]) for name in known], axis=1)
    is_new = np.arange(len(cluster)) >= len(rows)
    told = tell_apart([*texts[0], *texts[1]], numbers, is_new, cluster, settings)
    adjusted = holm([math.nan if t["p_value"] is None else t["p_value"] for t in tests] + [told.p_value])
    for test, p in zip(tests, adjusted.tolist(), strict=False):
        test["p_adjusted"] = finite(p)
    loss = _loss(rows, new, (learner, settings), progress)
    level = ALARM * settings.alpha
    moved = [test["name"] for test in tests if test["p_adjusted"] is not None and test["p_adjusted"] <= level]
    anything = bool(moved) or float(adjusted[-1]) <= level
    verdict, sentence = judge(anything, moved, loss, settings, _needed(rows, loss, settings))
    return {
        "features": tests,
        "classifier": _classifier(told, float(adjusted[-1])),
        "correction": "holm",
        "level": level,
        "loss": None if loss is None else loss.as_dict(),
        "verdict": verdict,
        "sentence": sentence,
        "unlike": _unlike(told, new, texts[1], len(rows)),
    }


def judge(anything: bool, moved: list[str], loss: Loss | None, settings: Settings, needed: int) -> tuple[str, str]:
    """The verdict and a sentence for people: retraining is advised only where labels show a loss.

    Args:
        anything: whether the inputs have moved.
        moved: the features that have.
        loss: what labels show; None: there are none.
        settings: confidence.
        needed: new rows to label, so that a fall of MATTERS would be found.
    """
    said = f"inputs moved ({', '.join(moved)})" if moved else "inputs moved" if anything else "inputs did not move"
    if loss is not None and loss.p_value <= settings.alpha and loss.new < loss.known:
        scores = f"accuracy fell from {loss.known:.3f} to {loss.new:.3f} (p = {loss.p_value:.2g})"
        return "retrain", f"Retrain: {said}, and {scores} on the new labels."
    if loss is not None:
        scores = (
            f"accuracy {loss.known:.3f} before, {loss.new:.3f} now, difference in [{loss.low:.3f}, {loss.high:.3f}]"
        )
        return ("inputs moved" if anything else "no drift"), f"{_capital(said)}; no loss is shown: {scores}."
    if anything:
        return "inputs moved", f"{_capital(said)}; quality unknown, label about {needed:,} rows to tell."
    return "no drift", f"{_capital(said)}, as far as these rows tell."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _clusters(rows: Rows, new: Rows, texts: tuple[list[str], list[str]]) -> Ints:
    """Cluster of each row, the known ones first: near copies and groups, whichever side they are on."""
    groups = None
    if rows.groups is not None and new.groups is not None:
        groups = np.concatenate([rows.groups, new.groups])
    return clusters([*texts[0], *texts[1]], groups)


def _feature(
    name: str, known: NDArray[np.float64], new: NDArray[np.float64], sides: tuple[Ints, Ints]
) -> dict[str, Any]:
    same = np.ptp(np.concatenate([known, new])) == 0
    statistic, p = (math.nan, math.nan) if same else ranks_test(known, new, sides)
    return {
        "name": name,
        "test": "Kolmogorov-Smirnov",
        "statistic": finite(statistic),
        "p_value": finite(p),
        "p_adjusted": None,
        "reference": float(known.mean()),
        "new": float(new.mean()),
    }


def _class_mix(rows: Rows, new: Rows, sides: tuple[Ints, Ints], settings: Settings) -> list[dict[str, Any]]:
    """The test of the classes, where both sides have them; the shares told are those of the class that moved most."""
    if not _labelled(rows) or not _labelled(new):
        return []
    labels = [[str(label) for label in side.frame["label"]] for side in (rows, new)]
    statistic, p = classes_test((labels[0], labels[1]), sides, RESAMPLES, settings.seed)
    names = sorted({*labels[0], *labels[1]})
    shares = [np.array([side.count(name) / len(side) for name in names]) for side in labels]
    most = int(np.abs(shares[0] - shares[1]).argmax())
    return [
        {
            "name": f"classes (most: {names[most]})",
            "test": "chi-squared, clusters permuted",
            "statistic": finite(statistic),
            "p_value": finite(p),
            "p_adjusted": None,
            "reference": float(shares[0][most]),
            "new": float(shares[1][most]),
        }
    ]


def _labelled(rows: Rows) -> bool:
    return "label" in rows.frame and rows.frame["label"].dtype == object and not rows.frame["label"].isna().any()


def _loss(rows: Rows, new: Rows, how: tuple[Learner | None, Settings], progress: Callable[[str], None]) -> Loss | None:
    """Accuracy of a model of the known rows, out of fold on these and on the new ones; one-sided test of a fall."""
    learner, settings = how
    if not _labelled(rows) or not _labelled(new) or rows.frame["label"].nunique() < 2:
        return None
    progress("drift: does a model of the known rows do worse on the new ones?")
    chosen, labels = learner or BASELINE, label_list(rows)
    names = np.array(labels, dtype=object)
    old = predict(rows, make_folds(rows, seed=settings.seed), settings.seed, chosen).argmax(axis=1)
    task = Task(
        kind="classification",
        train=rows,
        validation=new,
        labels=labels,
        outputs=frozenset({"prediction", "probabilities"}),
        seed=settings.seed,
        **chosen.task,
    )
    now = fit(task, chosen, settings.seed).argmax(axis=1)
    right = [
        (names[found] == side.frame["label"].astype(str).to_numpy()).astype(float)
        for found, side in ((old, rows), (now, new))
    ]
    errors = [
        grouped.standard_error(r, grouped.codes(side.groups))[0] for r, side in zip(right, (rows, new), strict=True)
    ]
    known, later = float(right[0].mean()), float(right[1].mean())
    error = math.hypot(*errors)
    half = normal_quantile(0.5 + settings.confidence / 2) * error
    p = normal_tail((known - later) / error) if error > 0 else float(known <= later)
    return Loss(known, later, later - known - half, later - known + half, p)


def _needed(rows: Rows, loss: Loss | None, settings: Settings) -> int:
    """New rows to label so that a fall of the accuracy by MATTERS is found with power .8, to two digits."""
    share = 0.5 if loss is None else loss.known
    count = paired_means_n(MATTERS, math.sqrt(max(share * (1 - share), 0.05)), settings=settings)
    if count < len(rows):
        count /= 1 - count / (count + len(rows))  # the known score is an estimate too
    unit = int(10 ** max(len(str(int(count))) - 2, 0))
    return math.ceil(count / unit) * unit


def _classifier(told: Told, adjusted: float) -> dict[str, Any]:
    return {
        "auc": finite(told.auc),
        "ci_low": finite(told.low),
        "ci_high": finite(told.high),
        "p_value": told.p_value,
        "p_adjusted": adjusted,
        "permutations": told.permutations,
        "rows": len(told.positions),
    }


def _unlike(told: Told, new: Rows, texts: list[str], n: int) -> list[dict[str, Any]]:
    """The new rows that are least like the known ones, by the out-of-fold score."""
    order = np.argsort(-told.scores, kind="stable")
    chosen = [row for row in order.tolist() if told.positions[row] >= n][:UNLIKE]
    positions = [int(told.positions[row]) - n for row in chosen]
    return [
        {"id": str(new.ids[place]), "score": float(told.scores[row]), "text": texts[place]}
        for row, place in zip(chosen, positions, strict=True)
    ]

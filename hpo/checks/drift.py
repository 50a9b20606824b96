"""Drift: are new rows unlike the known ones, in which respect, and does the model suffer from it?"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.checks.drift_classifier import Told, tell_apart
from hpo.checks.drift_features import classes_test, features, ranks_test, unseen_words
from hpo.checks.drift_loss import Loss, has_classes, measure_loss, rows_to_label
from hpo.checks.options import quiet
from hpo.checks.out_of_fold import Learner
from hpo.data.rows import Rows
from hpo.data.split import clusters
from hpo.errors import DataError
from hpo.evaluators.content import asked as questions
from hpo.statistics.multiplicity import holm
from hpo.statistics.values import DEFAULT, Settings, finite

Ints = NDArray[np.int64]
UNLIKE = 20  # rows shown
LEAST = 20  # rows of each side
RESAMPLES = 2_000  # of the class counts
ALARM = 0.4  # times alpha: the level of "moved", which is asked again with every new delivery of rows


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
    labelled = has_classes(rows) and has_classes(new)
    tests, numbers = _features(texts, cluster, settings, (rows, new) if labelled else None)
    progress("drift: domain classifier")
    told = tell_apart([*texts[0], *texts[1]], numbers, np.arange(len(cluster)) >= len(rows), cluster, settings)
    adjusted = holm([math.nan if t["p_value"] is None else t["p_value"] for t in tests] + [told.p_value])
    for test, p in zip(tests, adjusted[:-1].tolist(), strict=True):
        test["p_adjusted"] = finite(p)
    loss = None
    if labelled and rows.frame["label"].nunique() > 1:
        progress("drift: does a model of the known rows do worse on the new ones?")
        loss = measure_loss(rows, new, learner, settings)
    return {
        "features": tests,
        "classifier": _classifier(told, float(adjusted[-1])),
        "correction": "holm",
        "level": ALARM * settings.alpha,
        "loss": None if loss is None else loss.as_dict(),
        **_verdict(tests, float(adjusted[-1]), loss, (len(rows), settings)),
        "unlike": _unlike(told, new, texts[1], len(rows)),
    }


def _verdict(
    tests: list[dict[str, Any]], classifier_p: float, loss: Loss | None, of: tuple[int, Settings]
) -> dict[str, str]:
    known, settings = of
    level = ALARM * settings.alpha
    moved = [test["name"] for test in tests if test["p_adjusted"] is not None and test["p_adjusted"] <= level]
    anything = bool(moved) or classifier_p <= level
    verdict, sentence = judge(anything, moved, loss, rows_to_label(known, loss, settings))
    return {"verdict": verdict, "sentence": sentence}


def judge(anything: bool, moved: list[str], loss: Loss | None, needed: int) -> tuple[str, str]:
    """The verdict and a sentence for people: retraining is advised only where labels show a loss.

    Args:
        anything: whether the inputs have moved.
        moved: the features that have.
        loss: what labels show; None: there are none.
        needed: new rows to label, so that a fall of MATTERS would be found.
    """
    said = f"inputs moved ({', '.join(moved)})" if moved else "inputs moved" if anything else "inputs did not move"
    if loss is not None and loss.high < 0:  # one-sided at half of alpha: with ALARM, both together stay within alpha
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


def _features(
    texts: tuple[list[str], list[str]], cluster: Ints, settings: Settings, labelled: tuple[Rows, Rows] | None
) -> tuple[list[dict[str, Any]], NDArray[np.float64]]:
    """The test of each feature, and of the classes of labelled rows; the features of all rows, shape (n + m, d)."""
    sides = cluster[: len(texts[0])], cluster[len(texts[0]) :]
    known, novel = features(texts[0]), features(texts[1])
    known["unseen words"], novel["unseen words"] = unseen_words(texts[0], texts[1], cluster)
    tests = [_feature(name, known[name], novel[name], sides) for name in known]
    if labelled is not None:
        tests.append(_class_mix(*labelled, sides, settings))
    return tests, np.stack([np.concatenate([known[name], novel[name]]) for name in known], axis=1)


def _feature(
    name: str, known: NDArray[np.float64], new: NDArray[np.float64], sides: tuple[Ints, Ints]
) -> dict[str, Any]:
    same = np.ptp(np.concatenate([known, new])) == 0
    found = (math.nan, math.nan) if same else ranks_test(known, new, sides)
    return _tested(name, "Kolmogorov-Smirnov", found, (float(known.mean()), float(new.mean())))


def _tested(name: str, test: str, found: tuple[float, float], means: tuple[float, float]) -> dict[str, Any]:
    """A feature's statistic and p, and its means on the two sides; p is adjusted later."""
    return {
        "name": name,
        "test": test,
        "statistic": finite(found[0]),
        "p_value": finite(found[1]),
        "p_adjusted": None,
        "reference": means[0],
        "new": means[1],
    }


def _class_mix(rows: Rows, new: Rows, sides: tuple[Ints, Ints], settings: Settings) -> dict[str, Any]:
    """The test of the classes; the shares told are those of the class that moved most."""
    labels = [[str(label) for label in side.frame["label"]] for side in (rows, new)]
    found = classes_test((labels[0], labels[1]), sides, RESAMPLES, settings.seed)
    names = sorted({*labels[0], *labels[1]})
    shares = [np.array([side.count(name) / len(side) for name in names]) for side in labels]
    most = int(np.abs(shares[0] - shares[1]).argmax())
    told = f"classes (most: {names[most]})"
    return _tested(told, "chi-squared, clusters permuted", found, (float(shares[0][most]), float(shares[1][most])))


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

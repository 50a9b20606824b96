"""Whether a model of the known rows does worse on new ones, as far as labels tell."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from hpo.checks.out_of_fold import BASELINE, Learner, fit, label_list, make_folds, predict
from hpo.data.rows import Rows
from hpo.objective import Task
from hpo.statistics.clusters import codes, standard_error
from hpo.statistics.distributions import normal_quantile, normal_tail
from hpo.statistics.power import paired_means_n
from hpo.statistics.values import Settings
from hpo.statistics.verdicts import two_digits

MATTERS = 0.05  # fall of the accuracy that labels should be able to show


@dataclass(frozen=True)
class Loss:
    """Accuracy on known rows, out of fold, and on new ones; whether it fell.

    Attributes:
        known: accuracy on the known rows.
        new: accuracy on the new ones.
        low: lower end of the interval of new minus known.
        high: upper end.
        p_value: one-sided, of no fall.
    """

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


def has_classes(rows: Rows) -> bool:
    """Whether every row has a class."""
    return "label" in rows.frame and rows.frame["label"].dtype == object and not rows.frame["label"].isna().any()


def measure_loss(rows: Rows, new: Rows, learner: Learner | None, settings: Settings) -> Loss:
    """Accuracy of a model of the known rows, out of fold on these and on the new ones; one-sided test of a fall.

    Args:
        rows: n known rows with two classes or more.
        new: m new rows with classes.
        learner: what is trained; None: the classical baseline.
        settings: confidence, seed.

    Raises:
        DataError, ObjectiveError: the model cannot be trained on them.
    """
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
    errors = [standard_error(r, codes(side.groups))[0] for r, side in zip(right, (rows, new), strict=True)]
    known, later = float(right[0].mean()), float(right[1].mean())
    error = math.hypot(*errors)
    half = normal_quantile(0.5 + settings.confidence / 2) * error
    p = normal_tail((known - later) / error) if error > 0 else float(known <= later)
    return Loss(known, later, later - known - half, later - known + half, p)


def rows_to_label(known: int, loss: Loss | None, settings: Settings) -> int:
    """New rows to label so that a fall of the accuracy by MATTERS is found with power .8, to two digits.

    Args:
        known: number of known rows.
        loss: what was measured; None: nothing was.
        settings: confidence.
    """
    share = 0.5 if loss is None else loss.known
    count = paired_means_n(MATTERS, math.sqrt(max(share * (1 - share), 0.05)), settings=settings)
    if count < known:
        count /= 1 - count / (count + known)  # the known score is an estimate too
    return two_digits(math.ceil(count))

"""Score against data size: what more rows would bring, from models trained on nested parts of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from hpo import seeds
from hpo.checks.out_of_fold import make_folds, predict
from hpo.checks.preprocessing import METRIC, Asked, interval, score_of
from hpo.data.resample import first_part
from hpo.data.rows import Rows
from hpo.evaluators import registry
from hpo.evaluators.inference import estimate

FRACTIONS = (0.1, 0.2, 0.4, 0.7, 1.0)


def learning_curve(rows: Rows, asked: Asked, fractions: Sequence[float] = FRACTIONS) -> tuple[dict[str, Any], ...]:
    """Score with its interval by rows learnt from, the fewest first.

    On the same folds each, every row predicted out of fold by a model of a part of the other folds; smaller parts lie
    within larger ones, and of every class at least one row is in each.

    Args:
        rows: n rows with classes.
        asked: learner, folds, settings.
        fractions: of the rows of the other folds, in (0, 1], rising.

    Raises:
        DataError: the rows have no classes, or cannot be divided into folds.
    """
    seed = asked.settings.seed
    fold = make_folds(rows, asked.folds, seed)
    part = seeds.derive(seed, "checks", "part")
    metric = registry.find(METRIC, "classification")[1]
    points = []
    for fraction in fractions:
        sizes: list[int] = []

        def cut(learnt: Rows, fraction: float = fraction, sizes: list[int] = sizes) -> Rows:
            kept = learnt if fraction >= 1 else learnt.take(first_part(learnt, fraction, part))
            sizes.append(len(kept))
            return kept

        asked.progress(f"score against data size: {fraction:.0%} of the rows")
        found = estimate(metric, score_of(rows, predict(rows, fold, seed, asked.learner, cut)), asked.settings)
        points.append({"rows": int(np.mean(sizes)), **interval(found)})
    return tuple(points)

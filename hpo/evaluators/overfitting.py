"""How much better a run does on rows it has trained on than on rows it has not."""

from __future__ import annotations

import math
from collections.abc import Mapping

from hpo.config.models import ObjectiveConfig
from hpo.data.rows import Rows
from hpo.errors import ObjectiveError
from hpo.evaluators.measurements import TRAIN
from hpo.evaluators.score import Scorecard
from hpo.objective import Outputs


def gap(
    scorecard: Scorecard, train: Rows, outputs: Outputs, validation: Mapping[str, float], primary: ObjectiveConfig
) -> dict[str, float]:
    """The primary metric on training rows, and how far it lies ahead of the validation rows'.

    Args:
        scorecard: scores the outputs as those on the validation rows were scored.
        train: the training rows.
        outputs: what the run says about some of them.
        validation: the metrics of the same evaluation on the validation rows.
        primary: the metric, and which way is better.

    Returns:
        ``train_<metric>`` and ``overfitting`` (train minus validation, turned so that more is a larger gap), in the
        metric's unit; empty where the primary objective is no metric of the outputs, or undefined on either side.

    Raises:
        ObjectiveError: the outputs are of other rows.
    """
    name = primary.metric
    if name not in validation or not len(outputs.ids):
        return {}
    value = scorecard.score(_rows_of(train, outputs), outputs).metrics.get(name, math.nan)
    difference = value - validation[name]
    if not math.isfinite(difference):
        return {}
    ahead = difference if primary.direction == "maximize" else -difference
    return {f"{TRAIN}{name.rpartition(':')[2]}": value, "overfitting": ahead}


def _rows_of(train: Rows, outputs: Outputs) -> Rows:
    places = {name: place for place, name in enumerate(train.ids.tolist())}
    unknown = [name for name in outputs.ids.tolist() if name not in places]
    if unknown:
        raise ObjectiveError(
            f"the outputs on training rows speak of a row {unknown[0]!r} that is none of them",
            hint="give Outputs(ids=...) of rows of task.train",
        )
    return train.take([places[name] for name in outputs.ids.tolist()])

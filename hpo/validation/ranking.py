"""Ranks of the models across data sets, where there are enough of them for ranks to say something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from hpo.statistics.values import Settings


def ranks(
    primary: Mapping[tuple[str, str], Mapping[str, Any]],
    models: Sequence[str],
    datasets: Sequence[str],
    settings: Settings,
) -> dict[str, Any] | None:
    """Mean ranks by the primary metric, with Friedman's test where there are six data sets or more.

    Args:
        primary: rows of the table of scores, by model and data set.
        models: in the order of the file.
        datasets: in the order of the file.
        settings: how sure.

    Returns:
        ``mean_ranks``, ``friedman_p``, ``critical_difference``, ``sentence``, ``pairs``; None for fewer than two data
        sets or two models that answered on all of them.
    """
    whole = [name for name in models if all(_value(primary, name, each) is not None for each in datasets)]
    if len(datasets) < 2 or len(whole) < 2:
        return None
    from hpo.statistics.ranks import several

    signs = {each: 1.0 if primary[whole[0], each]["direction"] == "maximize" else -1.0 for each in datasets}
    table = np.array([[signs[each] * float(_value(primary, name, each) or 0.0) for name in whole] for each in datasets])
    return several(table, settings).as_dict(whole)


def _value(primary: Mapping[tuple[str, str], Mapping[str, Any]], model: str, dataset: str) -> float | None:
    row = primary.get((model, dataset))
    return None if row is None else row["value"]

"""What people think of answers: ratings in five dimensions, their mean and how far the raters are of one mind.

Agreement beyond chance (Cohen's kappa, Krippendorff's alpha) is ``hpo.statistics.agreement``, fed by ``matrix``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpo.data.messages import Table, as_number, as_text, missing
from hpo.data.read import read_frame
from hpo.data.rows import Rows
from hpo.evaluators.outputs import column
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.evaluators.reductions import column_of, mean_of
from hpo.objective import Outputs

DIMENSIONS = ("relevance", "coherence", "fluency", "factuality", "helpfulness")
SCALE = (1, 5)


@dataclass(frozen=True)
class RatingSheet:
    """A filled-in sheet of ratings.

    Attributes:
        ids: the examples, in the order in which they first stand in the sheet.
        models: whose answers were rated, sorted; one empty name where the sheet has no such column.
        raters: sorted; one empty name where the sheet has no such column.
        values: shape (models, ids, dimensions, raters), dimensions as in DIMENSIONS; NaN where not rated.
    """

    ids: NDArray[np.object_]
    models: tuple[str, ...]
    raters: tuple[str, ...]
    values: NDArray[np.float64]

    def outputs(self, model: str) -> Outputs:
        """One model's ratings, for the evaluators; of the examples that anybody has rated for it."""
        values = self.values[self.models.index(model)]
        rated = ~np.isnan(values).all(axis=(1, 2))
        return Outputs(self.ids[rated], ratings=values[rated])

    def matrix(self, dimension: str) -> NDArray[np.float64]:
        """Ratings of one dimension, shape (raters, models * ids), NaN where there is none."""
        values = self.values[:, :, DIMENSIONS.index(dimension)]
        return values.reshape(-1, len(self.raters)).T


def read_ratings(path: str | Path, scale: tuple[float, float] = SCALE) -> RatingSheet:
    """Read ratings: ``id``, optional ``model`` and ``rater``, and any of the five dimensions; a line a rating.

    Args:
        path: CSV, JSONL or Parquet, also .gz and .zst; an empty field is a rating that was not given.
        scale: the lowest and the highest rating there is.

    Raises:
        DataError: no dimension is there; rows have no id, a rating that is no number or off the scale, or say the same
            thing of the same answer twice.
    """
    table = Table(read_frame(path), str(path))
    names = {name: _names(table, name) for name in ("id", "model", "rater")}
    _refuse_repeated(table, names)
    rated = np.column_stack([_ratings(table, dimension, scale) for dimension in DIMENSIONS])
    if all(dimension not in table.frame for dimension in DIMENSIONS):
        table.column(DIMENSIONS[0])
    ids, where = _numbered(names["id"], ordered=True)
    models, model = _numbered(names["model"])
    raters, rater = _numbered(names["rater"])
    values = np.full((len(models), len(ids), len(DIMENSIONS), len(raters)), np.nan)
    values[model, where, :, rater] = rated
    return RatingSheet(np.array(ids, dtype=object), tuple(models), tuple(raters), values)


def _names(table: Table, name: str) -> list[str]:
    if name not in table.frame and name != "id":
        return [""] * len(table.frame)
    values = table.column(name)
    table.refuse(missing(values), f"have no {name}", "fill it in")
    return [as_text(value).strip() for value in values]


def _refuse_repeated(table: Table, names: dict[str, list[str]]) -> None:
    import pandas as pd

    again = pd.DataFrame(names).duplicated().to_numpy(dtype=bool)
    told = [name for name in names if name in table.frame]
    hint = "" if "rater" in told else "a column `rater` tells people apart"
    table.refuse(again, f"repeat the same {', '.join(told)}", hint)


def _ratings(table: Table, dimension: str, scale: tuple[float, float]) -> NDArray[np.float64]:
    if dimension not in table.frame:
        return np.full(len(table.frame), np.nan)
    empty = missing(table.frame[dimension])
    found = np.array([as_number(value) for value in table.frame[dimension]], dtype=np.float64)
    low, high = scale
    table.refuse(~empty & ~np.isfinite(found), f"have no number as {dimension}", "leave it empty where not rated")
    off = ~empty & ((found < low) | (found > high))
    table.refuse(off, f"have a {dimension} that is not between {low:g} and {high:g}", "ratings are on one scale")
    return np.where(empty, np.nan, found)


def _numbered(names: list[str], ordered: bool = False) -> tuple[list[str], NDArray[np.int64]]:
    """The distinct names (sorted, or in their order), and each entry's number among them."""
    distinct = list(dict.fromkeys(names)) if ordered else sorted(set(names))
    at = {name: position for position, name in enumerate(distinct)}
    return distinct, np.array([at[name] for name in names], dtype=np.int64)


def majority_share(ratings: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of a row's raters who gave its commonest rating, shape (n,); ``ratings`` (n, raters), NaN where not rated.

    1 where all agree (or where there is one rater); NaN without any rating.
    """
    raters = (~np.isnan(ratings)).sum(axis=1)
    same = (ratings[:, :, None] == ratings[:, None, :]).sum(axis=2).max(axis=1, initial=0)
    return np.asarray(np.divide(same, raters, out=np.full(len(ratings), np.nan), where=raters > 0), dtype=np.float64)


class Ratings:
    """One dimension. Statistics: its name, the mean of a row's raters, and ``majority``, the majority share.

    Metrics: ``<dimension>``, the mean over rows of the row's mean rating, so that a row counts once however many rated
    it; ``<dimension>_majority``, the mean majority share. A row that nobody rated is unscored.
    """

    needs = frozenset({"ratings"})

    def __init__(self, dimension: str) -> None:
        self.name = f"rated_{dimension}"
        self._dimension = dimension
        self.metrics: tuple[Metric, ...] = (
            Metric(dimension, "maximize", mean_of(dimension), rows=column_of(dimension)),
            Metric(f"{dimension}_majority", "maximize", mean_of("majority"), rows=column_of("majority")),
        )

    def prepare(self, reference: Rows | None) -> None:
        """Nothing to prepare."""

    def score(self, data: Rows, outputs: Outputs | None, state: None) -> ExampleScores:
        """Mean rating and majority share of every row."""
        ratings = np.asarray(column(outputs, "ratings"), dtype=np.float64)[:, DIMENSIONS.index(self._dimension)]
        given = ~np.isnan(ratings)
        mean = np.divide(
            np.where(given, ratings, 0.0).sum(axis=1),
            given.sum(axis=1),
            out=np.full(len(ratings), np.nan),
            where=given.any(axis=1),
        )
        return ExampleScores(data.ids, {self._dimension: mean, "majority": majority_share(ratings)}, groups=data.groups)

"""Filled-in rating sheets: mean ratings of every model with intervals, comparisons, and how far raters agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.errors import DataError
from hpo.evaluators.ratings import DIMENSIONS, RatingSheet, read_ratings
from hpo.statistics import intervals, paired
from hpo.statistics.agreement import Level, krippendorff_alpha
from hpo.statistics.multiplicity import adjust
from hpo.statistics.values import Comparison, Estimate, Settings, finite
from hpo.validation.sheet import KEY, read_key

LEVEL: Level = "ordinal"  # a rating of 4 is more than one of 2, and not twice as much
Item = tuple[str, str, str]  # data set, row, model


@dataclass(frozen=True)
class Rated:
    """All ratings: shape (raters, items, dimensions), NaN where there is none."""

    raters: tuple[str, ...]
    items: tuple[Item, ...]
    values: NDArray[np.float64]


def ratings(
    files: Sequence[str], out: Path, models: Sequence[str], baseline: str, settings: Settings
) -> dict[str, Any]:
    """What people think of the models' answers.

    Args:
        files: sheets that were filled in; one without a column ``rater`` is one rater's.
        out: the folder of results, where the key of blinded sheets lies.
        models: names of the models.
        baseline: the model that the others are compared with.
        settings: how sure.

    Returns:
        ``dimensions`` (mean over rows of the row's mean rating), ``agreement`` (Krippendorff's alpha), and
        ``comparisons`` with the baseline on the rows that both were rated on, corrected together.

    Raises:
        DataError: a sheet cannot be read, or has ids that are in no key.
    """
    rated = gather([Path(each) for each in files], read_key(out / KEY), models)
    dimensions: list[dict[str, Any]] = []
    agreement: list[dict[str, Any]] = []
    compared: list[tuple[str, str, Comparison]] = []
    for place, dimension in enumerate(DIMENSIONS):
        values = rated.values[:, :, place]
        if np.isnan(values).all():
            continue
        by_model = {model: _row_means(rated, values, model) for model in models}
        dimensions += [_mean(dimension, model, own, settings) for model, own in by_model.items() if own[0]]
        agreement.append(_agreement(dimension, krippendorff_alpha(values, LEVEL, settings)))
        base = by_model[baseline][0]
        others = [(model, rows) for model, (rows, _) in by_model.items() if model != baseline and rows and base]
        compared += [(dimension, model, _compared(rows, base, settings)) for model, rows in others]
    adjusted = adjust([each for _, _, each in compared], settings)
    pairs = [
        {"dimension": dimension, "a": model, "b": baseline, **each.as_dict()}
        for (dimension, model, _), each in zip(compared, adjusted, strict=True)
    ]
    return {"dimensions": dimensions, "agreement": agreement, "comparisons": pairs, "raters": list(rated.raters)}


def _agreement(dimension: str, alpha: Estimate) -> dict[str, Any]:
    ends = {"ci_low": finite(alpha.low), "ci_high": finite(alpha.high), "n": alpha.n, "reason": alpha.reason}
    return {"dimension": dimension, "alpha": finite(alpha.value), **ends, "level": LEVEL}


def gather(files: Sequence[Path], key: Sequence[Mapping[str, str]], models: Sequence[str]) -> Rated:
    """All sheets as one array.

    Raises:
        DataError: a sheet cannot be read, its ids are in no key, or one person has rated the same thing twice.
    """
    meaning = {line["id"]: (line["dataset"], line["row"], line["model"]) for line in key}
    found: dict[tuple[str, Item], NDArray[np.float64]] = {}
    for path in files:
        for rater, item, values in _said(read_ratings(path), path, meaning, models):
            if (rater, item) in found:
                what = f"{rater} has rated the same answer in two sheets"
                raise DataError(what, where=str(path), hint="a column `rater` tells people apart, else the file's name")
            found[rater, item] = values
    raters, items = sorted({rater for rater, _ in found}), sorted({item for _, item in found})
    values = np.full((len(raters), len(items), len(DIMENSIONS)), np.nan)
    for (rater, item), each in found.items():
        values[raters.index(rater), items.index(item)] = each
    return Rated(tuple(raters), tuple(items), values)


def _said(
    sheet: RatingSheet, path: Path, meaning: Mapping[str, Item], models: Sequence[str]
) -> list[tuple[str, Item, NDArray[np.float64]]]:
    """Rater, answer and ratings, shape (dimensions,), of every line that has any."""
    blinded = sheet.models == ("",)
    unknown = [each for each in sheet.ids.tolist() if blinded and each not in meaning]
    unknown += [each for each in sheet.models if not blinded and each not in models]
    if unknown:
        what = f"the {'ids' if blinded else 'models'} {', '.join(map(str, unknown[:3]))} are not known"
        hint = f"a blinded sheet is read with {KEY} of the same folder of results; else give a column `model`"
        raise DataError(what, where=str(path), hint=hint)
    found = []
    rated: NDArray[np.bool_] = np.any(~np.isnan(sheet.values), axis=2)
    for m, i, r in np.argwhere(rated).tolist():
        name = str(sheet.ids[i])
        item = meaning[name] if blinded else ("", name, sheet.models[m])
        found.append((sheet.raters[r] or path.stem, item, sheet.values[m, i, :, r]))
    return found


def _row_means(rated: Rated, values: NDArray[np.float64], model: str) -> tuple[dict[tuple[str, str], float], int]:
    """Mean rating of each of a model's rows, and how many people have rated any of them."""
    places = [place for place, item in enumerate(rated.items) if item[2] == model]
    own = values[:, places]
    raters = int((~np.isnan(own)).any(axis=1).sum()) if places else 0
    means = {
        rated.items[place][:2]: float(np.nanmean(values[:, place]))
        for place in places
        if not np.isnan(values[:, place]).all()
    }
    return means, raters


def _mean(dimension: str, model: str, own: tuple[Mapping[Any, float], int], settings: Settings) -> dict[str, Any]:
    rows, raters = own
    found = intervals.mean(np.array(list(rows.values())), None, settings)
    ends = {"ci_low": finite(found.low), "ci_high": finite(found.high), "n": found.n, "reason": found.reason}
    return {"dimension": dimension, "model": model, "mean": finite(found.value), **ends, "raters": raters}


def _compared(a: Mapping[Any, float], b: Mapping[Any, float], settings: Settings) -> Comparison:
    both = [row for row in a if row in b]
    free = replace(settings, equivalence_margin=None)
    return paired.means(np.array([a[row] for row in both]), np.array([b[row] for row in both]), None, free)

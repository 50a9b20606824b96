"""Preparation of rows after the split: texts of every row, and which training rows there are; each step on record."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hpo import seeds
from hpo.config.models import StudyConfig
from hpo.config.preparation import (
    AS_GIVEN,
    SEARCHABLE,
    AugmentConfig,
    ClassWeights,
    Outliers,
    PreparationConfig,
    Resample,
)
from hpo.config.transforms import ORIGINAL, ROW_TRANSFORMS
from hpo.data.augment import augment
from hpo.data.outliers import inside
from hpo.data.resample import first_part, resample
from hpo.data.rows import Rows
from hpo.data.texts import change_texts
from hpo.data.transforms import apply, deduplicate, of_texts
from hpo.data.versions import version


@dataclass(frozen=True)
class Preparation:
    """What is done to rows, names of strategies resolved; see PreparationConfig."""

    transforms: tuple[str, ...] = ()  # in their order, of texts and of rows
    outliers: Outliers = "none"
    train_fraction: float = 1.0
    resample: Resample = "none"
    augment: AugmentConfig | None = None
    class_weights: ClassWeights = "none"

    @property
    def texts(self) -> tuple[str, ...]:
        """The transforms that apply to every row that is ever predicted."""
        return of_texts(self.transforms)


@dataclass(frozen=True)
class Step:
    """One step on record.

    Attributes:
        name: of a transform, or of a key of ``data.preparation``.
        rows_before: training rows before it.
        rows_after: training rows after it.
        parameters: its settings.
        fingerprint: of the rows after it.
    """

    name: str
    rows_before: int
    rows_after: int
    parameters: Mapping[str, Any]
    fingerprint: str


def chosen(config: PreparationConfig, params: Mapping[str, Any] | None = None) -> Preparation:
    """What a study fixes, with what a trial's parameters name in its place.

    Args:
        config: of the study.
        params: ``preprocessing`` (a strategy, a transform, a list of transforms, ``original``), ``class_weights`` and
            ``train_fraction`` count; other names are ignored.
    """
    own = params or {}
    return Preparation(
        strategy(own.get("preprocessing", config.preprocessing), config.strategies),
        config.outliers,
        own.get("train_fraction", config.train_fraction),
        config.resample,
        config.augment,
        own.get("class_weights", config.class_weights),
    )


def strategy(named: str | Sequence[str] | None, strategies: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The transforms that a value of ``preprocessing`` stands for, in their order."""
    if named is None or named == ORIGINAL:
        return ()
    if isinstance(named, str):
        return tuple(strategies.get(named, (named,)))
    return tuple(named)


def prepare_texts(rows: Rows, names: Sequence[str]) -> Rows:
    """Rows whose texts went through the named transforms of texts; those of rows are passed over.

    Raises:
        DataError: a name is unknown.
        ObjectiveError: a function of the user's own fails.
    """
    texts = of_texts(names)
    return change_texts(rows, lambda given: apply(texts, given)) if texts else rows


def prepare_training(train: Rows, preparation: Preparation, seed: int) -> Rows:
    """Training rows after every step; the seed alone decides what is drawn.

    In this order: the transforms as listed, outliers out, the fraction, resampling, augmentation. Copies of rows have
    names of their own (``<id>#1``) and the groups of the rows they come from.

    Raises:
        DataError, ObjectiveError: as ``prepare_texts``.
    """
    for _, _, rows in _steps(train, preparation, seed):
        train = rows
    return train


def steps(train: Rows, preparation: Preparation, seed: int) -> list[Step]:
    """A record of each step that ``prepare_training`` takes."""
    record, before = [], len(train)
    for name, parameters, rows in _steps(train, preparation, seed):
        record.append(Step(name, before, len(rows), parameters, version(rows).fingerprint))
        before = len(rows)
    return record


def write_preparation(train: Rows, study: StudyConfig, path: Path) -> None:
    """Write what a study does to its training rows: the steps fixed for all trials, and the names of those searched.

    What a trial does in place of the latter is among its settings. Nothing is written where nothing is done.
    """
    config = study.data.preparation if study.data is not None else AS_GIVEN
    record = steps(train, chosen(config), study.sampler.seed)
    searched = [name for name in SEARCHABLE if name in study.search_space] if study.task != "custom" else []
    if record or searched or config.class_weights != "none":
        content = {
            "steps": [asdict(step) for step in record],
            "class_weights": config.class_weights,
            "searched": searched,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _steps(train: Rows, preparation: Preparation, seed: int) -> Iterator[tuple[str, dict[str, Any], Rows]]:
    """Name, settings and outcome of each step there is."""
    for name in preparation.transforms:
        train = train.take(deduplicate(train)) if name in ROW_TRANSFORMS else prepare_texts(train, [name])
        yield name, {}, train
    for name, settings, step in _row_steps(preparation, seed):
        train = step(train)
        yield name, settings, train


def _row_steps(preparation: Preparation, seed: int) -> Iterator[tuple[str, dict[str, Any], Callable[[Rows], Rows]]]:
    def drawn(role: str) -> int:
        return seeds.derive(seed, "preparation", role)

    if preparation.outliers != "none":
        yield "outliers", {"method": preparation.outliers}, lambda rows: rows.take(inside(rows, preparation.outliers))
    fraction = preparation.train_fraction
    if fraction < 1:
        part = drawn("train_fraction")
        yield "train_fraction", {"fraction": fraction}, lambda rows: rows.take(first_part(rows, fraction, part))
    if preparation.resample != "none":
        settings = {"method": preparation.resample}
        yield "resample", settings, lambda rows: resample(rows, preparation.resample, drawn("resample"))
    method = preparation.augment
    if method is not None:
        yield "augment", method.model_dump(), lambda rows: augment(rows, method, drawn("augment"))

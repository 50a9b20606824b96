"""A blinded sheet for people to rate answers: which model said what stands in a key of its own."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hpo.data.whole import write_text
from hpo.errors import ConfigurationError
from hpo.evaluators.ratings import DIMENSIONS, SCALE
from hpo.validation.outputs import cell, open_folder
from hpo.validation.scoring import Scored

SHEET, KEY = "rating_sheet.csv", "rating_key.csv"
KEY_COLUMNS = ("id", "dataset", "row", "model")


def write_sheet(by_data: Mapping[str, Sequence[Scored]], rows: int, seed: int, out: Path) -> tuple[Path, Path]:
    """Write ``rating_sheet.csv`` and ``rating_key.csv`` into ``out``.

    A line is one answer: an id that says nothing of the model, the text, the reference, the answer, and an empty field
    for each of the five dimensions, to be filled with 1 (worst) to 5 (best). Lines are shuffled. Every model's answer
    to a drawn row is in the sheet. The same seed draws the same rows and gives the same ids.

    Args:
        by_data: scored models by data set.
        rows: how many rows are drawn, spread over the data sets.
        seed: of the draw, of the order and of the ids.
        out: the folder of results.

    Returns:
        The sheet and the key.

    Raises:
        ConfigurationError: nothing can be rated, or a sheet with ratings in it would be overwritten.
    """
    lines = [line for name, scored in by_data.items() for line in _lines(scored, rows, by_data, (name, seed))]
    if not lines:
        raise ConfigurationError(
            "no model gives answers that people could rate", where="rating_sheet", hint="likelihoods alone are none"
        )
    open_folder(out)
    sheet, key = out / SHEET, out / KEY
    _refuse_filled(sheet)
    order = np.random.default_rng(seed).permutation(len(lines))
    columns = ("id", "text", "reference", "answer", *DIMENSIONS)
    write_text(sheet, _csv(columns, [lines[place] for place in order]))
    known = {line["id"]: line for line in read_key(key)}
    known |= {line["id"]: line for line in sorted(lines, key=lambda line: str(line["id"]))}
    write_text(key, _csv(KEY_COLUMNS, list(known.values())))
    return sheet, key


def read_key(path: Path) -> list[dict[str, str]]:
    """What the ids of a sheet stand for: id, dataset, row, model; empty where there is no key."""
    if not path.is_file():
        return []
    with path.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def _lines(
    scored: Sequence[Scored], rows: int, by_data: Mapping[str, Sequence[Scored]], named: tuple[str, int]
) -> list[dict[str, Any]]:
    name, seed = named
    answered = [one for one in scored if one.outputs[0].prediction is not None]
    if not answered:
        return []
    data = answered[0].data
    total = sum(len(each[0].data.rows) for each in by_data.values())
    most = min(len(data.rows), max(1, round(rows * len(data.rows) / total)))
    drawn = np.random.default_rng(seed).choice(len(data.rows), most, replace=False)
    return [
        {
            "id": code(seed, name, str(data.rows.ids[place]), one.model),
            "dataset": name,
            "row": str(data.rows.ids[place]),
            "model": one.model,
            "text": data.texts[place],
            "reference": data.references[place],
            "answer": one.outputs[0].prediction[place],  # type: ignore[index]  # those without are not among them
        }
        for place in drawn.tolist()
        for one in answered
    ]


def code(seed: int, dataset: str, row: str, model: str) -> str:
    """An id that cannot be read back without the key.

    >>> len(code(0, "tickets", "17", "tuned"))
    10
    """
    return hashlib.blake2b("\0".join((str(seed), dataset, row, model)).encode(), digest_size=5).hexdigest()


def _refuse_filled(sheet: Path) -> None:
    if not sheet.is_file():
        return
    with sheet.open(encoding="utf8", newline="") as file:
        filled = any(any((line.get(name) or "").strip() for name in DIMENSIONS) for line in csv.DictReader(file))
    if filled:
        what = "the sheet has ratings in it and is not overwritten"
        raise ConfigurationError(what, where=str(sheet), hint="move it, and name it in `ratings`")


def _csv(columns: Sequence[str], lines: Sequence[Mapping[str, Any]]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([cell(line.get(name, "")) for name in columns] for line in lines)
    return buffer.getvalue()


def instructions() -> str:
    """What to tell the raters, in one sentence."""
    low, high = SCALE
    return f"every dimension from {low} (worst) to {high} (best), empty where it cannot be told; one file a rater"

"""A confusion matrix as a picture: SVG written out, so that no drawing library is needed and the text stays sharp."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
from numpy.typing import NDArray

from hpo.evaluators.classification import confusion_matrix
from hpo.records.folder import RunFolder
from hpo.records.provenance import class_names
from hpo.records.scores import read_scores
from hpo.records.wording import clean

NAMED_CLASSES = 40  # with more of them, names and counts would not be readable
_LABEL, _PREDICTION = "classification.label", "classification.prediction"
_DARK = (8, 69, 148)  # colour of a full row


def confusion_counts(folder: RunFolder, number: int) -> tuple[tuple[str, ...], NDArray[np.float64]] | None:
    """Class names and counts of a trial's validation rows, shape (k, k + 1); the last column is "no class".

    Returns:
        None where the trial has no per-row scores or is no classification.
    """
    path = folder.scores(number)
    if not path.is_file():
        return None
    table = read_scores(path)
    if _LABEL not in table or _PREDICTION not in table:
        return None
    seen = table.dropna(subset=[_LABEL, _PREDICTION])
    if seen.empty:
        return None
    stats = {"label": seen[_LABEL].to_numpy(), "prediction": seen[_PREDICTION].to_numpy()}
    most = int(max(stats["label"].max(), stats["prediction"].max())) + 1
    names = class_names(folder.data)
    if len(names) < most:
        names = tuple(str(code) for code in range(most))
    return names, confusion_matrix(stats, len(names))


def confusion_svg(names: Sequence[str], counts: NDArray[np.float64], title: str) -> str:
    """Rows are true classes, columns predictions; a cell's shade is its share of the row.

    Args:
        names: the k class names.
        counts: shape (k, k + 1); the last column is drawn only where it is not empty.
        title: one line above the matrix.
    """
    named = len(names) <= NAMED_CLASSES
    columns = [*names, "(no class)"] if counts[:, -1].any() else list(names)
    cell = 44 if len(names) <= 15 else 26 if named else max(2, 800 // len(names))
    margin = min(260, 20 + 7 * max(len(clean(name, 32)) for name in columns)) if named else 40
    heading = clean(title, 120)
    width, height = (
        max(margin + cell * len(columns) + 20, 8 * len(heading) + 20, 420),
        margin + 50 + cell * len(names) + 20,
    )
    totals = counts.sum(axis=1)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}"',
        ' font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(10, 20, heading, bold=True),
        _text(10, 38, "rows: true class, columns: prediction; shade: share of the row", colour="#555"),
    ]
    top = margin + 50
    for i, name in enumerate(names):
        y = top + i * cell
        if named:
            parts.append(_text(margin - 6, y + cell / 2 + 4, clean(name, 32), anchor="end"))
        for j in range(len(columns)):
            share = counts[i, j] / totals[i] if totals[i] else 0.0
            parts.append(_cell((margin + j * cell, y, cell), counts[i, j], share, shown=named))
    for j, name in enumerate(columns if named else ()):
        x = margin + j * cell + cell / 2 + 4
        parts.append(_text(x, top - 6, clean(name, 32), rotate=-90))
    return "\n".join([*parts, "</svg>\n"])


def _cell(square: tuple[float, float, float], count: float, share: float, *, shown: bool) -> str:
    x, y, size = square
    red, green, blue = (round(255 + (dark - 255) * share) for dark in _DARK)
    drawn = f'<rect x="{x}" y="{y}" width="{size}" height="{size}" fill="rgb({red},{green},{blue})" stroke="#ddd"/>'
    if shown and count:
        colour = "white" if share > 0.5 else "black"
        drawn += _text(x + size / 2, y + size / 2 + 4, f"{count:g}", anchor="middle", colour=colour)
    return drawn


def _text(x: float, y: float, words: str, **style: object) -> str:
    turn = f' transform="rotate({style["rotate"]} {x:g} {y:g})"' if "rotate" in style else ""
    weight = ' font-weight="bold"' if style.get("bold") else ""
    anchor, colour = style.get("anchor", "start"), style.get("colour", "black")
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" fill="{colour}"{weight}{turn}>{escape(words)}</text>'

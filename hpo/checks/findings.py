"""Findings: what an evaluator flagged, with the two rows side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.checks.catalogue import CheckSpec
from hpo.checks.values import Finding
from hpo.data.rows import Rows
from hpo.data.write import pack, write_bytes, write_frame
from hpo.errors import DataError
from hpo.evaluators.protocol import ExampleScores

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Source:
    """Rows that findings show: their texts and labels by id."""

    name: str
    texts: Mapping[str, str]
    labels: Mapping[str, str]

    @classmethod
    def of(cls, rows: Rows, name: str, texts: list[str]) -> Source:
        """Of rows with their contents, n texts."""
        ids = [str(i) for i in rows.ids]
        labels = [str(value) for value in rows.frame["label"]] if "label" in rows.frame else []
        return cls(name, dict(zip(ids, texts, strict=True)), dict(zip(ids, labels, strict=False)))


def flagged(scores: ExampleScores, flags: tuple[str, ...]) -> NDArray[np.bool_]:
    """Rows with any of the flags, shape (n,)."""
    found = np.zeros(len(scores.ids), dtype=bool)
    for name in flags:
        found |= np.asarray(scores.flags.get(name, False), dtype=bool)
    return found


def findings(spec: CheckSpec, scores: ExampleScores, rows: Source, reference: Source | None) -> Iterator[Finding]:
    """What a check found, the most alike first, else in the order of the rows.

    Args:
        spec: the check.
        scores: of its evaluator, n rows.
        rows: the n rows.
        reference: where partners lie; None: among the same rows.
    """
    others = rows if reference is None else reference
    positions = np.flatnonzero(flagged(scores, spec.flags))
    for row in sorted(positions.tolist(), key=lambda position: -_similarity(scores, position)):
        evidence = {name: values[row] for name, values in scores.evidence.items() if _said(values[row])}
        partner = evidence.pop("partner", None)
        partner = None if partner is None else str(partner)
        kinds = [name for name in spec.flags if name in scores.flags and scores.flags[name][row]]
        name = str(scores.ids[row])
        yield Finding(
            spec.name,
            name,
            partner,
            {"kind": ", ".join(kinds), **evidence},
            rows.texts.get(name, ""),
            others.texts.get(partner) if partner is not None else None,
            others.name if partner is not None and reference is not None else None,
            rows.labels.get(name),
            others.labels.get(partner) if partner is not None else None,
        )


def _similarity(scores: ExampleScores, row: int) -> float:
    values = scores.evidence.get("similarity")
    return 0.0 if values is None or not _said(values[row]) else float(values[row])


def _said(value: Any) -> bool:
    return value is not None and value != "" and not (isinstance(value, float | np.floating) and np.isnan(value))


def as_frame(found: tuple[Finding, ...]) -> pd.DataFrame:
    """All findings as a table for ``--csv``: one row a finding, evidence as JSON."""
    import pandas as pd

    rows = [finding.as_dict() for finding in found]
    for row in rows:
        row["evidence"] = json.dumps(row["evidence"], ensure_ascii=False)
    columns = list(Finding("", "").as_dict())
    return pd.DataFrame(rows, columns=columns, dtype=object)


def write_table(found: tuple[Finding, ...], path: Path) -> None:
    """Write all findings as CSV; where there are none, the header alone.

    Args:
        found: the findings.
        path: .csv, also .gz or .zst.

    Raises:
        DataError: the file cannot be written.
    """
    frame = as_frame(found)
    if frame.empty:
        write_bytes(path, pack((",".join(frame.columns) + "\n").encode(), path.suffix.lower()))
    else:
        write_frame(frame, path)


def refuse_foreign_table(path: Path) -> None:
    """Refuse to write over a file that is no table of findings.

    Raises:
        DataError: such a file stands there.
    """
    if not path.exists():
        return
    if _columns(path) != list(as_frame(()).columns):
        hint = f"name another file, or remove this one: rm {path}"
        raise DataError(
            "there is a file that is no table of findings, which is not written over", where=str(path), hint=hint
        )


def _columns(path: Path) -> list[str]:
    from hpo.data.read import read_frame

    if path.suffix.lower() == ".csv":  # its header alone: a table of findings may hold any character
        with path.open("rb") as file:
            return file.readline(10_000).decode("utf8", "replace").strip().split(",")
    try:
        return [str(name) for name in read_frame(path).columns]
    except DataError:
        return []

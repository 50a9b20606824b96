"""The error browser of the validation page: rows that one model gets right and another wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from hpo.report.escaping import excerpt, script_json
from hpo.report.page import Section, fill

BUDGET = 360_000  # bytes of the page that rows may take
TEXT = 900  # characters of a text
ANSWER = 400  # characters of an answer


def browser(found: Mapping[str, Any]) -> Section | None:
    """Rows with their text and what every model said, to be filtered in the page; None where models agree."""
    if not found["errors"]:
        return None
    rows = [_row(each) for each in found["errors"]]
    kept = fitting(rows, BUDGET)
    models = list(dict.fromkeys(name for row in kept for name in row["outputs"]))
    datasets = list(dict.fromkeys(row["dataset"] for row in kept))
    body = fill("browser.html", rows=Markup(script_json(kept)), models=models, datasets=datasets)
    lead = f"{found['errors_total']:,} rows that one model gets right and another wrong"
    if len(kept) < found["errors_total"]:
        lead += f"; {len(kept):,} of them are on this page, spread evenly, and the CSV file has every row's answers"
    return Section("errors", "Where the models disagree", body, f"{lead}.", "Errors")


def _row(each: Mapping[str, Any]) -> dict[str, Any]:
    outputs = {name: None if said is None else excerpt(said, ANSWER) for name, said in each["outputs"].items()}
    return {
        "dataset": each["dataset"],
        "id": excerpt(each["id"], 120),
        "text": excerpt(each["text"], TEXT),
        "reference": None if each["reference"] is None else excerpt(each["reference"], ANSWER),
        "outputs": outputs,
        "right": each["right"],
        "group": each.get("group"),
    }


def fitting(rows: Sequence[dict[str, Any]], room: int) -> list[dict[str, Any]]:
    """All rows where they fit, else as many as do, at even distances."""
    sizes = [len(script_json(row).encode()) for row in rows]
    if sum(sizes) <= room:
        return list(rows)
    most = max(1, int(len(rows) * room / sum(sizes)))
    while most > 1:
        places = [place * len(rows) // most for place in range(most)]
        if sum(sizes[place] for place in places) <= room:
            break
        most = int(most * 0.9)
    return [rows[place * len(rows) // most] for place in range(most)]

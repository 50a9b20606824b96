"""HTML tables from rows of plain values: escaped, sortable, numbers to the right, scrolling inside their own box."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from markupsafe import Markup

from hpo.report.escaping import visible
from hpo.report.page import fill

Kind = Literal["text", "long", "code", "count", "number", "share", "p", "signed", "verdict", "seconds"]
NUMBERS = frozenset({"count", "number", "share", "p", "signed", "seconds"})
TONES: Mapping[str, str] = {
    "ok": "good",
    "passed": "good",
    "helps": "good",
    "better": "good",
    "look": "look",
    "failed": "bad",
    "hurts": "bad",
    "worse": "bad",
    "refused": "look",
}
SIGNS = {"good": "✓", "bad": "✕", "look": "!"}


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        key: of the value in each row.
        title: its heading.
        kind: how the value is written.
        low: key of the lower end of an interval that is written behind the value; with ``high``.
        high: key of the upper end.
    """

    key: str
    title: str
    kind: Kind = "text"
    low: str = ""
    high: str = ""


def table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]], caption: str = "") -> Markup:
    """A table; a row with ``strong`` true is emphasised. Empty without rows.

    Args:
        columns: in their order; those whose value is missing in every row are left out.
        rows: values by the columns' keys; missing is None.
        caption: one line above the table.
    """
    if not rows:
        return Markup("")
    kept = [column for column in columns if any(row.get(column.key) not in (None, "") for row in rows)]
    stacked = any(column.kind == "long" for column in kept)  # on a phone, such rows become cards
    cells = [(bool(row.get("strong")), [_cell(column, row, stacked) for column in kept]) for row in rows]
    return fill("table.html", columns=kept, rows=cells, numbers=NUMBERS, caption=caption, stacked=stacked)


def _cell(column: Column, row: Mapping[str, Any], titled: bool) -> dict[str, Any]:
    value = row.get(column.key)
    text = written(value, column.kind)
    if column.low and text and row.get(column.low) is not None and row.get(column.high) is not None:
        text += f" [{written(row[column.low], column.kind)}, {written(row[column.high], column.kind)}]"
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    key = (value if number else "") if column.kind in NUMBERS else None
    title = Markup(' data-title="{}"').format(visible(column.title)) if titled and text and column.title else ""
    tone = TONES.get(text, "")
    return {"text": text, "kind": column.kind, "key": key, "tone": tone, "sign": SIGNS.get(tone, ""), "title": title}


def written(value: Any, kind: Kind) -> str:
    """A value as a table shows it; empty where it is missing.

    >>> written(0.01234, "share"), written(0.00001, "p"), written(0.0421, "p"), written(-0.5, "signed")
    ('1.23 %', '< .001', '.042', '−0.500')
    >>> written(12345, "count"), written(12345.6, "number"), written(0.71234, "number"), written(None, "p")
    ('12,345', '12,346', '0.712', '')
    """
    if value is None or value == "":
        return ""
    if kind not in NUMBERS or isinstance(value, str | bool):
        return str(value)
    if not math.isfinite(value):
        return ""
    if kind == "count":
        return f"{value:,.0f}"
    if kind == "share":
        return f"{100 * value:.3g} %"
    if kind == "p":
        return "< .001" if value < 0.001 else "1" if value >= 0.9995 else f"{value:.3f}".lstrip("0")
    sign = "+" if kind == "signed" and value > 0 else ""
    return (sign + _number(value)).replace("-", "−", 1)


def _number(value: float) -> str:
    size = abs(value)
    if isinstance(value, int) or size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.1f}"
    if size >= 10:
        return f"{value:.2f}"
    return f"{value:.3f}" if size >= 0.001 or size == 0 else f"{value:.2g}"

"""Prompt templates: text with {column} fields, rendered strictly and without evaluating anything."""

from __future__ import annotations

import string
from collections.abc import Sequence

from hpo.data.messages import Table, as_text, missing, unknown_column
from hpo.errors import DataError

OPTIONAL = ("input",)  # an instruction may go without


def parse(template: str, where: str = "data.template") -> list[tuple[str, str | None]]:
    """Pieces of ``template``: literal text, and the column that follows it (None at the end).

    Raises:
        DataError: a brace is open, or a field is more than a column's name.
    """
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:
        raise DataError(f"the template is broken: {error}", where=where, hint="write {{ and }} for braces") from error
    for _, name, spec, conversion in pieces:
        if name is None:
            continue
        if not name or spec or conversion or any(mark in name for mark in ".["):
            shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            what = f"the field {{{shown}}} of the template is not a column's name"
            raise DataError(what, where=where, hint="write {column}, and {{ and }} for braces")
    return [(literal, name) for literal, name, _, _ in pieces]


def fields(template: str) -> list[str]:
    """Columns that a template names, each once, in order."""
    return list(dict.fromkeys(name for _, name in parse(template) if name is not None))


def render(template: str, table: Table, names: dict[str, str]) -> list[str]:
    """The template filled in for every row.

    Args:
        template: text with fields; a field is a column of the file, or one of our names for it.
        table: the rows.
        names: our name -> the file's column.

    Raises:
        DataError: a field names no column, or a row has no value there.
    """
    pieces = parse(template)
    columns: dict[str, Sequence[str]] = {}
    for name in fields(template):
        column = name if name in table.frame else names.get(name, name)
        if column not in table.frame:
            hint = "a field of the template names a column; {{ and }} are braces"
            raise unknown_column(name, list(table.frame.columns), table.where, hint)
        values = table.frame[column]
        empty = missing(values)
        if name not in OPTIONAL:
            table.refuse(
                empty, f"have nothing in `{name}`, which the template needs", "fill them in, or remove the rows"
            )
        columns[name] = ["" if gone else as_text(value) for value, gone in zip(values, empty, strict=True)]
    return [
        "".join(literal + (columns[name][row] if name is not None else "") for literal, name in pieces)
        for row in range(len(table.frame))
    ]

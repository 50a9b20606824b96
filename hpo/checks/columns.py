"""Which columns of a file are which of ours: as a person names them, else as their names and values suggest."""

from __future__ import annotations

from collections.abc import Mapping

from hpo.checks.typed import typed
from hpo.data.guess import LABEL_NAMES, GuessedTask, guess, named
from hpo.data.messages import Table, unknown_column
from hpo.errors import DataError

OURS = ("id", "group", "text", "label", "instruction", "input", "output", "messages")
LOOKED_AT = 1_000  # rows by which columns are guessed


def columns_of(table: Table, given: Mapping[str, str]) -> tuple[GuessedTask, dict[str, str]]:
    """Task, and our column to the file's: as given, else as guessed.

    Raises:
        DataError: a given column is not ours or not there, or there is no column to check.
    """
    there = list(map(str, table.frame.columns))
    for ours, theirs in given.items():
        if ours not in OURS:
            hint = f"ours are {', '.join(OURS)}; write ours: yours"
            raise DataError(f"`{ours}` is not one of our columns", where=f"columns.{ours}", hint=hint)
        if theirs not in table.frame:
            raise unknown_column(theirs, there, table.where)
    twice = next((theirs for theirs in given.values() if list(given.values()).count(theirs) > 1), None)
    if twice is not None:
        raise DataError(f"`{twice}` is named for two columns of ours", where=table.where, hint="each is another column")
    names = {ours: ours for ours in ("id", "group") if ours in table.frame}
    asking = {"text", "instruction", "output", "messages"} & given.keys()
    found = None if asking and not _open(given, table) else _guessed(table, given)
    names |= {} if found is None else found[1]
    names |= given
    task = _task(names, table)
    return task, {ours: theirs for ours, theirs in names.items() if ours in _used(task, names)}


def _open(given: Mapping[str, str], table: Table) -> bool:
    """Whether a text is named but no label, and there is a column that is called one."""
    return "text" in given and "label" not in given and _label_named(table, given) is not None


def _guessed(table: Table, given: Mapping[str, str]) -> tuple[GuessedTask, dict[str, str]]:
    if "text" in given:
        label = _label_named(table, given)
        return "classification", {"text": given["text"]} | ({} if label is None else {"label": label})
    if "messages" in table.frame:
        return "instruction", {"messages": "messages"}
    frame = typed(table.frame.head(LOOKED_AT))
    if "label" in given:
        others = [name for name in frame.columns if name == "label" != given["label"]]
        frame = frame.drop(columns=others).rename(columns={given["label"]: "label"})
    try:
        found = guess(frame)
        if "label" in given and found.columns.get("text") == "label":  # the label is all the text there is
            raise DataError("no text")
    except DataError as error:
        listed = ", ".join(map(str, table.frame.columns))
        hint = "name them: --text C --label C; others that are known: instruction and output, messages"
        raise DataError(f"no column with text among {listed}", where=table.where, hint=hint) from error
    columns = dict(found.columns)
    if (
        found.task != "instruction"
        and "text" in table.frame
        and "text" not in (columns.get("text"), given.get("label"))
    ):
        return _guessed(table, {**given, "text": "text"})  # what is called text is meant, however broken it is
    if found.task == "language_modeling" and "label" in table.frame and columns.get("text") != "label":
        columns["label"] = "label"  # of one class, or a class a row: worth a look
    if "label" in given:
        columns["label"] = given["label"]
    if found.task == "instruction" and "input" in table.frame:
        columns["input"] = "input"
    return found.task, columns


def _label_named(table: Table, given: Mapping[str, str]) -> str | None:
    return named(table.frame.drop(columns=given["text"]), LABEL_NAMES)


def _task(names: Mapping[str, str], table: Table) -> GuessedTask:
    if "messages" in names or ("output" in names and "instruction" in names):
        return "instruction"
    if "label" not in names:
        return "language_modeling"
    frame = typed(table.frame.head(LOOKED_AT))[[names["label"]]].rename(columns={names["label"]: "label"})
    frame = frame.assign(text="text of a row")
    try:
        return guess(frame).task
    except DataError:
        return "classification"


def _used(task: GuessedTask, names: Mapping[str, str]) -> tuple[str, ...]:
    if task != "instruction":
        return ("id", "group", "text", "label")
    return ("id", "group", "messages") if "messages" in names else ("id", "group", "instruction", "input", "output")

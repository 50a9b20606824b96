"""The four formats of rows (text, text and label, instruction, messages): recognised, and brought to one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.config.models import DataConfig, TaskKind
from hpo.data.conversations import asked, parse
from hpo.data.labels import class_names, targets
from hpo.data.messages import Table, as_text, missing, unknown_column
from hpo.data.rows import Format, Rows
from hpo.data.template import fields, render
from hpo.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

OURS = ("id", "group", "text", "label", "instruction", "input", "output", "messages")
_EMPTY = "fill them in, or remove the rows"


@dataclass(frozen=True)
class Read:
    """Rows in our form, with what only the split needs."""

    rows: Rows
    content: list[str]  # what the user wrote, without the template: copies are recognised by it
    times: pd.Series[Any] | None = None  # the column that `split.by` names in a time split
    where: str = "data"


def canonicalise(table: Table, data: DataConfig, task: TaskKind) -> Read:
    """A table of the user's in the form that ``Rows`` documents.

    Raises:
        DataError: a column is missing, ids repeat, or rows have no text, label, answer or group.
    """
    names = _names(table, data.columns)
    kind = _format(table, names, data, task)
    frame = {"text": _text, "text_label": _text, "instruction": _instruction, "messages": _messages}.get(kind, _custom)(
        table, names, data
    )
    if kind == "text_label":
        label = table.column(names["label"])
        frame["label"] = targets(label, table) if task == "regression" else class_names(label, table)
    frame.insert(0, "id", _ids(table, names))
    group = (
        data.split.by if data.split.strategy == "group" else names["group"] if names["group"] in table.frame else None
    )
    if group is not None:
        frame["group"] = _groups(table, names.get(group, group) if group not in table.frame else group)
    by = data.split.by if data.split.strategy == "time" else None
    times = None if by is None else table.column(by if by in table.frame else names.get(by, by)).reset_index(drop=True)
    content = _content(table, names, kind, data)
    if kind != "custom" and ("text" not in frame or frame["text"].tolist() != content):
        frame["content"] = _columns(content=content)["content"]
    return Read(Rows(frame, kind), content, times, table.where)


def _names(table: Table, columns: dict[str, str]) -> dict[str, str]:
    """Our name -> the file's, for all of ours."""
    for ours, theirs in columns.items():
        if ours not in OURS:
            hint = f"ours are {', '.join(OURS)}; write ours: yours"
            raise DataError(f"`{ours}` is not one of our columns", where=f"data.columns.{ours}", hint=hint)
        if theirs not in table.frame:
            raise unknown_column(theirs, list(table.frame.columns), table.where)
    return {ours: columns.get(ours, ours) for ours in OURS}


def _format(table: Table, names: dict[str, str], data: DataConfig, task: TaskKind) -> Format:
    there = {ours for ours, theirs in names.items() if theirs in table.frame}
    if data.template is not None:
        there.add("prompt")
    prompt, text = {"prompt", "instruction"} & there, {"prompt", "text"} & there
    if task in ("classification", "regression"):
        _need(table, names, "label")
        return "text_label" if text else _none(table, names, "text")
    if task == "instruction" or (task == "language_modeling" and not text):
        if "messages" in there and not data.template:
            return "messages"
        if "output" in there and prompt:
            return "instruction"
        return _none(table, names, "text" if task == "language_modeling" else "output" if prompt else "instruction")
    if task == "language_modeling":
        return "text"
    return "text_label" if text and "label" in there else "custom"


def _need(table: Table, names: dict[str, str], ours: str) -> None:
    if names[ours] not in table.frame:
        raise unknown_column(names[ours], list(table.frame.columns), table.where, f"columns: {{{ours}: YOUR COLUMN}}")


def _none(table: Table, names: dict[str, str], ours: str) -> Format:
    _need(table, names, ours)
    raise DataError(
        f"the column `{names[ours]}` alone is not a format", where=table.where, hint="see data in the reference"
    )


def _filled(table: Table, column: str) -> list[str]:
    values = table.column(column)
    table.refuse(missing(values), f"have an empty `{column}`", _EMPTY)
    nested = values.map(lambda value: isinstance(value, list | dict)).to_numpy(dtype=bool)
    table.refuse(nested, f"have a list or an object in `{column}`", "text is needed")
    return [as_text(value) for value in values]


def _prompts(table: Table, names: dict[str, str], prompt: str, answers: tuple[str, ...]) -> list[str]:
    told = [ours for ours in answers for field in fields(prompt) if field in (ours, names[ours])]
    if told:
        what = f"the template shows `{names[told[0]]}`, which is what the model has to answer"
        raise DataError(what, where="data.template", hint="remove the field")
    return render(prompt, table, names)


def _text(table: Table, names: dict[str, str], data: DataConfig) -> pd.DataFrame:
    if data.template is None:
        return _columns(text=_filled(table, names["text"]))
    return _columns(text=_prompts(table, names, data.template, ("label",)))


def _instruction(table: Table, names: dict[str, str], data: DataConfig) -> pd.DataFrame:
    prompt = data.template
    if prompt is None:
        parts = ("instruction", "input") if names["input"] in table.frame else ("instruction",)
        texts = render("\n\n".join(f"{{{part}}}" for part in parts), table, names)
        texts = [text.rstrip() + "\n\n" for text in texts]
    else:
        texts = _prompts(table, names, prompt, ("output",))
    return _columns(text=texts, reference=_filled(table, names["output"]))


def _messages(table: Table, names: dict[str, str], data: DataConfig) -> pd.DataFrame:
    before, answers = parse(table, names["messages"])
    return _columns(messages=before, reference=answers)


def _custom(table: Table, names: dict[str, str], data: DataConfig) -> pd.DataFrame:
    back = {theirs: ours for ours, theirs in names.items()}
    frame = table.frame.rename(columns=back).reset_index(drop=True)
    return frame.drop(columns=[name for name in ("id", "group") if name in frame])


def _columns(**values: Sequence[Any]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame({name: pd.Series(column, dtype=object) for name, column in values.items()})


def _ids(table: Table, names: dict[str, str]) -> pd.Series[Any]:
    import pandas as pd

    if names["id"] not in table.frame:
        return pd.Series([str(row) for row in range(len(table.frame))], dtype=object)
    ids = pd.Series(_filled(table, names["id"]), dtype=object)
    again = ids.duplicated().to_numpy(dtype=bool)
    if again.any():
        first = ids[again].iloc[0]
        table.refuse(
            again, f"repeat an id that was there before, the first of them {first!r}", "ids name rows: one each"
        )
    return ids


def _groups(table: Table, column: str) -> pd.Series[Any]:
    import pandas as pd

    return pd.Series(_filled(table, column), dtype=object)


def _content(table: Table, names: dict[str, str], kind: Format, data: DataConfig) -> list[str]:
    """What tells a row from its copies; wording that all rows share (a template, a system turn) would hide it."""
    if kind == "messages":
        return asked(table.frame[names["messages"]])
    if kind == "custom":
        return [repr(tuple(map(str, row))) for row in table.frame.drop(columns=names["id"], errors="ignore").to_numpy()]
    if data.template is not None:
        used = [name if name in table.frame else names.get(name, name) for name in fields(data.template)]
    else:
        used = [names["text"]] if kind != "instruction" else [names["instruction"]]
    content = [" ".join(as_text(value) for value in row) for row in table.frame[used].fillna("").to_numpy()]
    if kind == "instruction" and data.template is None and names["input"] in table.frame:
        inputs = table.frame[names["input"]]
        return [c if gone else as_text(own) for c, own, gone in zip(content, inputs, missing(inputs), strict=True)]
    return content

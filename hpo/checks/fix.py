"""The fix: a cleaned copy of a data file beside it, and a log of every row that was changed or removed, and why."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hpo.checks.load import Loaded
from hpo.config.paths import is_own
from hpo.data.rows import Rows
from hpo.data.transforms import apply
from hpo.data.write import write_new
from hpo.errors import DataError
from hpo.evaluators.check_registry import CHECKS
from hpo.evaluators.protocol import ExampleScores

if TYPE_CHECKING:
    import pandas as pd

CLEANING = ("fix_encoding", "normalize_whitespace")
TEXTS = ("text", "instruction", "input", "output")
COPIES = ("exact_duplicate", "normalised_duplicate", "near_duplicate")
MOST_ROUNDS = 5  # of looking for leaks: one that is removed may have hidden another


@dataclass(frozen=True)
class Change:
    """One change: the row, what happened to it, why, and the values before and after."""

    id: str
    action: str  # removed or changed
    reason: str
    column: str = ""
    before: str = ""
    after: str = ""
    partner: str = ""


@dataclass
class Fixed:
    """A cleaned table, and what was done to it.

    Attributes:
        loaded: the rows that are left, in the file's own columns and in ours.
        changes: every change, in the order in which they were made.
    """

    loaded: Loaded
    changes: list[Change] = field(default_factory=list)

    def counts(self) -> dict[str, int]:
        """Changes by reason."""
        return dict(Counter(change.reason for change in self.changes))


def fix(loaded: Loaded, reference: Loaded | None = None, near: float = 0.8) -> Fixed:
    """Clean rows: encoding and white space mended, label variants unified, broken rows, copies and leaks removed.

    Of copies (exact, normalised, near) the first row stays, unless they carry different labels: which of these is right
    nobody has said, so they stay and are only reported. Rows that ask what a held-out row asks are removed, since the
    held-out rows are what a model is judged by.

    Args:
        loaded: the rows.
        reference: held-out rows; None: there are none.
        near: least Jaccard similarity of near copies.
    """
    fixed = Fixed(loaded)
    _clean_texts(fixed)
    _unify_labels(fixed)
    _remove(fixed, _broken(fixed.loaded))
    _remove(fixed, _copies(fixed.loaded.rows, near))
    for _ in range(MOST_ROUNDS if reference is not None else 0):
        if reference is None or not _remove(fixed, _leaks(fixed.loaded.rows, reference.rows, near)):
            break
    return fixed


def cleaned_path(path: Path) -> Path:
    """``rows.cleaned.jsonl`` for ``rows.jsonl`` and ``rows.py``; ``rows.cleaned.jsonl.gz`` for ``rows.jsonl.gz``."""
    if is_own(str(path)):
        path = path.with_name(path.name.partition(".py")[0] + ".jsonl")
    packed = path.suffix if path.suffix.lower() in (".gz", ".zst") else ""
    bare = path.with_name(path.name.removesuffix(packed))
    return bare.with_name(f"{bare.stem}.cleaned{bare.suffix}{packed}")


def write_fixed(fixed: Fixed, path: Path) -> tuple[Path, Path]:
    """Write the cleaned rows and the log beside the input, and say where they are.

    Raises:
        DataError: nothing is left, or a file of other content stands there.
    """
    if not len(fixed.loaded.frame):
        raise DataError("no row is left after the fix", where=str(path), hint="look at the findings first")
    target = cleaned_path(path)
    log = target.with_name(f"{target.name.split('.cleaned')[0]}.cleaned.log.csv")
    write_new({target: fixed.loaded.frame, log: log_frame(fixed)})
    return target, log


def log_frame(fixed: Fixed) -> pd.DataFrame:
    """The log as a table: a row a change, in their order."""
    import pandas as pd

    columns = ["id", "action", "reason", "column", "before", "after", "partner"]
    rows = [[_writable(getattr(change, name)) for name in columns] for change in fixed.changes]
    return pd.DataFrame(
        rows or [["", "none", "nothing was to be changed", "", "", "", ""]], columns=columns, dtype=object
    )


def _writable(text: str) -> str:
    r"""A text as UTF-8 can hold it: half a surrogate pair is shown as ``\ud800``."""
    return text.encode("utf8", "backslashreplace").decode("utf8")


def _clean_texts(fixed: Fixed) -> None:
    loaded = fixed.loaded
    frame, ids = loaded.frame.copy(), loaded.rows.ids
    for ours in (name for name in TEXTS if name in loaded.columns):
        column = loaded.columns[ours]
        values = frame[column].tolist()
        rows = [row for row, value in enumerate(values) if isinstance(value, str)]
        for step in CLEANING:
            after = apply([step], [values[row] for row in rows])
            for row, text in zip(rows, after, strict=True):
                if text != values[row]:
                    fixed.changes.append(Change(str(ids[row]), "changed", step, column, values[row], text))
                    values[row] = text
        frame[column] = _objects(values, frame)
    _clean_conversations(fixed, frame)
    _put(fixed, frame)


def _clean_conversations(fixed: Fixed, frame: pd.DataFrame) -> None:
    """Encoding within turns; white space there may be part of an answer, and stays."""
    column = fixed.loaded.columns.get("messages")
    if column is None:
        return
    values = frame[column].tolist()
    for row, turns in enumerate(values):
        if not isinstance(turns, list):
            continue
        mended = [_mended(turn) for turn in turns]
        if mended != turns:
            told = (json.dumps(each, ensure_ascii=False) for each in (turns, mended))
            fixed.changes.append(Change(str(fixed.loaded.rows.ids[row]), "changed", "fix_encoding", column, *told))
            values[row] = mended
    frame[column] = _objects(values, frame)


def _mended(turn: Any) -> Any:
    if not isinstance(turn, dict) or not isinstance(turn.get("content"), str):
        return turn
    return {**turn, "content": apply(["fix_encoding"], [turn["content"]])[0]}


def _unify_labels(fixed: Fixed) -> None:
    loaded = fixed.loaded
    if "label" not in loaded.columns or loaded.rows.frame["label"].dtype != object:
        return
    scores = _scored("labels", loaded.rows)
    frame, column = loaded.frame.copy(), loaded.columns["label"]
    values = frame[column].tolist()
    for row in np.flatnonzero(scores.flags["label_variant"]).tolist():
        label = scores.evidence["canonical"][row]
        fixed.changes.append(Change(str(scores.ids[row]), "changed", "label_variant", column, str(values[row]), label))
        values[row] = label
    frame[column] = _objects(values, frame)
    _put(fixed, frame)


def _broken(loaded: Loaded) -> Iterator[Change]:
    sound = set(loaded.sound.tolist())
    scores = _scored("format", loaded.rows)
    for row in range(len(loaded.rows)):
        if row not in sound:
            reason = str(scores.evidence["reason"][row])
            yield Change(str(loaded.rows.ids[row]), "removed", "format_fault", before=reason)


def _copies(rows: Rows, near: float) -> Iterator[Change]:
    contradicting: set[str] = set()
    if "label" in rows.frame and rows.frame["label"].dtype == object:
        labels = _scored("labels", rows)
        contradicting = {str(labels.ids[row]) for row in np.flatnonzero(labels.flags["contradictory_label"])}
    label_of = dict(zip(map(str, rows.ids), _answers(rows), strict=True))
    for scores in (_scored("exact_copies", rows), _scored("near_copies", rows, threshold=near)):
        for flag in (name for name in COPIES if name in scores.flags):
            for row in np.flatnonzero(scores.flags[flag]).tolist():
                name, partner = str(scores.ids[row]), str(scores.evidence["partner"][row])
                if name not in contradicting and label_of[name] == label_of.get(partner):
                    yield Change(name, "removed", flag, partner=partner)


def _answers(rows: Rows) -> list[str]:
    """What is learnt from each row beside its text: copies with other answers are no copies."""
    return [str(value) for value in rows.frame["label"]] if "label" in rows.frame else [""] * len(rows)


def _leaks(rows: Rows, held_out: Rows, near: float) -> Iterator[Change]:
    """Rows that a held-out row stands in, seen from both sides: of several training copies each is removed."""
    forth = _scored("leakage", rows, held_out, threshold=near)
    back = _scored("leakage", held_out, rows, threshold=near)
    seen = set()
    for scores, turned in ((forth, False), (back, True)):
        for row in np.flatnonzero(scores.stats["leaked"]).tolist():
            pair = str(scores.ids[row]), str(scores.evidence["partner"][row])
            name, partner = pair[::-1] if turned else pair
            if name not in seen:
                seen.add(name)
                yield Change(name, "removed", f"leaked_{scores.evidence['how'][row]}", partner=partner)


def _scored(name: str, rows: Rows, reference: Rows | None = None, **settings: Any) -> ExampleScores:
    evaluator = CHECKS[name](**settings)
    return evaluator.score(rows, None, evaluator.prepare(reference))


def _remove(fixed: Fixed, changes: Iterator[Change]) -> bool:
    """Take rows out; whether there were any. A row is removed once, for the first reason."""
    reasons: dict[str, Change] = {}
    for change in changes:
        reasons.setdefault(change.id, change)
    if not reasons:
        return False
    fixed.changes += reasons.values()
    kept = np.flatnonzero([str(name) not in reasons for name in fixed.loaded.rows.ids])
    _keep(fixed, fixed.loaded.frame, kept)
    return True


def _keep(fixed: Fixed, frame: pd.DataFrame, kept: Any) -> None:
    old = fixed.loaded
    at = {int(row): place for place, row in enumerate(kept)}
    faults = {at[row]: fault for row, fault in old.faults.items() if row in at}
    left = frame.iloc[kept].reset_index(drop=True)
    fixed.loaded = replace(old, rows=old.rows.take(kept), frame=left, faults=faults)


def _put(fixed: Fixed, frame: pd.DataFrame) -> None:
    """Take changed values over into our own columns too; ids stay what they were."""
    ours = fixed.loaded.rows.frame.copy()
    for name, column in fixed.loaded.columns.items():
        if name not in ("id", "group") and ours[name].dtype == object:
            theirs = frame[column].tolist()
            missing = ours[name].isna().tolist()
            ours[name] = _objects([None if gone else v for gone, v in zip(missing, theirs, strict=True)], ours)
            if name == "label":
                ours[name] = _objects([v if v is None else str(v).strip() for v in ours[name]], ours)
    fixed.loaded = replace(fixed.loaded, frame=frame, rows=Rows(ours, fixed.loaded.rows.format))


def _objects(values: list[Any], frame: pd.DataFrame) -> Any:
    import pandas as pd

    return pd.Series(values, dtype=object, index=frame.index)

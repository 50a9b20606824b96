"""Versions of data: a fingerprint of rows that does not depend on their order, and what changed between two."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from hpo.data.rows import Rows


@dataclass(frozen=True)
class Version:
    """Fingerprint of n rows.

    Attributes:
        fingerprint: of all rows in any order, 32 hexadecimal digits.
        digests: of each row in the order of the rows, n of them, 16 hexadecimal digits; equal rows have equal ones.
    """

    fingerprint: str
    digests: tuple[str, ...]


@dataclass(frozen=True)
class Changed:
    """A row with another text, label or answer than before.

    Attributes:
        id: its name in both versions (of the new one, where it was matched by its text).
        columns: those whose values differ.
        before: the old label, or None where it has none or kept it.
        after: the new label, likewise.
    """

    id: str
    columns: tuple[str, ...]
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Changes:
    """What changed from an old version to a new one.

    Attributes:
        matched_by: ``id`` where the two versions share names of rows, else ``text``.
        added: names (in the new version) of the rows that only it has.
        removed: names (in the old version) of the rows that only it has.
        changed: rows of both, with other values.
        unchanged: number of rows of both with the same values.
        moved: number of changed rows by their labels, ``(old label, new label) -> n``.
        counts: rows of each class ``label -> (old, new)``; empty without labels.
    """

    matched_by: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[Changed, ...]
    unchanged: int
    moved: Mapping[tuple[str, str], int]
    counts: Mapping[str, tuple[int, int]]

    def as_dict(self) -> dict[str, Any]:
        """The changes as JSON holds them."""
        found = asdict(self)
        found["moved"] = [{"before": a, "after": b, "rows": n} for (a, b), n in sorted(self.moved.items())]
        found["counts"] = {label: list(pair) for label, pair in self.counts.items()}
        return found


def version(rows: Rows) -> Version:
    """The fingerprint of rows: of their values in every column but ``id``, and of how often each row is there.

    Each row is hashed (BLAKE2b) as JSON with sorted keys; the sorted digests are hashed again, so that neither the
    order of the rows nor that of the columns counts.
    """
    digests = tuple(_digests(rows))
    whole = hashlib.blake2b("\n".join(sorted(digests)).encode(), digest_size=16)
    return Version(whole.hexdigest(), digests)


def changes(old: Rows, new: Rows) -> Changes:
    """Rows added, removed and changed from ``old`` to ``new``.

    Rows are matched by id where at least half of the smaller version's ids are in the other and rows of one id mostly
    agree in their content; where ids are only numbers of lines, a row put in at the top would shift them all. Else they
    are matched by what they ask (the text), copies one to one in their order, and a row whose text has changed is one
    removed and one added.
    """
    values, ids = (_values(old), _values(new)), (old.ids.tolist(), new.ids.tolist())
    asked = (_asked(values[0]), _asked(values[1]))
    by_id = _ids_hold(ids, asked)
    keys: tuple[list[Any], list[Any]] = ids if by_id else (_numbered(asked[0]), _numbered(asked[1]))
    before, after = {key: row for row, key in enumerate(keys[0])}, {key: row for row, key in enumerate(keys[1])}
    both = [(before[key], row) for key, row in after.items() if key in before]
    changed = [_compare(values[0][a], values[1][b], str(ids[1][b])) for a, b in both]
    found = tuple(each for each in changed if each is not None)
    moved = Counter((c.before, c.after) for c in found if c.before is not None and c.after is not None)
    return Changes(
        "id" if by_id else "text",
        tuple(str(ids[1][row]) for key, row in after.items() if key not in before),
        tuple(str(ids[0][row]) for key, row in before.items() if key not in after),
        found,
        len(both) - len(found),
        dict(moved),
        _counts(old, new),
    )


def _values(rows: Rows) -> list[dict[str, Any]]:
    frame = rows.frame.drop(columns="id", errors="ignore")
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, record, strict=True)) for record in frame.itertuples(index=False, name=None)]


def _digests(rows: Rows) -> list[str]:
    return [
        hashlib.blake2b(_json(values).encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
        for values in _values(rows)
    ]


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else str(value)


def _asked(values: Sequence[dict[str, Any]]) -> list[str]:
    """What a row asks: all of it but its label, answer and group."""
    hidden = ("label", "reference", "group")
    return [_json({name: value for name, value in row.items() if name not in hidden}) for row in values]


def _numbered(keys: Sequence[str]) -> list[tuple[str, int]]:
    """Equal keys told apart by how many there were before."""
    seen: Counter[str] = Counter()
    numbered = []
    for key in keys:
        numbered.append((key, seen[key]))
        seen[key] += 1
    return numbered


def _ids_hold(ids: tuple[list[Any], list[Any]], asked: tuple[list[str], list[str]]) -> bool:
    """Whether ids name the same rows in both versions."""
    before, after = ({str(name): row for row, name in enumerate(names)} for names in ids)
    shared = [i for i in after if i in before]
    if 2 * len(shared) < min(len(before), len(after)) or not shared:
        return False
    same = sum(asked[0][before[i]] == asked[1][after[i]] for i in shared)
    return 2 * same >= len(shared)


def _compare(old: dict[str, Any], new: dict[str, Any], name: str) -> Changed | None:
    if list(old.values()) == list(new.values()) and old.keys() == new.keys():
        return None
    columns = tuple(c for c in {**old, **new} if _json(old.get(c)) != _json(new.get(c)))
    if not columns:
        return None
    if "label" not in columns:
        return Changed(name, columns)
    return Changed(name, columns, *(str(row["label"]) if "label" in row else None for row in (old, new)))


def _counts(old: Rows, new: Rows) -> dict[str, tuple[int, int]]:
    if any("label" not in rows.frame or rows.frame["label"].dtype.kind == "f" for rows in (old, new)):
        return {}
    before, after = (Counter(map(str, rows.frame["label"])) for rows in (old, new))
    return {label: (before[label], after[label]) for label in sorted({*before, *after})}

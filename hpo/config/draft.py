"""A YAML file of ours while it is being read: plain values, where each of them stands, and the faults found so far."""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpo.config.nested import value_at, with_value
from hpo.errors import Fault

Key = tuple[str | int, ...]  # the way to a value: ("search_space", "learning_rate", "low")


@dataclass(frozen=True, order=True)
class Place:
    """Where a value was written: a line of a file (counted from 1), or an option of the command line (line 0)."""

    source: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}" if self.line else self.source


@dataclass(frozen=True)
class Elsewhere:
    """What is there on the machines that will run the study, and not on the one that reads its file.

    Args:
        folders: absolute; a path in one of them is not looked for here.
        variables: names of environment variables whose values are not known here.
    """

    folders: tuple[str, ...] = ()
    variables: frozenset[str] = frozenset()

    def has(self, path: str) -> bool:
        """Whether a path lies in one of the folders."""
        return any(os.path.commonpath([folder, path]) == folder for folder in self.folders if os.path.isabs(path))


@dataclass
class Draft:
    """What has been read so far. Sequences are tuples, mappings are dicts with text keys.

    Args:
        values: the content.
        places: where each value stands, by its way from the top; ``()`` is the file itself.
        folder: what relative paths start from.
        elsewhere: what the study finds only where it runs.
    """

    values: dict[str, Any]
    places: dict[Key, Place]
    folder: Path
    elsewhere: Elsewhere = Elsewhere()
    templates: dict[Key, str] = field(default_factory=dict)  # texts as written, with ${NAME} in them
    faults: list[tuple[Key, Place, Fault]] = field(default_factory=list)

    def at(self, key: Key) -> Place:
        """Where a value stands, or the nearest thing around it that was written."""
        while key not in self.places and key:
            key = key[:-1]
        return self.places.get(key, Place("study file"))

    def fault(self, key: Key, what: str, hint: str = "") -> None:
        """Note that something is wrong; one fault for each value."""
        if all(key != known for known, _, _ in self.faults):
            place = self.at(key)
            self.faults.append((key, place, Fault(str(place), what, hint)))

    def sound(self, *key: str | int) -> bool:
        """Whether nothing wrong is known of a value, of what it contains, and of what it stands in."""
        return not any(known[: len(key)] == key[: len(known)] for known, _, _ in self.faults if known)

    def get(self, *key: str | int) -> Any:
        """The value at ``key``, or None."""
        return value_at(self.values, key)

    def text(self, *key: str | int) -> str | None:
        """The text at ``key``; None where there is none, or something else."""
        value = self.get(*key)
        return value if isinstance(value, str) else None

    def block(self, *key: str | int) -> dict[str, Any]:
        """The mapping at ``key``; empty where there is none, or something else."""
        value = self.get(*key)
        return value if isinstance(value, dict) else {}

    def mappings(self, name: str) -> Iterator[tuple[Key, dict[str, Any]]]:
        """The entries of a list that are mappings of keys, each with the way to it."""
        for index, value in enumerate(self.entries(name)):
            if isinstance(value, dict):
                yield (name, index), value

    def entries(self, *key: str | int) -> tuple[Any, ...]:
        """The list at ``key``; empty where there is none, or something else."""
        value = self.get(*key)
        return value if isinstance(value, tuple) else ()

    def put(self, key: Key, value: Any) -> None:
        """Replace a value that is there; the sequences it stands in are rebuilt."""
        self.values = with_value(self.values, key, value)

    def sorted_faults(self) -> list[Fault]:
        """All faults, in the order in which they stand in the file."""
        first = self.places.get((), Place("")).source
        ranked = sorted(self.faults, key=lambda entry: (entry[1].source != first, entry[1]))
        return [fault for _, _, fault in ranked]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint that names the nearest of ``known``, or else all of them where they are few."""
    names = sorted(set(known))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.6)
    if not near and "_" in name:  # f1_macro for macro_f1
        near = [each for each in names if sorted(each.split("_")) == sorted(name.split("_"))]
    if near:
        return f"did you mean {near[0]}?"
    return f"known: {', '.join(names)}" if 0 < len(names) <= 40 else ""

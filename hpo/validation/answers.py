"""The answers of every model to every data set: found on disk, read from a file, or asked for now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hpo.objective import Outputs
from hpo.validation.cost import timed
from hpo.validation.data import DataSet
from hpo.validation.labels import relabelled
from hpo.validation.members import Context, Found, Member, blamed
from hpo.validation.models import ModelEntry
from hpo.validation.stored import Store, key_of

Say = Callable[[str], None]


@dataclass(frozen=True)
class Answers:
    """What an entry said of a data set's rows, by seed, and what that cost; nothing of files."""

    runs: Mapping[int, Outputs]
    costs: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Asking:
    """What is the same for all questions."""

    context: Context
    store: Store
    say: Say


def answers(entry: ModelEntry, data: DataSet, found: Found, wanted: frozenset[str], asking: Asking) -> Answers:
    """All answers of an entry to a data set.

    Raises:
        HpoError: a model cannot be opened or asked; names the model and the data set.
    """
    if found.runs is not None:
        return Answers({seed: relabelled(entry, data, each) for seed, each in found.runs.items()})
    runs, costs = {}, []
    for member in found.members:
        key = key_of(member.identity, entry, data, wanted)
        kept = asking.store.read(entry.name, data, member.seed, key)
        if kept is None:
            kept = _ask(entry, data, member, asking)
            asking.store.write(entry.name, data, member.seed, key, kept)
        runs[member.seed] = kept[0]
        costs.append(kept[1])
    return Answers(runs, tuple(costs))


def _ask(entry: ModelEntry, data: DataSet, member: Member, asking: Asking) -> tuple[Outputs, dict[str, Any]]:
    seed = f", seed {member.seed}" if member.seed else ""
    asking.say(f"{entry.name} answers {len(data.rows)} rows of {data.name}{seed}")
    with blamed(entry, data):
        opened = member.open()
        try:
            outputs, cost = timed(opened, data.rows, asking.context.config.statistics.seed)
        finally:
            opened.close()
        return relabelled(entry, data, outputs), cost

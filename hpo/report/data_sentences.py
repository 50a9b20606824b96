"""The verdict on data in two plain sentences: what is wrong, and what to do about it with which command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hpo.records.wording import plural
from hpo.report.tables import written

# What to do about the findings of a check, the most harmful check first.
ADVICE: Mapping[str, str] = {
    "leakage": "take the leaked rows out of the rows to learn from before any score on the others is believed",
    "contradictory_labels": "settle which label each of the copies has",
    "personal_data": "remove the personal data, or make sure that it may be used",
    "duplicates": "drop the copies, so that no row counts twice",
    "near_duplicates": "read the near copies, and drop those that say the same",
    "label_variants": "write each class in one way",
    "encoding": "repair the damaged characters",
    "empty": "drop the rows without text",
    "truncated": "raise `max_length`, or accept that the ends of these rows are never read",
    "label_noise": "read the rows at the top of the list of label noise, and correct what is wrong",
    "class_balance": "weight the classes, and judge by a metric that counts every class alike",
    "special_characters": "look at the rows full of unusual characters",
    "length": "look at the very short and very long rows",
    "outliers": "look at the rows unlike all others",
    "vocabulary": "see whether the rows repeat one template",
}
FIXABLE = frozenset(
    {"duplicates", "near_duplicates", "encoding", "empty", "label_variants", "leakage", "personal_data"}
)


@dataclass(frozen=True)
class DataVerdict:
    """What stands at the top of the page."""

    state: str
    tone: str
    sentences: tuple[str, str]
    commands: tuple[str, ...]


def data_verdict(found: Mapping[str, Any]) -> DataVerdict:
    """The state of the data in a word, two sentences, and the command that comes next."""
    failed = [gate for gate in found["gates"] if not gate["passed"]]
    worst = _worst(found)
    if failed:
        state, tone = f"{plural(len(failed), 'gate')} failed", "bad"
        parts = "; ".join(f"{gate['name']} is {_against(gate)}" for gate in failed[:4])
        what = f"{len(failed)} of {plural(len(found['gates']), 'gate')} failed: {parts}."
    elif worst:
        state, tone = "look before you train", "look"
        gates = f"All {plural(len(found['gates']), 'gate')} hold, but " if found["gates"] else ""
        few = plural(len(worst), "check")
        what = f"{gates}{few} found rows that a person should see: {_counted(found, worst)}."
    else:
        state, tone = "nothing found", "good"
        run = sum(check["verdict"] != "not run" for check in found["checks"].values())
        what = f"{plural(run, 'check')} of {plural(found['rows'], 'row')} found nothing that stands out."
    names = [gate["check"] for gate in failed] or worst
    return DataVerdict(state, tone, (what[0].upper() + what[1:], _advice(names)), _commands(found, names))


def _worst(found: Mapping[str, Any]) -> list[str]:
    """Checks with something to see, the most harmful first."""
    seen = [name for name, check in found["checks"].items() if check["verdict"] in ("look", "failed")]
    order = list(ADVICE)
    return sorted(seen, key=lambda name: order.index(name) if name in order else len(order))


def _counted(found: Mapping[str, Any], names: list[str]) -> str:
    parts = [f"{found['checks'][name]['flagged']:,} in {name.replace('_', ' ')}" for name in names[:4]]
    more = len(names) - len(parts)
    return ", ".join(parts) + (f", and {more} more below" if more else "")


def _against(gate: Mapping[str, Any]) -> str:
    if gate["value"] is None:
        return "not measured"
    side = "at least" if gate["name"].startswith("min_") else "at most"
    return f"{gate['value']:.4g} and should be {side} {gate['threshold']:.4g}"


def _advice(names: list[str]) -> str:
    if not names:
        return "Train; the numbers below say what the rows are like."
    order = list(ADVICE)
    first = sorted(dict.fromkeys(names), key=lambda name: order.index(name) if name in order else len(order))[:2]
    steps = [ADVICE.get(name, f"look at what {name.replace('_', ' ')} found") for name in first]
    text = ", then ".join(steps)
    return f"{text[0].upper()}{text[1:]}."


def _commands(found: Mapping[str, Any], names: list[str]) -> tuple[str, ...]:
    """The command that repairs what was found where there is one, else the first of the commands to type next."""
    commands = list(found["next"])
    fixing = [command for command in commands if "--fix" in command]
    if fixing and FIXABLE.intersection(names):
        return (fixing[0],)
    return tuple(commands[:1])


def share(check: Mapping[str, Any]) -> bool:
    """Whether the value of a check is a share of rows or characters, and so shown in per cent."""
    return str(check["what"]).startswith("share of")


def value_text(check: Mapping[str, Any], key: str = "value") -> str:
    """The value of a check as people read it."""
    return written(check[key], "share" if share(check) else "number")

"""Do the data checks find what was planted, and nothing else? Recall and precision, with Wilson intervals.

    python -m benchmarks.planted_defects                  five seeds, all defects but drift; about a quarter of an hour
    python -m benchmarks.planted_defects --drift          200 null splits and 60 of each shift: false alarms and power
    python -m benchmarks.planted_defects --seeds 1        a quick look
    python -m benchmarks.planted_defects --show 5         and so many flagged rows of the clean text, to be read by eye

Defects are planted in real text: Debian package descriptions (--debian FILE) and the standard library's docstrings,
without their natural copies; labels are flipped, and drift is made, in the text as it is. A flagged copy or leak is
right where an independent computation agrees (same text, same words, same similarity); another flagged row is right
where its defect was planted. Rows that the clean text already raises are left out of that count and reported as the
clean control.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import common

common.use_threads(1)

import pandas as pd  # noqa: E402

from benchmarks import planted_injector, planted_rows  # noqa: E402
from benchmarks.planted_drift import measure_drift  # noqa: E402
from benchmarks.planted_injector import Spoilt  # noqa: E402
from benchmarks.planted_labels import measure_labels  # noqa: E402
from hpo.data.rows import Rows  # noqa: E402
from hpo.evaluators.check_registry import CHECKS  # noqa: E402
from hpo.evaluators.protocol import ExampleScores  # noqa: E402
from hpo.statistics.intervals import proportion  # noqa: E402

# What is asked for: least recall and least precision.
TARGETS: Mapping[str, tuple[float, float]] = {
    "exact copy": (1.0, 1.0), "normalised copy": (1.0, 1.0), "near copy, J >= .8": (0.999, 1.0),
    "leak: exact": (1.0, 1.0), "leak: normalised": (1.0, 1.0), "leak: near, J >= .8": (0.999, 1.0),
    "leak: contained": (0.999, 1.0), "personal data": (0.95, 0.95), "encoding": (0.98, 0.98), "format": (1.0, 1.0),
    "empty row": (1.0, 1.0),
}  # fmt: skip


@dataclass
class Tally:
    """Planted rows that were found, and flagged rows that are right."""

    found: int = 0
    planted: int = 0
    right: int = 0
    flagged: int = 0

    def add(self, found: int, planted: int, right: int, flagged: int) -> None:
        self.found, self.planted = self.found + found, self.planted + planted
        self.right, self.flagged = self.right + right, self.flagged + flagged


Tallies = dict[tuple[str, str], Tally]


def as_rows(frame: pd.DataFrame, kind: str = "text_label") -> Rows:
    return Rows(frame.reset_index(drop=True), kind)  # type: ignore[arg-type]


def scored(check: str, rows: Rows, reference: Rows | None = None) -> ExampleScores:
    evaluator = CHECKS[check]()
    return evaluator.score(rows, None, evaluator.prepare(reference))


def flagged(scores: ExampleScores, *flags: str) -> set[str]:
    """Ids of the rows with any of the flags (all flags where none is named)."""
    chosen = flags or tuple(scores.flags)
    return {str(name) for flag in chosen for name in scores.ids[scores.flags[flag]]}


# Independent computations of what a copy is


def words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def grams(text: str, n: int) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[i : i + n]) for i in range(len(found) - n + 1)}


def jaccard(a: str, b: str) -> float:
    first, second = grams(a, 3), grams(b, 3)
    return len(first & second) / max(len(first | second), 1)


def contained(a: str, b: str) -> float:
    """Share of the 13-grams of the one with fewer of them that stand in the other."""
    first, second = sorted((grams(a, 13), grams(b, 13)), key=len)
    return len(first & second) / max(len(first), 1)


def is_copy(kind: str, a: str, b: str) -> bool:
    if kind == "exact":
        return a == b
    if kind == "normalised":
        return words(a) == words(b)
    return jaccard(a, b) >= 0.8 if kind == "near" else contained(a, b) >= 0.8


def kind_of(a: str, b: str) -> str:
    """What a pair is: an edit that takes nothing but a dash away leaves a normalised copy; empty where it is none."""
    return next((kind for kind in ("exact", "normalised", "near") if is_copy(kind, a, b)), "")


# Measured


def measure_copies(spoilt: Spoilt, corpus: str, tallies: Tallies) -> None:
    text = dict(zip(spoilt.frame["id"], spoilt.frame["text"], strict=True))
    rows = as_rows(spoilt.frame)
    exact, near = scored("exact_copies", rows), scored("near_copies", rows)
    kinds = {
        "exact": ("exact copy", exact, "exact_duplicate"),
        "normalised": ("normalised copy", exact, "normalised_duplicate"),
        "near": ("near copy, J >= .8", near, "near_duplicate"),
    }
    for kind, (name, scores, flag) in kinds.items():
        raised = flagged(scores, flag)
        partner = dict(zip(map(str, scores.ids), scores.evidence["partner"], strict=True))
        planted = [each for each in spoilt.manifest if each.defect == kind]
        planted = [each for each in planted if kind_of(text[each.id], text[each.partner]) == kind]
        found = sum(bool(raised & {each.id, each.partner}) for each in planted)
        right = sum(is_copy(kind, text[each], text[str(partner[each])]) for each in raised)
        tallies[corpus, name].add(found, len(planted), right, len(raised))


def measure_leaks(train: pd.DataFrame, test: Spoilt, corpus: str, tallies: Tallies) -> None:
    known = dict(zip(train["id"], train["text"], strict=True))
    asked = dict(zip(test.frame["id"], test.frame["text"], strict=True))
    scores = scored("leakage", as_rows(test.frame), as_rows(train))
    partner = dict(zip(map(str, scores.ids), scores.evidence["partner"], strict=True))
    raised = flagged(scores)
    names = {"exact": "leak: exact", "normalised": "leak: normalised", "near": "leak: near, J >= .8"}
    for kind, name in {**names, "contained": "leak: contained"}.items():
        planted = [each for each in test.manifest if each.defect == f"leaked_{kind}"]
        planted = [each for each in planted if is_copy(kind, asked[each.id], known[each.partner])]
        of_kind = flagged(scores, f"leaked_{kind}")
        right = sum(is_copy(kind, asked[each], known[str(partner[each])]) for each in of_kind)
        tallies[corpus, name].add(sum(each.id in raised for each in planted), len(planted), right, len(of_kind))


def measure_rows(
    check: str, spoilt: Spoilt, clean: set[str], names: Mapping[str, tuple[str, str]], into: tuple[str, str, Tallies]
) -> None:
    """Defects that are each a flag of their own: planted defect -> (flag, what a report calls it)."""
    corpus, total, tallies = into
    scores = scored(check, as_rows(spoilt.frame))
    planted = set().union(*(spoilt.ids(defect) for defect in names))
    raised = flagged(scores, *{flag for flag, _ in names.values()}) - (clean - planted)
    found = 0
    for defect, (flag, name) in names.items():
        mine = spoilt.ids(defect)
        hits = len(flagged(scores, flag) & mine)
        found += hits
        tallies[corpus, f"  {name}"].add(hits, len(mine), 0, 0)
    tallies[corpus, total].add(found, len(planted), len(raised & planted), len(raised))


PERSONAL = {
    "email": ("email", "e-mail address"), "ip_address": ("ip_address", "IP address"),
    "phone": ("phone", "phone number"), "payment_card": ("payment_card", "payment card"), "iban": ("iban", "IBAN"),
}  # fmt: skip
ENCODING = {
    "mojibake": ("mojibake", "read as cp1252"), "double": ("mojibake", "read wrongly twice"),
    "replacement": ("replacement_character", "replacement character"),
    "control": ("control_characters", "control character"),
}  # fmt: skip
OUTLIERS = {
    "blob": ("outlier", "encoded data"), "repeated": ("outlier", "one word 300 times"),
    "symbols": ("outlier", "symbols"), "glued": ("outlier", "thirty rows glued"),
}  # fmt: skip


def measure(corpus: str, frame: pd.DataFrame, seed: int, tallies: Tallies, control: dict[str, set[str]]) -> None:
    measure_copies(planted_injector.copies(frame, 0.03, seed), corpus, tallies)
    measure_leaks(*planted_injector.leaks(frame, 0.02, seed), corpus, tallies)
    personal = planted_rows.personal_data(frame, 0.02, seed)
    measure_rows("personal_data", personal, control["personal_data"], PERSONAL, (corpus, "personal data", tallies))
    damaged = planted_rows.encoding(frame, 0.02, seed)
    measure_rows("encoding", damaged, control["encoding"], ENCODING, (corpus, "encoding", tallies))
    cut = planted_rows.lengths(frame, 0.02, seed)
    measure_rows("length", cut, control["length"], {"empty": ("empty", "empty")}, (corpus, "empty row", tallies))
    if corpus == "debian":  # docstrings are short by nature
        measure_rows(
            "length", cut, control["length"], {"short": ("short", "one or two words")}, (corpus, "cut row", tallies)
        )
    strange = planted_rows.outliers(frame, 0.005, seed)
    measure_rows("outliers", strange, control["outliers"], OUTLIERS, (corpus, "outlier", tallies))


def measure_formats(seed: int, tallies: Tallies) -> None:
    for kind, frame, manifest in planted_rows.formats(seed):
        scores = scored("format", as_rows(frame, "custom"))
        raised, planted = flagged(scores), {each.id for each in manifest}
        tallies["made", "format"].add(len(raised & planted), len(planted), len(raised & planted), len(raised))
        tallies["made", f"  {kind}"].add(len(raised & planted), len(planted), 0, 0)


def clean_control(frame: pd.DataFrame) -> dict[str, set[str]]:
    """Ids that each check raises on the clean text."""
    checks = ("exact_copies", "near_copies", "personal_data", "encoding", "length", "outliers", "special_characters")
    return {check: flagged(scored(check, as_rows(frame))) for check in checks}


def shown(hits: int, of: int) -> str:
    if not of:
        return "-"
    found = proportion(hits, of)
    return f"{found.value:.4f} [{found.low:.4f}, {found.high:.4f}] {hits}/{of}"


def table_rows(tallies: Tallies) -> Iterator[list[str]]:
    for (corpus, name), tally in tallies.items():
        target = TARGETS.get(name)
        met = ""
        if target is not None:
            precision = tally.right / tally.flagged if tally.flagged else 1.0
            met = "met" if tally.found >= target[0] * tally.planted and precision >= target[1] else "MISSED"
        yield [corpus, name, shown(tally.found, tally.planted), shown(tally.right, tally.flagged), met]


def macro_average(tallies: Tallies) -> tuple[float, float]:
    whole = [tally for (_, name), tally in tallies.items() if not name.startswith(" ")]
    recalls = [tally.found / tally.planted for tally in whole if tally.planted]
    precisions = [tally.right / tally.flagged for tally in whole if tally.flagged]
    return sum(recalls) / len(recalls), sum(precisions) / len(precisions)


def draw(result: Mapping[str, Any]) -> None:
    common.table(
        f"Planted defects, {result['seeds']} seeds: value [95 % Wilson interval] count",
        ("text", "defect", "recall", "precision", "target"),
        result["defects"],
    )
    recall, precision = result["macro_average"]
    print(f"\nmacro average: recall {recall:.4f}, precision {precision:.4f}")
    common.table("Clean control: rows raised", ("text", "check", "rows raised", "of"), result["control"])
    common.table(
        "Flipped labels found within twice the number flipped",
        ("text", "flipped", "kind", "found", "range over seeds", "target"),
        result["labels"],
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--debian", type=Path, default=planted_injector.DEBIAN, help="package descriptions (JSONL)")
    parser.add_argument("--drift", action="store_true")
    parser.add_argument("--no-labels", action="store_true", help="leave the flipped labels out, which take longest")
    parser.add_argument("--show", type=int, default=0, metavar="N")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    machine = common.machine(1, ("numpy", "scipy", "scikit-learn", "ftfy", "pyarrow"))
    corpora = {"docstrings": planted_injector.docstrings()}
    if arguments.debian.is_file():
        corpora = {"debian": planted_injector.debian(arguments.debian), **corpora}
    if arguments.drift:
        return measure_drift(corpora, machine, as_json=arguments.json)
    tallies: Tallies = defaultdict(Tally)
    control, labels = [], []
    for corpus, natural in corpora.items():
        frame = planted_injector.without_copies(natural)
        raised = clean_control(frame)
        control += [[corpus, check, len(ids), len(frame)] for check, ids in raised.items()]
        _show(frame, raised, arguments.show)
        for seed in range(arguments.seeds):
            common.note(f"{corpus}, seed {seed}")
            measure(corpus, frame, seed, tallies, raised)
        labels += [] if arguments.no_labels else measure_labels(corpus, natural, arguments.seeds)
    for seed in range(arguments.seeds):
        measure_formats(seed, tallies)
    result = {
        "machine": machine,
        "seeds": arguments.seeds,
        "defects": list(table_rows(tallies)),
        "macro_average": macro_average(tallies),
        "control": control,
        "labels": labels,
    }
    return common.finish(result, as_json=arguments.json, draw=draw)


def _show(frame: pd.DataFrame, raised: Mapping[str, set[str]], count: int) -> None:
    for check, ids in raised.items():
        for _, row in frame[frame["id"].isin(ids)].head(count).iterrows():
            print(f"{check}: {row['id']}: {row['text'][:300]!r}")


if __name__ == "__main__":
    sys.exit(main())

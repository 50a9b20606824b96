"""Plants copies, leaks, flipped labels and drift in clean text, seeded, with a manifest of what was planted where.

Every function takes clean rows and gives rows with defects and a manifest (row id, defect, parameters). Rows are
disjoint: none carries two defects, so that each check answers for its own.
"""

from __future__ import annotations

import importlib.util
import json
import random
import re
import string
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from hpo.data.near_duplicates import near_copies
from hpo.data.read import read_frame

ROOT = Path(__file__).resolve().parent.parent
DEBIAN = ROOT.parent / "shared" / "data" / "debian_sections.jsonl.gz"


@dataclass(frozen=True)
class Planted:
    """One defect: the row that carries it, what it is, and how it was made."""

    id: str
    defect: str
    partner: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Spoilt:
    """Rows with defects, and what was planted."""

    frame: pd.DataFrame
    manifest: list[Planted]

    def ids(self, defect: str) -> set[str]:
        return {each.id for each in self.manifest if each.defect == defect}


# Corpora


def debian(path: Path = DEBIAN) -> pd.DataFrame:
    """Package descriptions as they are: columns id, text, label, group."""
    return read_frame(path)[["id", "text", "label", "group"]].reset_index(drop=True)


def docstrings() -> pd.DataFrame:
    """First sentences of the standard library's docstrings as they are: columns id, text, label, group."""
    spec = importlib.util.spec_from_file_location("docstrings", ROOT / "examples" / "docstrings.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return pd.DataFrame(list(module.rows()), dtype=object)


def without_copies(frame: pd.DataFrame) -> pd.DataFrame:
    """Only the first of each cluster of near copies, so that the copies there are, are the planted ones."""
    later = np.unique(near_copies(frame["text"].tolist(), 0.5).pairs[:, 1])
    return frame.drop(index=later).reset_index(drop=True)


# Copies


def copies(frame: pd.DataFrame, share: float, seed: int) -> Spoilt:
    """Adds exact, normalised and edited copies of rows of at least 12 words, ``share`` of the rows of each."""
    rng = random.Random(seed)
    long = [position for position, text in enumerate(frame["text"]) if len(text.split()) >= 12]
    each = max(1, int(share * len(frame)))
    chosen = rng.sample(long, min(3 * each, len(long) // 3 * 3))
    makers = {"exact": lambda text: (text, {}), "normalised": _renormalised(rng), "near": _edited(rng)}
    records, manifest = [], []
    for defect, start in zip(makers, range(0, len(chosen), len(chosen) // 3), strict=False):
        for position in chosen[start : start + len(chosen) // 3]:
            row = frame.iloc[position]
            text, parameters = makers[defect](row["text"])
            name = f"planted-{defect}-{row['id']}"
            records.append({**row.to_dict(), "id": name, "text": text})
            manifest.append(Planted(name, defect, row["id"], parameters))
    spoilt = pd.concat([frame, pd.DataFrame(records)], ignore_index=True)
    return Spoilt(spoilt.sample(frac=1, random_state=seed).reset_index(drop=True), manifest)


def leaks(frame: pd.DataFrame, share: float, seed: int) -> tuple[pd.DataFrame, Spoilt]:
    """Training rows, and test rows with leaked ones added: copied, renormalised, edited, embedded in other text."""
    rng = random.Random(seed)
    groups = sorted(set(frame["group"]))
    held = set(rng.sample(groups, len(groups) // 5))
    train = frame[~frame["group"].isin(held)].reset_index(drop=True)
    test = frame[frame["group"].isin(held)].reset_index(drop=True)
    long = [position for position, text in enumerate(train["text"]) if len(text.split()) >= 14]
    chosen = rng.sample(long, min(4 * max(1, int(share * len(frame))), len(long) // 4 * 4))
    makers = {
        "leaked_exact": lambda text: (text, {}),
        "leaked_normalised": _renormalised(rng),
        "leaked_near": _edited(rng),
        "leaked_contained": _embedded(rng, test["text"].tolist()),
    }
    records, manifest = [], []
    for number, position in enumerate(chosen):
        defect = list(makers)[number % 4]
        row = train.iloc[position]
        text, parameters = makers[defect](row["text"])
        name = f"planted-{defect}-{row['id']}"
        records.append({**row.to_dict(), "id": name, "text": text})
        manifest.append(Planted(name, defect, row["id"], parameters))
    return train, Spoilt(pd.concat([test, pd.DataFrame(records)], ignore_index=True), manifest)


def _renormalised(rng: random.Random) -> Callable[[str], tuple[str, dict[str, Any]]]:
    """The same words in other case, punctuation and spacing."""

    def make(text: str) -> tuple[str, dict[str, Any]]:
        how = rng.choice(["upper", "spaces", "punctuation", "lower"])
        changed = {
            "upper": text.upper(),
            "lower": text.lower() if text.lower() != text else text.upper(),
            "spaces": "  " + re.sub(r" ", lambda _: rng.choice(["  ", "\t", " \n"]), text),
            "punctuation": re.sub(r"([.,;:!?])(\s|$)", r" \1\1\2", text) + " !",
        }[how]
        # "SS" of an upper-cased "ß" is another word, not another spelling
        return (changed if changed.lower().split() != [] and "ß" not in text else text + " !"), {"how": how}

    return make


def _edited(rng: random.Random) -> Callable[[str], tuple[str, dict[str, Any]]]:
    """1 to 20 % of the words replaced, left out or added."""

    def make(text: str) -> tuple[str, dict[str, Any]]:
        words = text.split()
        rate = rng.choice([0.01, 0.02, 0.05, 0.1, 0.2])
        places = sorted(rng.sample(range(len(words)), max(1, round(rate * len(words)))), reverse=True)
        for place in places:
            kind, other = (
                rng.choice(["replace", "delete", "insert"]),
                "w" + "".join(rng.choices(string.ascii_lowercase, k=5)),
            )
            words[place : place + (kind != "insert")] = [] if kind == "delete" else [other]
        return " ".join(words), {"rate": rate}

    return make


def _embedded(rng: random.Random, hosts: Sequence[str]) -> Callable[[str], tuple[str, dict[str, Any]]]:
    """The whole row in the middle of another text."""

    def make(text: str) -> tuple[str, dict[str, Any]]:
        host = rng.choice(hosts).split()
        middle = len(host) // 2
        return " ".join([*host[:middle], text, *host[middle:]]), {"words": len(text.split())}

    return make


# Labels


def flips(frame: pd.DataFrame, share: float, kind: str, seed: int) -> Spoilt:
    """``share`` of the labels changed: to any other (uniform), or always to the next class of the list (pair)."""
    rng = np.random.default_rng(seed)
    names = sorted(set(frame["label"]))
    chosen = rng.choice(len(frame), int(share * len(frame)), replace=False)
    spoilt, manifest = frame.copy(), []
    for position in chosen:
        old = frame["label"].iloc[position]
        code = names.index(old)
        step = 1 if kind == "pair" else int(rng.integers(1, len(names)))
        spoilt.loc[position, "label"] = names[(code + step) % len(names)]
        manifest.append(Planted(frame["id"].iloc[position], "flipped", parameters={"was": old}))
    return Spoilt(spoilt, manifest)


# Drift


def drifted(frame: pd.DataFrame, kind: str, rows: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two disjoint draws of ``rows``; the second moved: none, class_mix, vocabulary or length."""
    rng = np.random.default_rng(seed)
    groups = rng.permutation(np.unique(frame["group"]))
    first = frame[frame["group"].isin(set(groups[: len(groups) // 2]))]
    second = frame[~frame["group"].isin(set(groups[: len(groups) // 2]))]
    weights = np.ones(len(second))
    if kind == "class_mix":
        favoured = rng.choice(sorted(set(frame["label"])), max(1, frame["label"].nunique() // 4), replace=False)
        weights = np.where(second["label"].isin(set(favoured)), 3.0, 1.0)
    new = second.iloc[rng.choice(len(second), rows, replace=False, p=weights / weights.sum())].copy()
    if kind == "vocabulary":
        new["text"] = [_other_words(text, rng) for text in new["text"]]
    if kind == "length":
        new["text"] = [" ".join(text.split()[: max(3, int(0.6 * len(text.split())))]) for text in new["text"]]
    return first.iloc[rng.choice(len(first), rows, replace=False)].reset_index(drop=True), new.reset_index(drop=True)


def _other_words(text: str, rng: np.random.Generator) -> str:
    """One word in ten of another field's vocabulary."""
    other = (
        "patient",
        "dosage",
        "clinical",
        "invoice",
        "tariff",
        "tenant",
        "verdict",
        "plaintiff",
        "harvest",
        "fertiliser",
    )
    words = text.split()
    return " ".join(str(rng.choice(other)) if rng.random() < 0.1 else word for word in words)


def save(spoilt: Spoilt, folder: Path, name: str) -> Path:
    """Rows as JSONL and the manifest beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = folder / f"{name}.jsonl"
    spoilt.frame.to_json(rows, orient="records", lines=True, force_ascii=False)
    lines = [json.dumps(vars(each), ensure_ascii=False) for each in spoilt.manifest]
    (folder / f"{name}.manifest.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    return rows

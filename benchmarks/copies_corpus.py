"""A corpus for the benchmarks of copies: documents put together from real sentences, near copies among them."""

from __future__ import annotations

import gzip
import json
import random
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEBIAN = ROOT.parent / "shared" / "data" / "debian_sections.jsonl.gz"
WORDS = 76  # of a document in the mean
COPIES = 0.12  # share of documents that are edited copies of earlier ones
_WORD = re.compile(r"[^\W_]+")
_SENTENCE = re.compile(r"(?<=[.!?:])\s+")


def sentences(path: Path = DEBIAN) -> list[str]:
    """All sentences of a file of rows with a column ``text``."""
    with gzip.open(path, "rt", encoding="utf8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    return [sentence for text in texts for sentence in _SENTENCE.split(text) if len(sentence.split()) >= 4]


def corpus(rows: int, seed: int = 0, path: Path = DEBIAN) -> list[str]:
    """``rows`` documents of about 76 words, drawn sentence by sentence; one in eight is a copy with words changed.

    No two are equal but for case and punctuation: methods differ in how they count such copies.
    """
    rng = random.Random(seed)
    pool = sentences(path)
    texts: list[str] = []
    there: set[str] = set()
    while len(texts) < rows:
        text = _edited(rng.choice(texts), rng) if texts and rng.random() < COPIES else _drawn(pool, rng)
        key = " ".join(_WORD.findall(text.lower()))
        if key not in there:
            there.add(key)
            texts.append(text)
    return texts


def _drawn(pool: list[str], rng: random.Random) -> str:
    wanted = max(5, rng.gauss(WORDS - 10, WORDS / 3))
    said, words = [], 0
    while words < wanted:
        said.append(rng.choice(pool))
        words += len(said[-1].split())
    return " ".join(said)


def _edited(text: str, rng: random.Random) -> str:
    """Words exchanged, left out or said twice: most copies stay above a similarity of .8, some fall below."""
    words = text.split()
    for _ in range(rng.randrange(1, 2 + max(1, len(words) // 20))):
        place = rng.randrange(len(words))
        words[place : place + 1] = rng.choice([[], [words[place]] * 2, [rng.choice(words)]])
    return " ".join(words)

"""One method of finding near copies in this process: prints its pairs, CPU and wall seconds, and memory as JSON."""

from __future__ import annotations

from benchmarks.common import use_threads

use_threads(1)

import json  # noqa: E402
import os  # noqa: E402
import re  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

from benchmarks.copies_corpus import corpus  # noqa: E402

os.environ["RAYON_NUM_THREADS"] = "1"  # rensa's

THRESHOLD = 0.8
PERMUTATIONS = 128
BANDS = 16
_WORD = re.compile(r"[^\W_]+")

Pairs = Iterable[tuple[int, int]]


def grams(text: str) -> set[str]:
    """Word 3-grams in small letters, as everybody takes them."""
    words = _WORD.findall(text.lower())
    return {" ".join(words[i : i + 3]) for i in range(len(words) - 2)}


def truth(texts: list[str]) -> Pairs:
    """Every pair that shares a 3-gram, by multiplying all sets with all sets; nothing is left out beforehand."""
    import numpy as np
    from sklearn.feature_extraction.text import CountVectorizer

    sets = CountVectorizer(analyzer=grams, dtype=np.int32).fit_transform(texts).tocsr()
    sizes, turned = np.diff(sets.indptr), sets.T.tocsr()
    for start in range(0, len(texts), 1_000):
        product = (sets[start : start + 1_000] @ turned).tocoo()
        row, other, shared = product.row + start, product.col, product.data
        near = (row < other) & (shared >= THRESHOLD * (sizes[row] + sizes[other] - shared) - 1e-9)
        yield from zip(row[near].tolist(), other[near].tolist(), strict=True)


def ours(texts: list[str]) -> Pairs:
    """The pairs of the package; those with a later copy of a text follow from those with its first."""
    from hpo.data.near_duplicates import near_copies

    return [(int(a), int(b)) for a, b in near_copies(texts, THRESHOLD).pairs]


def rensa(texts: list[str]) -> Pairs:
    """MinHash of 128 permutations in 16 bands; candidates whose signatures agree in .8."""
    from rensa import RMinHash, RMinHashLSH

    hashes = RMinHash.from_token_sets([grams(text) for text in texts], num_perm=PERMUTATIONS, seed=42)
    index = RMinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS, num_bands=BANDS)
    index.insert_many(hashes, 0)
    found = []
    for row, candidates in enumerate(index.query_all(hashes)):
        found += [
            (row, other) for other in candidates if other > row and hashes[row].jaccard(hashes[other]) >= THRESHOLD
        ]
    return found


def datasketch(texts: list[str]) -> Pairs:
    """MinHash of 128 permutations, bands as it chooses them; candidates whose signatures agree in .8."""
    from datasketch import MinHash, MinHashLSH

    sketches = MinHash.bulk([[gram.encode() for gram in grams(text)] for text in texts], num_perm=PERMUTATIONS)
    index = MinHashLSH(threshold=THRESHOLD, num_perm=PERMUTATIONS)
    found = []
    for row, sketch in enumerate(sketches):
        found += [(other, row) for other in index.query(sketch) if sketch.jaccard(sketches[other]) >= THRESHOLD]
        index.insert(row, sketch)
    return found


METHODS: dict[str, Callable[[list[str]], Pairs]] = {
    "truth": truth,
    "ours": ours,
    "rensa": rensa,
    "datasketch": datasketch,
}


def _peak() -> float:
    """Most memory this process has had, in GiB."""
    with open("/proc/self/status", encoding="utf8") as status:
        line = next(line for line in status if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


def _warm(name: str) -> None:
    """Libraries loaded before the clock starts."""
    METHODS[name](["one two three four", "one two three four five"])


def main() -> None:
    name, rows, seed, data = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    import pyarrow

    pyarrow.set_cpu_count(1)
    texts = corpus(rows, seed, data)
    _warm(name)
    before, wall, cpu = _peak(), time.perf_counter(), time.process_time()
    pairs = list(METHODS[name](texts))
    result: dict[str, Any] = {
        "method": name,
        "seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "memory_gb": _peak() - before,
        "words": sum(len(text.split()) for text in texts) / len(texts),
        "pairs": sorted(pairs),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

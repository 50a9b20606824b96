"""Near copies among 100,000 documents on one core: ours, rensa and datasketch, each in a process of its own.

    python -m benchmarks.near_duplicates [--rows 100000] [--data FILE] [--json]

The truth is every pair with a Jaccard similarity of word 3-grams of at least .8, found by an inverted index that
counts what any two documents share. rensa's and datasketch's candidates are kept where their signatures agree in .8.
Seconds are CPU seconds of one thread, so that what else runs on the machine does not count; memory is what the process
grew by.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.common import finish, machine, note, table
from benchmarks.copies_corpus import DEBIAN, ROOT

METHODS = ("ours", "rensa", "datasketch")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DEBIAN, help="JSON lines (.gz) with a column text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    note(f"finding all pairs among {given.rows:,} documents")
    truth = _in_process("truth", given)
    pairs = {tuple(pair) for pair in truth["pairs"]}
    methods = []
    for name in METHODS:
        note(f"measuring {name}")
        found = _in_process(name, given)
        got = {tuple(pair) for pair in found.pop("pairs")}
        right = len(got & pairs)
        methods.append(
            {**found, "recall": right / len(pairs), "precision": right / max(len(got), 1), "found": len(got)}
        )
    packages = ["numpy", "scipy", "pyarrow", "rensa", "datasketch"]
    result = {
        "machine": machine(1, packages),
        "rows": given.rows,
        "words": truth["words"],
        "pairs": len(pairs),
        "methods": methods,
    }
    return finish(result, as_json=given.json, draw=_draw)


def _in_process(name: str, given: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.near_duplicates_methods", name]
    command += [str(given.rows), str(given.seed), str(given.data)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stderr}")
    return dict(json.loads(done.stdout))


def _draw(result: dict[str, Any]) -> None:
    ours = result["methods"][0]["seconds"]
    title = f"{result['rows']:,} documents of {result['words']:.0f} words, {result['pairs']:,} pairs, one core"
    columns = ["method", "CPU seconds", "times ours", "wall seconds", "memory (GiB)", "recall", "precision"]
    rows = [
        [
            each["method"],
            f"{each['seconds']:.1f}",
            f"{each['seconds'] / ours:.1f}",
            f"{each['wall_seconds']:.1f}",
            f"{each['memory_gb']:.2f}",
            f"{each['recall']:.4f}",
            f"{each['precision']:.4f}",
        ]
        for each in result["methods"]
    ]
    table(title, columns, rows)


if __name__ == "__main__":
    sys.exit(main())

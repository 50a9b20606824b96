"""Seconds of every data check at 100,000 documents on one core, and of leakage of 10,000 rows against 90,000.

    python -m benchmarks.data_checks [--rows 100000] [--data FILE] [--json]

CPU seconds of one thread, so that what else runs on the machine does not count; wall seconds beside them.
"""

from __future__ import annotations

from benchmarks.common import use_threads

use_threads(1)

import argparse  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import pyarrow as pa  # noqa: E402

from benchmarks.common import finish, machine, note, table  # noqa: E402
from benchmarks.copies_corpus import DEBIAN, corpus  # noqa: E402
from hpo.data.rows import Rows  # noqa: E402
from hpo.evaluators.check_registry import CHECKS  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--data", type=Path, default=DEBIAN, help="JSON lines (.gz) with a column text")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args(arguments)
    pa.set_cpu_count(1)
    note(f"making {given.rows:,} documents")
    rows = _rows(corpus(given.rows, given.seed, given.data), given.seed)
    for name in CHECKS:  # libraries loaded before the clock starts
        _measured(name, rows.take(np.arange(20)))
    checks = [_measured(name, rows) for name in CHECKS]
    result = {"machine": machine(1, ["numpy", "scipy", "pandas", "pyarrow", "ftfy"]), "rows": given.rows}
    total = {unit: sum(each[unit] for each in checks) for unit in ("seconds", "wall_seconds")}
    return finish({**result, "checks": checks, **total}, as_json=given.json, draw=_draw)


def _rows(texts: list[str], seed: int) -> Rows:
    rng = np.random.default_rng(seed)
    ids = np.array([f"row{i}" for i in range(len(texts))], dtype=object)
    frame = pd.DataFrame({"id": ids, "text": pd.Series(texts, dtype=object)})
    labels = np.array([f"class{code}" for code in range(16)], dtype=object)
    return Rows(frame.assign(label=labels[rng.integers(0, 16, len(texts))]), "text_label")


def _measured(name: str, rows: Rows) -> dict[str, Any]:
    """One check with its metrics; leakage is of a tenth of the rows against the rest; tokens are words."""
    note(f"measuring {name}")
    reference, data = None, rows
    if name == "leakage":
        held = len(rows) // 10
        reference, data = rows.take(np.arange(held, len(rows))), rows.take(np.arange(held))
    evaluator = CHECKS[name](_words, 128) if name == "token_lengths" else CHECKS[name]()
    wall, cpu = time.perf_counter(), time.process_time()
    scores = evaluator.score(data, None, evaluator.prepare(reference))
    for metric in evaluator.metrics:
        metric.reduce(scores.stats, np.ones(len(data)))
    flagged = sum(int(flags.sum()) for flags in scores.flags.values())
    return {
        "check": name,
        "seconds": time.process_time() - cpu,
        "wall_seconds": time.perf_counter() - wall,
        "flagged": flagged,
    }


def _words(texts: Sequence[str]) -> list[list[int]]:
    return [list(range(len(text.split()))) for text in texts]


def _draw(result: dict[str, Any]) -> None:
    rows = [
        [each["check"], f"{each['seconds']:.2f}", f"{each['wall_seconds']:.2f}", each["flagged"]]
        for each in result["checks"]
    ]
    rows.append(["all", f"{result['seconds']:.2f}", f"{result['wall_seconds']:.2f}", ""])
    title = f"Data checks of {result['rows']:,} documents on one core"
    table(title, ["check", "CPU seconds", "wall seconds", "flagged"], rows)


if __name__ == "__main__":
    sys.exit(main())

"""What all benchmarks share: the machine they ran on, spreads of measurements, one table or one JSON object."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import Any

_THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def use_threads(count: int) -> None:
    """Give numerical libraries ``count`` CPU threads, here and in child processes; call before they are imported."""
    for name in _THREAD_VARIABLES:
        os.environ[name] = str(count)


def machine(threads: int, packages: Sequence[str]) -> dict[str, Any]:
    """Where and with what a benchmark ran; the load tells whether it had the machine for itself."""
    return {
        "date": date.today().isoformat(),
        "cores": os.cpu_count(),
        "threads": threads,
        "load_average": round(os.getloadavg()[0], 2),
        "processor": _processor(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages},
    }


def spread(values: Iterable[float]) -> dict[str, float]:
    """Median, least and greatest of repeated measurements."""
    found = sorted(values)
    return {"median": statistics.median(found), "min": found[0], "max": found[-1], "n": len(found)}


def shown(values: Mapping[str, float], unit: str = "", *, scale: float = 1.0, digits: int = 1) -> str:
    """A spread as text: the median, and what it lies between.

    >>> shown({"median": 0.0215, "min": 0.02, "max": 0.031}, "ms", scale=1000)
    '21.5 ms (20.0-31.0)'
    """
    middle, low, high = (f"{values[name] * scale:,.{digits}f}" for name in ("median", "min", "max"))
    return f"{middle} {unit} ({low}-{high})".replace("  ", " ")


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print one table in Markdown, so that it can be read in a terminal and pasted into docs/benchmarks.md."""
    cells = [list(columns), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(columns))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    print(f"\n{title}\n", *lines, sep="\n")


def describe(found: Mapping[str, Any]) -> None:
    """Print the line that says where the figures come from."""
    packages = ", ".join(f"{name} {number}" for name, number in found["packages"].items())
    print(
        f"{found['date']}, {found['cores']} cores ({found['processor']}), {found['threads']} CPU thread(s), "
        f"load {found['load_average']}, Python {found['python']}, {packages}"
    )


def finish(result: Mapping[str, Any], *, as_json: bool, draw: Any) -> int:
    """Print the result as one JSON object, or have it drawn; the exit code of the benchmark."""
    if as_json:
        print(json.dumps(result, allow_nan=False))
    else:
        describe(result["machine"])
        draw(result)
    return 0


def note(text: str) -> None:
    """Say on standard error what is being measured."""
    print(text, file=sys.stderr, flush=True)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            return next(line.split(":", 1)[1].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()

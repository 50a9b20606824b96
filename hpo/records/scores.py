"""Per-row scores of a trial or a reference, from which every metric can be computed again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def write_scores(path: Path, table: pd.DataFrame, *, seed: int, split: str = "validation") -> Path:
    """Write ``table`` (id, group, one column a statistic) with its seed and split; a kill leaves the old one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    named = table.copy()
    if "group" not in named:
        named.insert(1, "group", None)
    named.insert(2, "seed", seed)
    named.insert(3, "split", split)
    fresh = path.with_suffix(".new")
    named.to_parquet(fresh, index=False)
    fresh.rename(path)
    return path


def read_scores(path: Path) -> pd.DataFrame:
    """The table that ``write_scores`` wrote."""
    import pandas as pd

    return pd.read_parquet(path)

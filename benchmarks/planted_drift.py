"""Drift: how often two draws of the same text are called moved, and how often moved ones are noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from benchmarks import common
from benchmarks.planted_injector import drifted
from hpo.checks.drift import drift
from hpo.checks.out_of_fold import BASELINE
from hpo.data.rows import Rows
from hpo.statistics.intervals import proportion
from hpo.statistics.values import Settings

ROWS = 800  # of each side
NULL, SHIFTED = 200, 60
QUICK = replace(BASELINE, params={"max_features": 300})  # what the inputs are told apart by is not this
KINDS = ("none", "class_mix", "vocabulary", "length")


def measure_drift(corpora: Mapping[str, pd.DataFrame], machine: Mapping[str, Any], *, as_json: bool) -> int:
    """Run all splits of the largest corpus and print or return the shares that were called moved."""
    corpus, frame = max(corpora.items(), key=lambda item: len(item[1]))
    rows = []
    for kind in KINDS:
        times = NULL if kind == "none" else SHIFTED
        moved = 0
        for seed in range(times):
            if seed % 20 == 0:
                common.note(f"{corpus}, {kind}: split {seed} of {times}")
            moved += called_moved(frame, kind, seed)
        value = proportion(moved, times)
        met = value.value <= 0.05 if kind == "none" else value.value >= 0.9
        what = "no drift: false alarms" if kind == "none" else kind.replace("_", " ")
        target = "at most .05" if kind == "none" else "at least .90"
        shown = f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}] {moved}/{times}"
        rows.append([corpus, what, shown, f"{target} {'met' if met else 'MISSED'}"])
    title = f"Drift between two draws of {ROWS} rows, no group in both: called moved"
    return common.finish(
        {"machine": machine, "rows": ROWS, "drift": rows},
        as_json=as_json,
        draw=lambda result: common.table(title, ("text", "shift", "called moved", "target"), result["drift"]),
    )


def called_moved(frame: pd.DataFrame, kind: str, seed: int) -> bool:
    known, new = (Rows(part.astype(object), "text_label") for part in drifted(frame, kind, ROWS, seed))
    return drift(known, new, Settings(seed=seed), QUICK)["verdict"] != "no drift"

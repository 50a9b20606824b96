"""Flipped labels: how many of them lie among the most contradicted rows, within twice the number flipped."""

from __future__ import annotations

import pandas as pd

from benchmarks import common, planted_injector
from hpo.checks.label_noise import label_noise
from hpo.data.rows import Rows
from hpo.statistics.intervals import proportion
from hpo.statistics.values import Settings

SHARES = (0.05, 0.10, 0.20)
KINDS = ("uniform", "pair")
TARGETS = {"docstrings": 0.90, "debian": 0.85}


def measure_labels(corpus: str, frame: pd.DataFrame, seeds: int) -> list[list[str]]:
    """A row a share and kind: corpus, share, kind, found, range over the seeds, target."""
    rows = []
    for share in SHARES:
        for kind in KINDS:
            common.note(f"{corpus}: {share:.0%} of the labels flipped, {kind}")
            counted = [found(frame, share, kind, seed) for seed in range(seeds)]
            hits, planted = (sum(each) for each in zip(*counted, strict=True))
            value = proportion(hits, planted)
            each = [one / of for one, of in counted]
            rows.append(
                [
                    corpus,
                    f"{share:.0%}",
                    kind,
                    f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}] {hits}/{planted}",
                    f"{min(each):.3f}-{max(each):.3f}",
                    f"{TARGETS[corpus]:.2f} {'met' if value.value >= TARGETS[corpus] else 'MISSED'}",
                ]
            )
    return rows


def found(frame: pd.DataFrame, share: float, kind: str, seed: int) -> tuple[int, int]:
    """Flipped rows among the first 2 x flipped of the ranking, and how many were flipped."""
    spoilt = planted_injector.flips(frame, share, kind, seed)
    flipped = spoilt.ids("flipped")
    order = label_noise(Rows(spoilt.frame.astype(object), "text_label"), settings=Settings(seed=seed)).order()
    looked_at = set(spoilt.frame["id"].iloc[order[: 2 * len(flipped)]])
    return len(flipped & looked_at), len(flipped)

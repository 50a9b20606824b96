"""Rows of two or three topics that a linear model tells apart, with a few words in common."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows

TOPICS = {
    "animal": "horse cow goat barn feather hoof meadow saddle stable foal",
    "music": "violin choir chord tempo opera drum melody sonata bass quartet",
    "food": "bread butter soup pepper onion kettle oven flour yeast dough",
}
COMMON = "the a of with and to in for on by"


def made(n: int, seed: int = 0, prefix: str = "r", own: int = 4, shared: int = 6) -> Rows:
    """n rows, classes in turn, ``own`` words of the class's and ``shared`` that all classes have."""
    rng = np.random.default_rng(seed)
    names = list(TOPICS)
    records = []
    for i in range(n):
        label = names[i % len(names)]
        words = [*rng.choice(TOPICS[label].split(), own), *rng.choice(COMMON.split(), shared)]
        text = " ".join([*map(str, rng.permutation(words)), f"{prefix}{i}"])
        records.append({"id": f"{prefix}{i}", "text": text, "label": label})
    return Rows(pd.DataFrame(records, dtype=object), "text_label")


@pytest.fixture
def rows() -> Callable[..., Rows]:
    """Makes rows; see ``made``."""
    return made

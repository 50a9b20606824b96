"""Rows, outputs and statistics that the evaluators' tests share."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows
from hpo.objective import Outputs

LABELS = ("ant", "bee", "cat")


def make_rows(labels, *, groups=None, column="label"):
    frame = pd.DataFrame({"id": [f"row{i}" for i in range(len(labels))], column: labels})
    if groups is not None:
        frame["group"] = groups
    return Rows(frame, "custom")


def make_classified(n, k, seed):
    """Random labels, predictions (some in no class) and probabilities."""
    rng = np.random.default_rng(seed)
    names = np.array([f"class{code}" for code in range(k)], dtype=object)
    predicted = np.append(names, ["none of them", None])[rng.integers(0, k + 2, n)]
    probabilities = rng.dirichlet(np.ones(k), n).round(2) + 0.01
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    rows = make_rows(names[rng.integers(0, k, n)])
    return rows, Outputs(rows.ids, predicted, probabilities, tuple(names))


@pytest.fixture
def three_rows():
    """Three rows, one of each label."""
    return make_rows(list(LABELS), groups=["g1", "g1", "g2"])


@pytest.fixture
def build():
    """The builders: ``rows(labels)`` and ``classified(n, k, seed)``."""

    class Build:
        rows = staticmethod(make_rows)
        classified = staticmethod(make_classified)

    return Build

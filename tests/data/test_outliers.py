"""Claims about outliers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from hpo.data.outliers import inside
from hpo.data.rows import Rows


def test_rows_of_strange_lengths_and_targets_are_left_out():
    draw = np.random.default_rng(0)
    texts = [" ".join(["word"] * n) for n in draw.integers(8, 16, 60)]
    texts[7] = " ".join(["word"] * 900)
    texts[9] = ""
    target = draw.normal(0, 1, 60)
    target[3] = 40
    frame = pd.DataFrame({"id": [str(i) for i in range(60)], "text": texts, "label": target})
    rows = Rows(frame, "text_label")
    assert set(range(60)) - set(inside(rows, "length")) == {7, 9}
    assert set(range(60)) - set(inside(rows, "target")) == {3}
    assert inside(rows, "none").tolist() == list(range(60))

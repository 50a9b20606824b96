"""A fixed sample of the training rows, on which a run is scored as on the validation rows."""

from __future__ import annotations

import numpy as np

from hpo import seeds
from hpo.data.rows import Rows

MOST = 512  # rows: a difference of .05 between two shares of so many is more than one and a half standard errors


def training_sample(train: Rows, validation: Rows, seed: int) -> Rows:
    """As many training rows as there are validation rows, at most MOST, drawn by ``seed``, in their old order.

    The same rows for all trials of a study and all attempts of a trial, so that gaps can be compared.
    """
    size = min(len(train), len(validation), MOST)
    drawn = np.random.default_rng(seeds.derive(seed, "train", "overfitting")).choice(len(train), size, replace=False)
    return train.take(np.sort(drawn))

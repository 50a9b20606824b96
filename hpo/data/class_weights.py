"""Weights of classes in the loss, so that rare ones count as much as frequent ones, or nearly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hpo.config.preparation import ClassWeights


def class_weights(labels: Sequence[str], scheme: ClassWeights) -> Mapping[str, float]:
    """The weight of each class among n rows; the mean weight of a row is 1 under every scheme.

    ``balanced``: n / (k n_c), so that every class has the same share of the loss (King and Zeng 2001, section 4.2, with
    equal population shares; scikit-learn's ``compute_class_weight``). ``sqrt_balanced``: proportional to
    1 / sqrt(n_c), half way between the others on a logarithmic scale, as word2vec subsamples frequent words
    (Mikolov et al. 2013, section 2.3). ``none``: 1.

    Args:
        labels: class names of the n training rows.
        scheme: see above.
    """
    names, counts = np.unique(np.asarray(labels, dtype=str), return_counts=True)
    power = {"none": 0.0, "sqrt_balanced": 0.5, "balanced": 1.0}[scheme]
    weights = counts.astype(np.float64) ** -power
    weights *= counts.sum() / (weights * counts).sum()
    return {str(name): float(weight) for name, weight in zip(names, weights, strict=True)}


def row_weights(labels: Sequence[str], scheme: ClassWeights) -> NDArray[np.float64] | None:
    """The weight of each row, shape (n,): its class's; None where all weigh the same by the scheme's nature."""
    if scheme == "none":
        return None
    weights = class_weights(labels, scheme)
    return np.array([weights[str(label)] for label in labels], dtype=np.float64)

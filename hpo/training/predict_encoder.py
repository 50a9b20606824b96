"""Predictions of an encoder's head."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from hpo.data.rows import Rows
from hpo.objective import Outputs
from hpo.training.batches import by_length, collate
from hpo.training.forward import head_logits, precision
from hpo.training.question import Question


def predict(model: Any, rows: Rows, question: Question) -> Outputs:
    """Class probabilities and the likeliest class, or the number in the targets' own units."""
    logits = _logits(model, rows, question)
    if question.kind == "regression":
        mean, spread = question.scale
        return Outputs(ids=rows.ids, prediction=logits[:, 0] * spread + mean)
    finite = np.isfinite(logits).all(axis=1)
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    names = np.array(question.labels, dtype=object)
    prediction = names[np.argmax(np.where(finite[:, None], probabilities, 0.0), axis=1)]
    prediction[~finite] = None
    asked = "probabilities" in question.asked
    return Outputs(rows.ids, prediction, probabilities if asked else None, question.labels)


def _logits(model: Any, rows: Rows, question: Question) -> Any:
    import torch

    encoded = question.encoder.encode(question.pieces(rows), question.settings.max_length)
    found: Any = None
    pad = question.resident.tokenizer.pad_token_id
    with torch.inference_mode(), precision(question.resident.device, question.settings.bf16):
        for batch in by_length(encoded.lengths, question.settings.per_device_eval_batch_size):
            began = time.perf_counter()
            ids, mask = collate([encoded.row(i) for i in batch], pad)
            logits = head_logits(model, ids, mask, question.resident.device).double().cpu().numpy()
            question.timed(time.perf_counter() - began, batch)
            found = np.full((len(rows), logits.shape[1]), np.nan) if found is None else found
            found[batch] = logits
    return found

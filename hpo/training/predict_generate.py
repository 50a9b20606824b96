"""Answers that a causal model writes, token by token, always the likeliest one."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.training.batches import by_length, collate
from hpo.training.forward import core, precision
from hpo.training.prompts import Piece, bare, match_label, parse_number
from hpo.training.question import Question


def answers(model: Any, rows: Rows, question: Question) -> NDArray[Any]:
    """What the model answers, shape (n,): a label or None, a number or NaN, or the text itself, by the task."""
    texts = _generate(model, rows, question)
    if question.kind == "regression":
        return np.array([parse_number(text) for text in texts], dtype=np.float64)
    found = np.empty(len(texts), dtype=object)
    found[:] = [match_label(text, question.labels) for text in texts] if question.kind == "classification" else texts
    return found


def _generate(model: Any, rows: Rows, question: Question) -> list[str]:
    import torch
    from transformers import GenerationConfig

    tokenizer, device = question.resident.tokenizer, question.resident.device
    pieces = question.pieces(rows)
    prompts = question.encoder.encode(bare(pieces), question.settings.max_length)
    base = core(model)
    plan = GenerationConfig(
        do_sample=False,
        max_new_tokens=question.settings.max_new_tokens,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=_stops(base, question, pieces[0]),
        use_cache=True,
    )
    texts = [""] * len(rows)
    with torch.inference_mode(), precision(device, question.settings.bf16):
        for batch in by_length(prompts.lengths, question.settings.per_device_eval_batch_size):
            began = time.perf_counter()
            ids, mask = collate([prompts.row(i) for i in batch], tokenizer.pad_token_id, left=True)
            mask = torch.ones_like(ids) if mask is None else mask
            written = base.generate(ids.to(device), attention_mask=mask.to(device), generation_config=plan)
            answers = tokenizer.batch_decode(written[:, ids.shape[1] :], skip_special_tokens=True)
            question.timed(time.perf_counter() - began, batch)
            for i, answer in zip(batch, answers, strict=True):
                texts[i] = answer.strip()
    return texts


def _stops(model: Any, question: Question, piece: Piece) -> list[int]:
    """Tokens that end an answer: the tokenizer's and the model's own, and what the chat template puts after one."""
    tokenizer = question.resident.tokenizer
    own = model.generation_config.eos_token_id
    stops = {tokenizer.eos_token_id, *(own if isinstance(own, list) else [own])}
    after = tokenizer(piece.end, add_special_tokens=False)["input_ids"] if piece.end else []
    if after and after[0] in tokenizer.all_special_ids:
        stops.add(after[0])
    return sorted(stop for stop in stops if stop is not None)

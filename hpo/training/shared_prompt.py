"""All labels scored in one forward pass: the prompt is read once, and each label sees the prompt and itself alone."""

from __future__ import annotations

import inspect
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.training.batches import Positions, by_length, collate
from hpo.training.encode import Encoded
from hpo.training.forward import core, logits_at, precision
from hpo.training.question import Question

if TYPE_CHECKING:
    import torch

_ROTARY = ("rope_theta", "rope_parameters", "rope_scaling")


def can_share(model: Any, longest: int) -> bool:
    """Whether a custom attention mask and custom positions mean for this model what they mean here.

    Not for recurrent layers, for attention windows shorter than the rows, or where positions cannot be given.
    """
    base = core(model)
    config = base.config
    if "position_ids" not in inspect.signature(base.forward).parameters or config._attn_implementation not in (
        "sdpa",
        "eager",
    ):
        return False
    kinds = set(getattr(config, "layer_types", None) or ())
    window = getattr(config, "sliding_window", None)
    if kinds - {"full_attention", "sliding_attention"} or (window and longest >= window):
        return False
    return config.model_type == "gpt2" or any(getattr(config, name, None) is not None for name in _ROTARY)


def score_labels(
    model: Any, prompts: Encoded, choices: Sequence[Sequence[int]], question: Question
) -> NDArray[np.float64]:
    """Log-probability of every label after every prompt, shape (n, k)."""
    import torch

    device, scores = question.resident.device, np.zeros((len(prompts), len(choices)))
    with torch.no_grad(), precision(device, question.settings.bf16):
        for batch in by_length(prompts.lengths, question.settings.per_device_eval_batch_size):
            began = time.perf_counter()
            scores[batch] = _score_batch(model, prompts, batch, choices, question)
            question.timed(time.perf_counter() - began, batch)
    return scores


def _score_batch(
    model: Any, prompts: Encoded, batch: Positions, choices: Sequence[Sequence[int]], question: Question
) -> NDArray[np.float64]:
    import torch

    device = question.resident.device
    ids, mask = collate([prompts.row(i) for i in batch], question.resident.tokenizer.pad_token_id, left=True)
    mask = torch.ones_like(ids) if mask is None else mask
    owner, depth, tokens = _tails(choices)
    width = ids.shape[1]
    whole = torch.cat([ids, torch.from_numpy(tokens).expand(len(batch), -1)], dim=1)
    positions = (mask.cumsum(1) - 1).clamp(min=0)
    positions = torch.cat([positions, mask.sum(1, keepdim=True) + torch.from_numpy(depth)[None, :]], dim=1)
    attention = _attention(mask.bool(), owner, depth)
    places = np.concatenate([[width - 1], width + np.arange(len(tokens))])
    chosen = (np.arange(len(batch))[:, None] * whole.shape[1] + places[None, :]).reshape(-1)
    dtype = core(model).dtype
    additive = torch.zeros(attention.shape, dtype=dtype).masked_fill(~attention, torch.finfo(dtype).min)
    logits = logits_at(
        model,
        torch.from_numpy(chosen).to(device),
        input_ids=whole.to(device),
        position_ids=positions.to(device),
        attention_mask=additive.to(device),
    )
    logs = torch.log_softmax(logits, dim=1).view(len(batch), len(places), -1)
    return _collect(logs, owner, choices)


def _tails(choices: Sequence[Sequence[int]]) -> tuple[Positions, Positions, Positions]:
    """All but the last token of every label: its label, its place in the label, the token."""
    found = [(k, j, token) for k, choice in enumerate(choices) for j, token in enumerate(choice[:-1])]
    columns = np.array(found, dtype=np.int64).reshape(-1, 3)
    return columns[:, 0], columns[:, 1], columns[:, 2]


def _attention(mask: torch.Tensor, owner: Positions, depth: Positions) -> torch.Tensor:
    """Who may see whom, shape (b, 1, t, t): prompts causally; a label's tokens the prompt, and their label so far."""
    import torch

    rows, width = mask.shape
    total = width + len(owner)
    allowed = torch.zeros(rows, total, total, dtype=torch.bool)
    allowed[:, :width, :width] = torch.tril(torch.ones(width, width, dtype=torch.bool)) & mask[:, None, :]
    allowed[:, width:, :width] = mask[:, None, :]
    same = (owner[:, None] == owner[None, :]) & (depth[:, None] >= depth[None, :])
    allowed[:, width:, width:] = torch.from_numpy(same)
    allowed |= torch.eye(total, dtype=torch.bool)  # padding sees itself, so that no row of the softmax is empty
    return allowed[:, None]


def _collect(logs: torch.Tensor, owner: Positions, choices: Sequence[Sequence[int]]) -> NDArray[np.float64]:
    """Sum each label's log-probabilities; place 0 predicts every first token, the following places the next ones."""
    scores = np.zeros((logs.shape[0], len(choices)))
    for k, choice in enumerate(choices):
        places = [0, *(1 + np.flatnonzero(owner == k))]
        for place, token in zip(places, choice, strict=True):
            scores[:, k] += logs[:, place, token].double().cpu().numpy()
    return scores

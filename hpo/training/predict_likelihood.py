"""Log-likelihoods under a causal model: of texts, of references, and of every label after a prompt."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.rows import Rows
from hpo.objective import Outputs
from hpo.training.batches import Positions, by_length, collate
from hpo.training.encode import Encoded, pack
from hpo.training.forward import logits_at, precision
from hpo.training.prompts import bare
from hpo.training.question import Question
from hpo.training.shared_prompt import can_share, score_labels

_LOGITS_LIMIT = {"cpu": 2**28, "cuda": 2**31}  # bytes of logits in one forward pass


def likelihoods(model: Any, rows: Rows, question: Question) -> dict[str, Any]:
    """Negative log-likelihood (nats), scored tokens and their UTF-8 bytes, each of shape (n,), as fields of Outputs."""
    encoded = question.encoder.encode(question.pieces(rows), question.settings.max_length)
    nll = negative_log_likelihoods(model, encoded, question)
    return {"nll_sum": nll, "n_tokens": (encoded.scored - encoded.prompt).astype(np.int64), "n_bytes": encoded.n_bytes}


def classify(model: Any, rows: Rows, question: Question) -> Outputs:
    """Probabilities of the labels: a softmax over the log-probability of each label's text after the prompt.

    With ``length_normalized`` a label's log-probability is divided by its number of tokens first.
    """
    pieces = question.pieces(rows)
    choices = _label_ids(question, pieces[0].special)
    room = max(2, question.settings.max_length - max(len(choice) for choice in choices))
    prompts = question.encoder.encode(bare(pieces), room)
    scores = _score(model, prompts, choices, question)
    if question.settings.length_normalized:
        scores = scores / np.array([len(choice) for choice in choices])
    finite = np.isfinite(scores).all(axis=1)
    shifted = np.exp(scores - scores.max(axis=1, keepdims=True))
    probabilities = shifted / shifted.sum(axis=1, keepdims=True)
    prediction = np.array(question.labels, dtype=object)[np.where(finite, scores.argmax(axis=1), 0)]
    prediction[~finite] = None
    return Outputs(rows.ids, prediction, probabilities if "probabilities" in question.asked else None, question.labels)


def negative_log_likelihoods(model: Any, encoded: Encoded, question: Question) -> NDArray[np.float64]:
    """Of the scored tokens of every row, in nats, shape (n,); 0 for a row without any."""
    import torch

    device, pad = question.resident.device, question.resident.tokenizer.pad_token_id
    total = np.zeros(len(encoded))
    with torch.no_grad(), precision(device, question.settings.bf16):
        for batch in _batches(encoded, question):
            began = time.perf_counter()
            ids, _ = collate([encoded.row(i) for i in batch], pad)
            owner, chosen, targets = _scored_places(encoded, batch, ids.shape[1])
            logits = logits_at(model, torch.from_numpy(chosen).to(device), input_ids=ids.to(device))
            picked = logits.gather(1, torch.from_numpy(targets).to(device)[:, None])[:, 0]
            loss = (torch.logsumexp(logits, dim=1) - picked).double().cpu().numpy()
            total[batch] = np.bincount(owner, weights=loss, minlength=len(batch))
            question.timed(time.perf_counter() - began, batch)
    return total


def _scored_places(encoded: Encoded, batch: Positions, width: int) -> tuple[Positions, Positions, Positions]:
    """For every scored token of a right-padded batch: its row, the place that predicts it, and the token."""
    owner, chosen, targets = [], [], []
    for line, i in enumerate(batch):
        first, last = int(encoded.prompt[i]), int(encoded.scored[i])
        owner.append(np.full(last - first, line))
        chosen.append(line * width + np.arange(first - 1, last - 1))
        targets.append(encoded.row(i)[first:last].astype(np.int64))
    return np.concatenate(owner), np.concatenate(chosen), np.concatenate(targets)


def _batches(encoded: Encoded, question: Question) -> list[Positions]:
    """Rows of similar length, as many at a time as the settings allow and as have room for their logits."""
    room = _LOGITS_LIMIT.get(question.resident.device.type, 2**28) // (12 * max(1, question.resident.info.vocab_size))
    tokens = encoded.scored - encoded.prompt
    batches = []
    for batch in by_length(encoded.lengths, question.settings.per_device_eval_batch_size):
        parts = max(1, -(-int(tokens[batch].sum()) // max(1, room)))
        batches += [part for part in np.array_split(batch, min(parts, len(batch))) if len(part)]
    return batches


def _label_ids(question: Question, special: str) -> list[list[int]]:
    """Tokens of every label as it follows a prompt."""
    gap = " " if special == "plain" else ""
    texts = [gap + label for label in question.labels]
    ids: list[list[int]] = question.resident.tokenizer(texts, add_special_tokens=False)["input_ids"]
    return ids


def _score(model: Any, prompts: Encoded, choices: Sequence[Sequence[int]], question: Question) -> NDArray[np.float64]:
    """Log-probability of every label after every prompt, shape (n, k)."""
    if can_share(model, int(prompts.lengths.max())):
        return score_labels(model, prompts, choices, question)
    rows = [[*prompts.row(i), *choice] for i in range(len(prompts)) for choice in choices]
    read = np.repeat(prompts.prompt, len(choices))
    lengths = np.array([len(row) for row in rows])
    scores = -negative_log_likelihoods(model, pack(rows, read, lengths, np.zeros(len(rows))), question)
    question.latencies[:] = [sum(question.latencies) / len(prompts)] * len(prompts)
    return scores.reshape(len(prompts), len(choices))

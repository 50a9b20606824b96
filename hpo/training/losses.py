"""The loss of a micro-batch, summed: divided by the whole batch's count, so that splitting a batch changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from hpo.data.prepared import Prepared
from hpo.training.batches import Positions, collate
from hpo.training.encode import Encoded
from hpo.training.forward import head_logits, logits_at
from hpo.training.question import Question

if TYPE_CHECKING:
    import torch

IGNORED = -100


class Loss(Protocol):
    """What a run minimises."""

    def count(self, batch: Positions) -> float:
        """What the summed loss of a whole batch is divided by."""
        ...

    def summed(self, model: Any, batch: Positions) -> torch.Tensor:
        """Loss summed over a micro-batch, a scalar with a gradient."""
        ...


@dataclass(frozen=True)
class HeadLoss:
    """Cross-entropy of classes, or squared error of a standardised number, summed over rows."""

    encoded: Encoded
    targets: NDArray[Any]  # (n,) class numbers or standardised numbers
    pad: int
    device: torch.device
    smoothing: float = 0.0
    weights: NDArray[np.float64] | None = None  # (k,) of classes

    def count(self, batch: Positions) -> float:
        """Rows; with weights the sum of theirs, so that a whole batch's loss is torch's weighted mean."""
        return len(batch) if self.weights is None else float(self.weights[self.targets[batch]].sum())

    def summed(self, model: Any, batch: Positions) -> torch.Tensor:
        """See Loss."""
        import torch
        from torch.nn import functional

        logits = head_logits(model, *collate([self.encoded.row(i) for i in batch], self.pad), self.device)
        targets = torch.from_numpy(self.targets[batch]).to(self.device)
        if targets.dtype == torch.int64:
            weight = None if self.weights is None else torch.from_numpy(self.weights).to(logits)
            return functional.cross_entropy(
                logits, targets, weight=weight, reduction="sum", label_smoothing=self.smoothing
            )
        return functional.mse_loss(logits[:, 0], targets, reduction="sum")


@dataclass(frozen=True)
class CompletionLoss:
    """Cross-entropy of the learnt tokens - completion and end, never the prompt - summed over tokens."""

    encoded: Encoded
    pad: int
    device: torch.device
    weights: NDArray[np.float64] | None = None  # (n,) of rows: of each of their learnt tokens

    def count(self, batch: Positions) -> float:
        """Learnt tokens, by their weights where they have any; 1 for a batch whose rows have nothing to learn."""
        tokens = self.encoded.lengths[batch] - self.encoded.prompt[batch]
        total = tokens.sum() if self.weights is None else (tokens * self.weights[batch]).sum()
        return float(total) or 1.0

    def summed(self, model: Any, batch: Positions) -> torch.Tensor:
        """See Loss. Rows are padded on the right, where a causal model needs no mask."""
        import torch
        from torch.nn import functional

        ids, _ = collate([self.encoded.row(i) for i in batch], self.pad)
        labels = torch.from_numpy(learnt(self.encoded, batch))
        places = torch.nonzero(labels[:, 1:].reshape(-1) != IGNORED)[:, 0]
        width = labels.shape[1] - 1
        chosen = places + torch.div(places, width, rounding_mode="floor") if width else places
        targets = labels[:, 1:].reshape(-1)[places].to(self.device)
        logits = logits_at(model, chosen.to(self.device), input_ids=ids.to(self.device))
        if self.weights is None:
            return functional.cross_entropy(logits, targets, reduction="sum")
        row = torch.div(places, width, rounding_mode="floor") if width else places
        weights = torch.from_numpy(self.weights[batch])[row].to(logits)
        return (functional.cross_entropy(logits, targets, reduction="none") * weights).sum()


def make_loss(question: Question, data: Prepared, encoded: Encoded) -> Loss:
    """The loss of the task on the prepared training rows."""
    pad, device = question.resident.tokenizer.pad_token_id, question.resident.device
    if question.resident.info.kind == "causal":
        return CompletionLoss(encoded, pad, device, data.weights)
    labels = data.train.frame["label"]
    if question.kind == "regression":
        mean, spread = question.scale
        return HeadLoss(encoded, ((labels.to_numpy(dtype=float) - mean) / spread).astype(np.float32), pad, device)
    numbers = {name: i for i, name in enumerate(question.labels)}
    targets = np.array([numbers[str(label)] for label in labels], dtype=np.int64)
    weights = data.class_weights(question.labels)
    return HeadLoss(encoded, targets, pad, device, question.settings.label_smoothing_factor, weights)


def learnt(encoded: Encoded, batch: Positions) -> NDArray[np.int64]:
    """Labels of a right-padded batch, shape (b, t): token ids where the loss counts, -100 elsewhere."""
    rows = [encoded.row(i) for i in batch]
    labels = np.full((len(rows), max(len(row) for row in rows)), IGNORED, dtype=np.int64)
    for line, row, prompt in zip(labels, rows, encoded.prompt[batch], strict=True):
        line[prompt : len(row)] = row[prompt:]
    return labels

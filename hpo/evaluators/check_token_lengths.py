"""Rows in a model's tokens: how many, how many it does not know, which rows its maximal length would cut."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from hpo.data.rows import Rows
from hpo.errors import ConfigurationError
from hpo.evaluators.content import content
from hpo.evaluators.findings import nothing, ratio_of, share_of
from hpo.evaluators.protocol import ExampleScores, Metric
from hpo.objective import Outputs

_AT_ONCE = 1_000  # texts tokenised in one call: bounds the memory

Tokenize = Callable[[Sequence[str]], Sequence[Sequence[int]]]


_METRICS: tuple[Metric, ...] = (
    share_of("truncated_ratio", "truncated"),
    ratio_of("unknown_token_ratio", "unknown", "tokens"),
)


@dataclass(frozen=True)
class TokenLengths:
    """Tokens of each row under a model's tokenizer.

    Flag ``truncated``: a row has more tokens than ``max_length``.

    Attributes:
        tokenize: texts to token ids, special tokens included.
        max_length: tokens, at least 1.
        unknown: token id of what the vocabulary does not have; None: the tokenizer has no such token.
    """

    tokenize: Tokenize
    max_length: int
    unknown: int | None = None

    name = "token_lengths"
    needs = frozenset({"text"})
    metrics = _METRICS

    def __post_init__(self) -> None:
        """Refuse a length that nothing fits in."""
        if self.max_length < 1:
            raise ConfigurationError(f"max_length is {self.max_length}", hint="give at least 1 token")

    def prepare(self, reference: Rows | None) -> None:
        """Nothing is needed."""

    def score(self, data: Rows, outputs: Outputs | None = None, state: None = None) -> ExampleScores:
        """Tokens of n rows."""
        texts = content(data)
        tokens, unknown = np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.int64)
        for start in range(0, len(texts), _AT_ONCE):
            for row, ids in enumerate(self.tokenize(texts[start : start + _AT_ONCE]), start):
                tokens[row] = len(ids)
                unknown[row] = 0 if self.unknown is None else sum(token == self.unknown for token in ids)
        truncated = tokens > self.max_length
        reason = nothing(len(texts))
        for place in np.flatnonzero(truncated):
            reason[place] = f"{tokens[place]} tokens, {tokens[place] - self.max_length} more than {self.max_length}"
        stats = {"tokens": tokens, "unknown": unknown, "truncated": truncated.astype(np.float64)}
        return ExampleScores(data.ids, stats, {"truncated": truncated}, {"reason": reason}, data.groups)

"""Rows as tokens: prompt, completion and end, cut at max_length; kept in memory and on disk by content."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hpo.data.whole import replacing
from hpo.training.prompts import Piece

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

FORMAT = 1  # of the files; raised when their meaning changes


@dataclass(frozen=True)
class Encoded:
    """Tokens of n rows, one after the other.

    A row is ``tokens[offsets[i]:offsets[i + 1]]``: first ``prompt[i]`` tokens that are read, then those that are
    learnt, of which the ones before position ``scored[i]`` count for the likelihood (the end token does not).
    """

    tokens: NDArray[np.int32]
    offsets: NDArray[np.int64]  # (n + 1,)
    prompt: NDArray[np.int32]  # (n,)
    scored: NDArray[np.int32]  # (n,)
    n_bytes: NDArray[np.int64]  # (n,) UTF-8 bytes of the scored text

    def __len__(self) -> int:
        return len(self.prompt)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of each row, shape (n,)."""
        return np.diff(self.offsets)

    def row(self, i: int) -> NDArray[np.int32]:
        """Tokens of row ``i``."""
        return self.tokens[self.offsets[i] : self.offsets[i + 1]]


def pack(rows: Sequence[Any], prompt: Any, scored: Any, n_bytes: Any) -> Encoded:
    """An Encoded of single rows."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    tokens = np.concatenate([np.asarray(row, dtype=np.int32) for row in rows]) if len(rows) else np.zeros(0, np.int32)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return Encoded(
        tokens, offsets, np.asarray(prompt, np.int32), np.asarray(scored, np.int32), np.asarray(n_bytes, np.int64)
    )


@dataclass
class Encoder:
    """Tokenises pieces of text, and remembers what it has tokenised."""

    tokenizer: PreTrainedTokenizerBase
    folder: Path | None = None
    fingerprint: str = ""
    limit: int | None = None  # tokens the model can read
    _memory: dict[str, Encoded] = field(default_factory=dict)
    _identity: str = ""

    def encode(self, pieces: Sequence[Piece], max_length: int) -> Encoded:
        """Tokens of every piece, from memory or disk where the same text was tokenised before."""
        max_length = min(max_length, self.limit or max_length)
        key = self._key(pieces, max_length)
        if key not in self._memory:
            if len(self._memory) >= 16:
                del self._memory[next(iter(self._memory))]
            path = self.folder / f"{key}.npz" if self.folder is not None else None
            self._memory[key] = _read(path) or _write(path, _tokenise(self.tokenizer, pieces, max_length))
        return self._memory[key]

    def _key(self, pieces: Sequence[Piece], max_length: int) -> str:
        self._identity = self._identity or _tokenizer_identity(self.tokenizer)
        content = hashlib.blake2b(digest_size=16)
        for piece in pieces:
            content.update(repr((piece.prompt, piece.completion, piece.end, piece.special)).encode())
        return f"{self.fingerprint[:16] or 'data'}-{self._identity}-{max_length}-v{FORMAT}-{content.hexdigest()}"


def _tokenizer_identity(tokenizer: PreTrainedTokenizerBase) -> str:
    backend = getattr(tokenizer, "backend_tokenizer", None)
    text = backend.to_str() if backend is not None else json.dumps(tokenizer.get_vocab(), sort_keys=True)
    return hashlib.blake2b(f"{type(tokenizer).__name__}/{text}".encode(), digest_size=6).hexdigest()


def _tokenise(tokenizer: PreTrainedTokenizerBase, pieces: Sequence[Piece], max_length: int) -> Encoded:
    prompts = [
        _prompt_ids(tokenizer, ids, piece) for ids, piece in zip(_prompt_batch(tokenizer, pieces), pieces, strict=True)
    ]
    completions = _ids(tokenizer, [piece.completion for piece in pieces])
    ends = _ids(tokenizer, [piece.end for piece in pieces])
    rows, read, scored, n_bytes = [], [], [], []
    cut: list[int]
    for piece, prompt, completion, end in zip(pieces, prompts, completions, ends, strict=True):
        if piece.special == "encoder":
            prompt, cut = _cut_encoder(tokenizer, prompt, max_length), []
            kept = len(prompt)
        else:
            prompt, cut, kept = _fit(prompt, completion, end, max_length)
        rows.append([*prompt, *cut])
        read.append(len(prompt))
        scored.append(len(prompt) + kept)
        text = piece.completion if kept >= len(completion) else str(tokenizer.decode(completion[:kept]))
        n_bytes.append(len(text.encode()))
    return pack(rows, read, scored, n_bytes)


def _cut_encoder(tokenizer: PreTrainedTokenizerBase, ids: list[int], max_length: int) -> list[int]:
    """The beginning of a row, with the closing special token it had."""
    if len(ids) <= max_length:
        return ids
    closing = ids[-1:] if ids[-1] in tokenizer.all_special_ids else []
    return [*ids[: max_length - len(closing)], *closing]


def _fit(prompt: list[int], completion: list[int], end: list[int], max_length: int) -> tuple[list[int], list[int], int]:
    """Cut a row at ``max_length``: the prompt loses its beginning, down to half the room, then the completion its end.

    The first token of a prompt (a begin token, in most models) stays.
    """
    learnt = [*completion, *end]
    room = max(max_length - len(learnt), max_length // 2)
    if len(prompt) > room:
        prompt = [prompt[0], *prompt[len(prompt) - room + 1 :]] if room > 1 else prompt[:1]
    learnt = learnt[: max_length - len(prompt)]
    return prompt, learnt, min(len(learnt), len(completion))


def _prompt_batch(tokenizer: PreTrainedTokenizerBase, pieces: Sequence[Piece]) -> list[list[int]]:
    plain = [piece.special == "template" for piece in pieces]
    texts = [piece.prompt for piece in pieces]
    return _ids(tokenizer, texts) if all(plain) and plain else _ids(tokenizer, texts, add_special_tokens=True)


def _prompt_ids(tokenizer: PreTrainedTokenizerBase, ids: list[int], piece: Piece) -> list[int]:
    """A causal prompt is never empty (a begin token, else the end token) and does not end with an end token."""
    if piece.special != "plain":
        return ids
    end = tokenizer.eos_token_id
    if ids and ids[-1] == end:
        ids = ids[:-1]
    if not ids:
        begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else end
        ids = [begin] if begin is not None else []
    return ids


def _ids(tokenizer: PreTrainedTokenizerBase, texts: list[str], *, add_special_tokens: bool = False) -> list[list[int]]:
    if not texts:
        return []
    batch: list[list[int]] = tokenizer(
        texts,
        add_special_tokens=add_special_tokens,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )["input_ids"]
    return batch


def _read(path: Path | None) -> Encoded | None:
    if path is None or not path.is_file():
        return None
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Encoded(*(stored[name] for name in ("tokens", "offsets", "prompt", "scored", "n_bytes")))
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None  # a file that cannot be read is made anew


def _write(path: Path | None, encoded: Encoded) -> Encoded:
    """Write beside and rename, so that another worker reads the whole file or none."""
    if path is None:
        return encoded
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as fresh, fresh.open("wb") as file:
        np.savez(file, **{n: getattr(encoded, n) for n in ("tokens", "offsets", "prompt", "scored", "n_bytes")})
    return encoded

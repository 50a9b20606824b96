"""Rows as tokens: what is learnt, how rows are cut, what is remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from transformers import AutoTokenizer

from hpo.errors import DataError
from hpo.training.encode import Encoder
from hpo.training.losses import learnt
from hpo.training.prompts import Piece, causal_pieces, encoder_pieces


@pytest.fixture
def tokenizer(llama: Path) -> Any:
    return AutoTokenizer.from_pretrained(llama)


def test_loss_counts_on_the_completion_and_its_end_only(bench: Any, tokenizer: Any) -> None:
    pieces = causal_pieces(bench.rows(6), "classification", tokenizer)
    encoded = Encoder(tokenizer).encode(pieces, 64)
    labels = learnt(encoded, np.arange(6))
    for i, piece in enumerate(pieces):
        prompt = len(tokenizer(piece.prompt)["input_ids"])
        assert (labels[i, :prompt] == -100).all()
        assert tokenizer.decode(labels[i, prompt:][labels[i, prompt:] != -100]) == piece.completion + "</s>"
        assert (labels[i, encoded.lengths[i] :] == -100).all()
        assert encoded.n_bytes[i] == len(piece.completion.encode())
        assert encoded.scored[i] == encoded.lengths[i] - 1  # the end token is learnt, not scored


def test_messages_go_through_the_chat_template(bench: Any, tokenizer: Any) -> None:
    piece = causal_pieces(bench.messages(1), "instruction", tokenizer)[0]
    assert piece.prompt.startswith("<|user|>") and piece.prompt.endswith("<|end|><|assistant|>")
    assert (piece.completion, piece.end) == ("sports", "<|end|>")
    row = Encoder(tokenizer).encode([piece], 64).row(0)
    assert row.tolist() == tokenizer(piece.prompt + "sports<|end|>", add_special_tokens=False)["input_ids"]


def test_messages_without_a_chat_template_are_refused(bench: Any, tokenizer: Any) -> None:
    tokenizer.chat_template = None
    with pytest.raises(DataError, match="chat template"):
        causal_pieces(bench.messages(1), "instruction", tokenizer)


def test_a_text_is_scored_from_its_first_token(bench: Any, tokenizer: Any) -> None:
    rows = bench.rows(3)
    encoded = Encoder(tokenizer).encode(causal_pieces(rows, "language_modeling", tokenizer), 64)
    for i, text in enumerate(rows.frame["text"]):
        assert encoded.prompt[i] == 1 and encoded.row(i)[0] == tokenizer.bos_token_id
        assert tokenizer.decode(encoded.row(i)[1 : encoded.scored[i]]) == text
        assert encoded.n_bytes[i] == len(text.encode())


def test_a_long_prompt_keeps_its_first_token_and_its_end(tokenizer: Any) -> None:
    encoded = Encoder(tokenizer).encode([Piece("goal " * 50 + "Topic:", " sports", "</s>")], 16)
    row = encoded.row(0)
    assert len(row) == 16 and row[0] == tokenizer.bos_token_id
    assert tokenizer.decode(row[1:]).endswith("Topic: sports</s>")


def test_a_long_text_is_cut_and_so_are_its_bytes(tokenizer: Any) -> None:
    encoded = Encoder(tokenizer).encode([Piece("", "the final minute of the match " * 9, "</s>")], 12)
    assert encoded.lengths[0] == 12 and encoded.scored[0] == 12
    assert encoded.n_bytes[0] == len(tokenizer.decode(encoded.row(0)[1:]).encode())


def test_a_cut_row_of_an_encoder_keeps_its_closing_token(minilm: Path, bench: Any) -> None:
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    encoded = Encoder(tokenizer).encode(encoder_pieces(bench.rows(12)), 6)
    assert encoded.lengths.max() == 6
    assert all(encoded.row(i)[-1] == tokenizer.sep_token_id for i in range(12))


def test_tokens_come_back_from_disk_and_change_with_what_they_depend_on(tmp_path: Path, tokenizer: Any) -> None:
    pieces = [Piece("one goal", " sports", "</s>"), Piece("a soup", " cooking", "</s>")]
    first = Encoder(tokenizer, tmp_path, "data").encode(pieces, 32)
    again = Encoder(tokenizer, tmp_path, "data").encode(pieces, 32)
    assert all(
        (getattr(first, n) == getattr(again, n)).all() for n in ("tokens", "offsets", "prompt", "scored", "n_bytes")
    )
    assert len(list(tmp_path.iterdir())) == 1
    Encoder(tokenizer, tmp_path, "data").encode(pieces, 31)
    Encoder(tokenizer, tmp_path, "data").encode(pieces[:1], 32)
    assert len(list(tmp_path.iterdir())) == 3


def test_a_damaged_file_is_made_anew(tmp_path: Path, tokenizer: Any) -> None:
    pieces = [Piece("one goal", " sports", "</s>")]
    first = Encoder(tokenizer, tmp_path).encode(pieces, 32)
    path = next(tmp_path.iterdir())
    path.write_bytes(b"PK\x03\x04 half")
    assert (Encoder(tokenizer, tmp_path).encode(pieces, 32).tokens == first.tokens).all()

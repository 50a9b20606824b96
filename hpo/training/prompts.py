"""What a model reads and what it learns to write, as text, for every task and row format."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from hpo.config.models import TaskKind
from hpo.data.rows import Rows
from hpo.errors import DataError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


@dataclass(frozen=True)
class Piece:
    """One row: a prompt that is read, a completion that is learnt and scored, an end that is learnt alone."""

    prompt: str
    completion: str = ""
    end: str = ""
    special: Literal["encoder", "plain", "template"] = (
        "plain"  # encoder: all is read; template: brings its own special tokens
    )


def encoder_pieces(rows: Rows) -> list[Piece]:
    """What an encoder reads: the text, or the contents of the messages, a line each."""
    if "text" in rows.frame:
        return [Piece(text, special="encoder") for text in _texts(rows, "text")]
    return [
        Piece("\n".join(str(message["content"]) for message in messages), special="encoder")
        for messages in rows.frame["messages"]
    ]


def causal_pieces(rows: Rows, kind: TaskKind, tokenizer: PreTrainedTokenizerBase) -> list[Piece]:
    """What a causal model reads and writes.

    Classification completes the prompt with the label's name, regression with the number, an instruction with the
    reference; language modelling reads nothing and writes the text. The end token follows. Rows without a label or
    reference get an empty completion.

    Raises:
        DataError: rows are messages and the tokenizer has no chat template.
    """
    if kind == "language_modeling":
        return _whole_texts(rows, tokenizer)
    completions = _completions(rows, kind)
    if rows.format == "messages":
        return [
            chat_piece(tokenizer, messages, completion)
            for messages, completion in zip(rows.frame["messages"], completions, strict=True)
        ]
    end = str(tokenizer.eos_token or "")
    return [join(text, completion, end) for text, completion in zip(_texts(rows, "text"), completions, strict=True)]


def join(prompt: str, completion: str, end: str) -> Piece:
    """Prompt and completion, parted by a space that belongs to the completion unless the prompt ends with a line break.

    Tokenizers write a word and the space before it as one token, so a prompt must not end with that space.
    """
    bare = prompt.rstrip(" ")
    gap = "" if bare.endswith("\n") or not bare else " "
    return Piece(bare, gap + completion if completion else "", end)


def chat_piece(tokenizer: PreTrainedTokenizerBase, messages: Sequence[Mapping[str, Any]], completion: str) -> Piece:
    """A conversation through the tokenizer's chat template, with the last answer as the completion."""
    _need_template(tokenizer)
    turns = [dict(message) for message in messages]
    prompt = str(tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))
    answered = [*turns, {"role": "assistant", "content": completion}]
    whole = str(tokenizer.apply_chat_template(answered, tokenize=False))
    if not completion or not whole.startswith(prompt) or completion.strip() not in whole[len(prompt) :]:
        return Piece(prompt, completion, str(tokenizer.eos_token or ""), "template")
    answer = whole[len(prompt) :]
    cut = answer.rindex(completion.strip()) + len(completion.strip())
    return Piece(prompt, answer[:cut], answer[cut:].rstrip("\n") or str(tokenizer.eos_token or ""), "template")


def with_examples(pieces: Sequence[Piece], shown: Sequence[Piece]) -> list[Piece]:
    """Put solved examples before every prompt, parted by an empty line."""
    prefix = "".join(f"{piece.prompt}{piece.completion}\n\n" for piece in shown)
    return [replace(piece, prompt=prefix + piece.prompt) for piece in pieces]


def bare(pieces: Sequence[Piece]) -> list[Piece]:
    """The prompts alone: how they are cut must not depend on the answer."""
    return [replace(piece, completion="", end="") for piece in pieces]


def match_label(answer: str, labels: Sequence[str]) -> str | None:
    """The label that a generated answer means, or None.

    Its first line, stripped of spaces and of punctuation around it, equals a label (case does not count), or it is the
    beginning of exactly one label, or a label (the longest, where one contains another) is its beginning up to the end
    of a word.
    """
    line = (answer.strip().splitlines() or [""])[0].strip().strip("\"'`*.,:;!?()[] ").casefold()
    if not line:
        return None
    folded = {label.casefold().strip(): label for label in labels}
    if line in folded:
        return folded[line]
    begun = [label for text, label in folded.items() if text.startswith(line)]
    if begun:
        return begun[0] if len(begun) == 1 else None
    inside = [text for text in folded if re.match(re.escape(text) + r"(?!\w)", line)]
    return folded[max(inside, key=len)] if inside else None


_NUMBER = re.compile(r"[-+]?(?:\d[\d,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def parse_number(answer: str) -> float:
    """The first number in a generated answer; NaN where there is none."""
    found = _NUMBER.search(answer)
    try:
        return float(found.group().replace(",", "")) if found else float("nan")
    except ValueError:
        return float("nan")


def _completions(rows: Rows, kind: TaskKind) -> list[str]:
    column = "reference" if kind == "instruction" else "label"
    if column not in rows.frame:
        return [""] * len(rows)
    if kind == "regression":
        return ["" if np.isnan(value) else f"{value:.6g}" for value in rows.frame[column].to_numpy(dtype=float)]
    return _texts(rows, column)


def _whole_texts(rows: Rows, tokenizer: PreTrainedTokenizerBase) -> list[Piece]:
    end = str(tokenizer.eos_token or "")
    if rows.format == "messages":
        _need_template(tokenizer)
        return [
            Piece("", str(tokenizer.apply_chat_template(_all_turns(row), tokenize=False)), end)
            for row in rows.frame.to_dict("records")
        ]
    texts = _texts(rows, "text")
    if "reference" in rows.frame:
        joined = (join(text, reference, "") for text, reference in zip(texts, _texts(rows, "reference"), strict=True))
        texts = [piece.prompt + piece.completion for piece in joined]
    return [Piece("", text, end) for text in texts]


def _all_turns(row: Mapping[Any, Any]) -> list[dict[str, Any]]:
    turns = [dict(message) for message in row["messages"]]
    return [*turns, {"role": "assistant", "content": str(row["reference"])}] if row.get("reference") else turns


def _texts(rows: Rows, column: str) -> list[str]:
    return ["" if value is None or value != value else str(value) for value in rows.frame[column].tolist()]


def _need_template(tokenizer: PreTrainedTokenizerBase) -> None:
    if not tokenizer.chat_template:
        raise DataError(
            "rows are messages, but the model's tokenizer has no chat template",
            where="data",
            hint="use an instruction-tuned model, or give rows as instruction and output with a template",
        )

"""A model's tokenizer alone, for checks of rows: its weights are not loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hpo.config.models import ModelConfig
from hpo.training.pretrained import as_model_error, source


def open_tokenizer(model: ModelConfig) -> tuple[Callable[[Sequence[str]], list[list[int]]], int | None]:
    """What turns texts into token ids (special tokens included), and the id of unknown text; None: there is none.

    Raises:
        ModelError: the model has no tokenizer that can be loaded.
    """
    from hpo.training.resident import load_tokenizer, quiet

    hint = "name a folder or hub model that holds tokenizer.json"
    with quiet(), as_model_error(f"the tokenizer of {model.name}", hint):
        tokenizer = load_tokenizer(source(model))

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(list(texts), return_attention_mask=False, verbose=False)["input_ids"]
        return ids

    return tokenize, tokenizer.unk_token_id

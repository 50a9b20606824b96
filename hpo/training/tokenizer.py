"""A model's tokenizer alone, for checks of rows: its weights are not loaded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hpo.config.models import ModelConfig
from hpo.errors import ModelError


def open_tokenizer(model: ModelConfig) -> tuple[Callable[[Sequence[str]], list[list[int]]], int | None]:
    """What turns texts into token ids (special tokens included), and the id of unknown text; None: there is none.

    Raises:
        ModelError: the model has no tokenizer that can be loaded.
    """
    from hpo.training.resident import load_tokenizer, quiet

    folder = Path(model.name).expanduser()
    where = {
        "pretrained_model_name_or_path": str(folder) if folder.is_dir() else model.name,
        "revision": model.revision,
        "trust_remote_code": model.trust_remote_code,
    }
    try:
        with quiet():
            tokenizer = load_tokenizer(where)
    except Exception as error:  # whatever goes wrong in a library while it loads is a fault of the model
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        what = f"the tokenizer of {model.name} cannot be loaded: {first}"
        raise ModelError(what, where="model", hint="name a folder or hub model that holds tokenizer.json") from error

    def tokenize(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(list(texts), return_attention_mask=False, verbose=False)["input_ids"]
        return ids

    return tokenize, tokenizer.unk_token_id

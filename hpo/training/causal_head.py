"""Causal models with a classification head of their own (``LlamaForSequenceClassification``), asked by that head."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.models import ModelConfig
from hpo.errors import ModelError
from hpo.training.check import check_model

if TYPE_CHECKING:
    from hpo.training.resident import Resident


def load_causal_classifier(model: ModelConfig, labels: tuple[str, ...]) -> Resident:
    """Load it, with a head of ``len(labels)`` classes; its kind reads ``encoder``, since that is how it is asked.

    Raises:
        ModelError: it cannot be loaded.
    """
    import torch
    from transformers import AutoConfig, AutoModelForSequenceClassification

    from hpo.training.packed import Packed
    from hpo.training.resident import Resident, load_tokenizer, quiet

    info = check_model(model)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    name = str(info.folder) if Path(model.name).expanduser().is_dir() else model.name
    where: dict[str, Any] = {
        "pretrained_model_name_or_path": name,
        "revision": model.revision,
        "trust_remote_code": model.trust_remote_code,
    }
    try:
        with quiet():
            tokenizer = load_tokenizer(where)
            config = AutoConfig.from_pretrained(**where)
            config.id2label = dict(enumerate(labels))
            config.label2id = {label: code for code, label in enumerate(labels)}
            config.pad_token_id = tokenizer.pad_token_id  # the head reads the last token that is no padding
            loaded = AutoModelForSequenceClassification.from_pretrained(
                **where, config=config, use_safetensors=True, dtype=torch.float32 if device.type == "cpu" else "auto"
            )
    except Exception as error:  # whatever goes wrong in a library while it loads is a fault of the model
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(f"model {model.name} cannot be loaded: {first}", where="model") from error
    loaded.requires_grad_(False)
    loaded.eval()
    asked = replace(info, kind="encoder")
    return Resident(
        asked, loaded.to(device), tokenizer, device, ("score",), copied=False, packed=Packed(info.parameters)
    )

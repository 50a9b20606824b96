"""Causal models with a classification head of their own (``LlamaForSequenceClassification``), asked by that head."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hpo.config.models import ModelConfig
from hpo.training.check import check_model
from hpo.training.pretrained import as_model_error, source

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
    where = source(model)
    with quiet(), as_model_error(f"model {model.name}"):
        tokenizer = load_tokenizer(where)
        config = AutoConfig.from_pretrained(**where)
        config.id2label = dict(enumerate(labels))
        config.label2id = {label: code for code, label in enumerate(labels)}
        config.pad_token_id = tokenizer.pad_token_id  # the head reads the last token that is no padding
        loaded = AutoModelForSequenceClassification.from_pretrained(
            **where, config=config, use_safetensors=True, dtype=torch.float32 if device.type == "cpu" else "auto"
        )
    loaded.requires_grad_(False)
    loaded.eval()
    asked = replace(info, kind="encoder")
    return Resident(
        asked, loaded.to(device), tokenizer, device, ("score",), copied=False, packed=Packed(info.parameters)
    )

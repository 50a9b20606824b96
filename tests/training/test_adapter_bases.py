"""An adapter on a base that it was not trained on is refused, not loaded in part."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from hpo.errors import ModelError
from hpo.training.adapters import load_adapter


def test_weights_without_a_place_in_the_base_are_refused(tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import BertConfig, BertModel

    def adapted(layers: int) -> object:
        torch.manual_seed(0)
        config = BertConfig(
            vocab_size=20, hidden_size=8, num_hidden_layers=layers, num_attention_heads=2, intermediate_size=8
        )
        return get_peft_model(BertModel(config), LoraConfig(r=2, target_modules=["query"]))

    adapted(2).save_pretrained(str(tmp_path))  # type: ignore[attr-defined]
    load_adapter(adapted(2), tmp_path)  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="2 weights of the adapter have no place in this base"):
        load_adapter(adapted(1), tmp_path)  # type: ignore[arg-type]

"""A model is known, or refused with a reason, from its files alone."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpo.config.models import ModelConfig
from hpo.errors import ModelError
from hpo.training.check import check_model


def broken(folder: Path) -> str:
    with pytest.raises(ModelError) as caught:
        check_model(ModelConfig(name=str(folder)))
    assert caught.value.faults[0].hint
    return str(caught.value)


def test_minilm_is_an_encoder_of_22_million_parameters(minilm: Path) -> None:
    info = check_model(ModelConfig(name=str(minilm)))
    assert (info.kind, info.hidden_size, info.layers, info.readable) == ("encoder", 384, 6, 512)
    assert info.parameters == pytest.approx(22.7e6, rel=0.01)
    assert info.weight_bytes == pytest.approx(4 * info.parameters, rel=0.01)


def test_a_llama_is_causal(llama: Path) -> None:
    info = check_model(ModelConfig(name=str(llama)))
    assert (info.kind, info.hidden_size, info.layers, info.max_positions) == ("causal", 32, 2, 256)


def test_checking_a_folder_imports_no_torch(minilm: Path) -> None:
    code = (
        "import sys; from hpo.config.models import ModelConfig; from hpo.training.check import check_model;"
        f"check_model(ModelConfig(name={str(minilm)!r}));"
        "import hpo.objectives.lora, hpo.objectives.full_finetune, hpo.training.memory;"
        "print([m for m in ('torch', 'transformers', 'peft', 'sklearn', 'pandas') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_folders_that_are_no_models_are_refused(tmp_path: Path, minilm: Path) -> None:
    assert "does not exist" in broken(tmp_path / "missing")
    assert "no config.json" in broken(tmp_path)
    (tmp_path / "config.json").write_text("[1]")
    assert "not a model's config" in broken(tmp_path)
    (tmp_path / "config.json").write_text("{")
    assert "JSON" in broken(tmp_path)
    shutil.copy(minilm / "config.json", tmp_path)
    assert "no weights" in broken(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(b"pickle")
    assert "pickle is never loaded" in broken(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"junk")
    assert "no tokenizer" in broken(tmp_path)
    shutil.copy(minilm / "tokenizer.json", tmp_path)
    assert "safetensors" in broken(tmp_path)
    (tmp_path / "model.safetensors").write_bytes((minilm / "model.safetensors").read_bytes()[:100_000])
    assert "cut short" in broken(tmp_path)


def test_an_encoder_decoder_is_refused(tmp_path: Path, minilm: Path) -> None:
    for name in ("tokenizer.json", "model.safetensors"):
        (tmp_path / name).symlink_to(minilm / name)
    config = {**json.loads((minilm / "config.json").read_text()), "model_type": "t5", "is_encoder_decoder": True}
    (tmp_path / "config.json").write_text(json.dumps(config))
    assert "encoder-decoder" in broken(tmp_path)


def test_a_hub_name_without_the_hub_is_refused_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"cannot be reached|not on this machine"):
        check_model(ModelConfig(name="nobody/nothing"))


def test_a_name_that_cannot_be_a_hub_name_is_refused() -> None:
    with pytest.raises(ModelError):
        check_model(ModelConfig(name="not a name!"))

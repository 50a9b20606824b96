"""What a model is, read from its config and weight headers alone: fast, without torch."""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hpo.config.models import ModelConfig
from hpo.errors import ModelError
from hpo.training.hub import fetch_description

Kind = Literal["encoder", "causal"]

_ENCODER_TYPES = (
    "albert bert big_bird camembert convbert deberta deberta-v2 distilbert electra ernie esm eurobert fnet funnel "
    "ibert longformer luke megatron-bert mobilebert modernbert mpnet mra nezha nystromformer qdqbert rembert "
    "roberta roberta-prelayernorm roc_bert roformer splinter squeezebert xlm xlm-roberta xlm-roberta-xl xmod yoso "
)
ENCODERS = frozenset(_ENCODER_TYPES.split())  # values of model_type
TOKENIZER_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "spiece.model",
    "vocab.txt",
    "vocab.json",
    "sentencepiece.bpe.model",
)
BYTES = {
    "F64": 8,
    "F32": 4,
    "F16": 2,
    "BF16": 2,
    "I64": 8,
    "I32": 4,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "I8": 1,
    "U8": 1,
    "BOOL": 1,
}


@dataclass(frozen=True)
class ModelInfo:
    """A base model as its files describe it."""

    kind: Kind
    model_type: str
    hidden_size: int
    layers: int
    intermediate_size: int
    vocab_size: int
    max_positions: int | None  # tokens the model can read; None where its config does not say
    parameters: int  # stored in the weight files
    weight_bytes: int  # of the weight files
    folder: Path | None  # None for a model on the hub that is not on this machine yet

    @property
    def readable(self) -> int | None:
        """Tokens of the longest row. RoBERTa's kind counts positions from 2, so 514 positions read 512 tokens."""
        if self.max_positions is None or self.kind == "causal":
            return self.max_positions
        return self.max_positions - self.max_positions % 8 if self.max_positions > 8 else self.max_positions


def check_model(model: ModelConfig) -> ModelInfo:
    """Read what the model is from ``config.json`` and the headers of its safetensors files.

    Args:
        model: a folder or a hub name.

    Returns:
        The model's kind, sizes and parameter count.

    Raises:
        ModelError: no such folder or hub model, no safetensors weights, no tokenizer, or a kind that cannot be tuned.
    """
    folder = Path(model.name).expanduser()
    if folder.is_dir():
        return check_folder(folder)
    if folder.exists() or model.name.startswith((".", "/", "~")) or model.name.count("/") > 1:
        what = "is a file, not a model folder" if folder.exists() else "does not exist"
        raise ModelError(
            f"model {model.name} {what}", where="model", hint="give the folder that holds config.json, or a hub name"
        )
    description = fetch_description(model)
    if description.folder is not None:
        return check_folder(description.folder)
    return _info(model.name, description.config, None, (description.parameters, description.weight_bytes))


def check_folder(folder: Path) -> ModelInfo:
    """``check_model`` for a folder."""
    config = read_json(folder / "config.json", folder)
    weights = sorted(folder.glob("*.safetensors"))
    if not weights:
        pickles = sorted(path.name for path in (*folder.glob("*.bin"), *folder.glob("*.pt")))
        hint = "convert them once with `model.save_pretrained(folder, safe_serialization=True)`" if pickles else ""
        found = f"only {', '.join(pickles)} (pickle is never loaded)" if pickles else "no weights"
        raise ModelError(
            f"model folder {folder} holds {found}",
            where="model",
            hint=hint or "it needs model.safetensors beside config.json",
        )
    if not any((folder / name).is_file() for name in TOKENIZER_FILES):
        raise ModelError(
            f"model folder {folder} has no tokenizer",
            where="model",
            hint=f"it needs one of {', '.join(TOKENIZER_FILES[:3])}",
        )
    counts = [header_counts(path) for path in weights]
    return _info(str(folder), config, folder, (sum(c[0] for c in counts), sum(c[1] for c in counts)))


def header_counts(path: Path) -> tuple[int, int]:
    """Number of values and of bytes in a safetensors file, from its header alone.

    Raises:
        ModelError: the file is not in safetensors format or is cut short.
    """
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > 100_000_000:
                raise ValueError("header too long")
            header: dict[str, Any] = json.loads(file.read(length))
        tensors = [entry for name, entry in header.items() if name != "__metadata__"]
        values = [_product(entry["shape"]) for entry in tensors]
        end = max((entry["data_offsets"][1] for entry in tensors), default=0)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, struct.error) as error:
        raise ModelError(
            f"{path.name} in {path.parent} cannot be read as safetensors",
            where="model",
            hint="download the model again",
        ) from error
    if path.stat().st_size < 8 + length + end:
        raise ModelError(f"{path.name} in {path.parent} is cut short", where="model", hint="download the model again")
    return sum(values), sum(n * BYTES.get(entry["dtype"], 1) for n, entry in zip(values, tensors, strict=True))


def read_json(path: Path, folder: Path) -> dict[str, Any]:
    """A JSON object from a model folder.

    Raises:
        ModelError: it is missing or no JSON object.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        hint = (
            "this is an adapter: name its base model"
            if (folder / "adapter_config.json").is_file()
            else "give a folder that holds one"
        )
        raise ModelError(f"folder {folder} is not a model: it has no {path.name}", where="model", hint=hint) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"{path} cannot be read as JSON", where="model", hint="download the model again") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a model's config", where="model", hint="download the model again")
    return content


def _info(name: str, config: Mapping[str, Any], folder: Path | None, counts: tuple[int, int]) -> ModelInfo:
    text = config.get("text_config", config) or config
    hidden = _first(text, "hidden_size", "n_embd", "d_model", "dim")
    return ModelInfo(
        kind=_kind(name, config),
        model_type=str(config.get("model_type", "")),
        hidden_size=hidden,
        layers=_first(text, "num_hidden_layers", "n_layer", "n_layers", "num_layers"),
        intermediate_size=_first(text, "intermediate_size", "n_inner", "hidden_dim", "ffn_dim") or 4 * hidden,
        vocab_size=_first(text, "vocab_size"),
        max_positions=_first(text, "max_position_embeddings", "n_positions", "n_ctx") or None,
        parameters=counts[0],
        weight_bytes=counts[1],
        folder=folder,
    )


def _kind(name: str, config: Mapping[str, Any]) -> Kind:
    architectures = " ".join(config.get("architectures") or ())
    if not config.get("model_type") and "auto_map" not in config:
        raise ModelError(
            f"{name}: config.json names no model_type", where="model", hint="give a language model's folder"
        )
    if config.get("is_encoder_decoder"):
        raise ModelError(
            f"{name} is an encoder-decoder model",
            where="model",
            hint="use a causal model (Llama, Qwen) or an encoder (BERT, MiniLM)",
        )
    if config.get("model_type") in ENCODERS and not config.get("is_decoder"):
        return "encoder"
    if "MaskedLM" in architectures:
        return "encoder"
    if config.get("vision_config") or not _first(config.get("text_config") or config, "vocab_size"):
        raise ModelError(f"{name} is not a language model", where="model", hint="use a causal model or a text encoder")
    return "causal"


def _first(config: Mapping[str, Any], *names: str) -> int:
    for name in names:
        if isinstance(config.get(name), int):
            return int(config[name])
    return 0


def _product(shape: list[int]) -> int:
    product = 1
    for size in shape:
        product *= int(size)
    return product

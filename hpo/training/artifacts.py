"""What a run leaves behind: an adapter or a model, its tokenizer, and what predicting with it needs to know."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.config.training import TrainingConfig
from hpo.errors import ModelError
from hpo.training.adapters import load_adapter, save_adapter
from hpo.training.resident import quiet

MANIFEST = "hpo.json"  # in every artifact of the ready objectives that tune a model


@dataclass(frozen=True)
class Manifest:
    """What the weights alone do not say."""

    kind: str
    labels: tuple[str, ...]
    scale: tuple[float, float]  # mean and spread that an encoder's number is in
    settings: TrainingConfig
    seed: int
    full: bool
    transforms: tuple[str, ...] = ()  # of the texts of every row that is predicted


def save(model: Any, tokenizer: Any, manifest: Manifest, folder: Path) -> None:
    """Write a run's adapter or model, its tokenizer and its manifest."""
    folder.mkdir(parents=True, exist_ok=True)
    with quiet():
        if manifest.full:
            model.save_pretrained(str(folder))
        else:
            save_adapter(model, folder)
        tokenizer.save_pretrained(str(folder))
    write_manifest(manifest, folder)


def load(model: Any, manifest: Manifest, folder: Path) -> None:
    """Set the weights of ``model``, made as the manifest says, to the saved ones."""
    if not manifest.full:
        load_adapter(model, folder)
        return
    from safetensors.torch import load_file

    for path in sorted(folder.glob("*.safetensors")):
        model.load_state_dict(load_file(str(path)), strict=False)


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Write ``hpo.json`` into an artifact."""
    content: Mapping[str, Any] = {
        "task": manifest.kind,
        "labels": list(manifest.labels),
        "target_mean": manifest.scale[0],
        "target_spread": manifest.scale[1],
        "training": manifest.settings.model_dump(mode="json"),
        "transforms": list(manifest.transforms),
        "seed": manifest.seed,
        "format": "model" if manifest.full else "adapter",
    }
    (folder / MANIFEST).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """Read ``hpo.json``.

    Raises:
        ModelError: the folder is no artifact of this package.
    """
    try:
        content = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        return Manifest(
            kind=content["task"],
            labels=tuple(content["labels"]),
            scale=(content["target_mean"], content["target_spread"]),
            settings=TrainingConfig(**content["training"]),
            seed=content["seed"],
            full=content["format"] == "model",
            transforms=tuple(content.get("transforms", ())),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"{folder} holds no model or adapter of this package", where=str(folder / MANIFEST), hint="train it again"
        ) from error

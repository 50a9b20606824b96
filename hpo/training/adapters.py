"""LoRA adapters in PEFT's format: attached to a view of the base, saved, loaded."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.training import TrainingConfig
from hpo.errors import ConfigurationError, ModelError
from hpo.training.fused import fuse
from hpo.training.resident import Resident

if TYPE_CHECKING:
    from peft import LoraConfig, PeftModel
    from transformers import PreTrainedModel


def adapt(resident: Resident, settings: TrainingConfig, seed: int) -> PeftModel:
    """A view of the base with a fresh adapter; the same seed gives the same weights whatever ran before.

    Raises:
        ConfigurationError: ``target_modules`` names nothing in this model.
    """
    import torch
    from peft import get_peft_model

    view = resident.view(seed)
    if settings.gradient_checkpointing:
        checkpoint_gradients(view)
    torch.manual_seed(seed)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # PEFT asks transformers by an old name
            model = get_peft_model(view, lora_config(resident, settings))
    except ValueError as error:
        raise unknown_modules(resident, settings) from error
    fuse(model, settings, resident.packed)
    return model


def lora_config(resident: Resident, settings: TrainingConfig) -> LoraConfig:
    """PEFT's configuration for these settings."""
    from peft import LoraConfig, TaskType

    targets = settings.target_modules
    named: Any = targets if targets == "all-linear" else [targets] if isinstance(targets, str) else list(targets)
    encoder = resident.info.kind == "encoder"
    return LoraConfig(
        task_type=TaskType.SEQ_CLS if encoder else TaskType.CAUSAL_LM,
        r=settings.lora_rank,
        lora_alpha=settings.lora_alpha,  # type: ignore[arg-type]  # PEFT takes any number
        lora_dropout=settings.lora_dropout,
        target_modules=named,
        modules_to_save=list(resident.head) if encoder else None,
        use_rslora=settings.method == "rslora",
        use_dora=settings.method == "dora",
    )


def linear_modules(model: PreTrainedModel) -> dict[str, tuple[int, int]]:
    """Inputs and outputs of every linear layer by name, the head and the output embeddings left out."""
    from torch import nn
    from transformers.pytorch_utils import Conv1D

    output = model.get_output_embeddings()
    found: dict[str, tuple[int, int]] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear) and module is not output:
            found[name] = (module.in_features, module.out_features)
        elif isinstance(module, Conv1D):
            found[name] = (module.weight.shape[0], module.weight.shape[1])
    return found


def unknown_modules(resident: Resident, settings: TrainingConfig) -> ConfigurationError:
    """The error for a ``target_modules`` that names nothing."""
    leaves = sorted({name.rpartition(".")[2] for name in linear_modules(resident.model)})
    return ConfigurationError(
        f"target_modules {settings.target_modules!r} names no layer of this model",
        where="target_modules",
        hint=f"all-linear, or some of {', '.join(leaves)}",
    )


def checkpoint_gradients(model: PreTrainedModel) -> None:
    """Recompute activations in the backward pass; the frozen embeddings must pass gradients on for that."""
    anyhow: Any = model
    if hasattr(anyhow, "activation_checkpointing_enable"):  # the name since transformers 5.20
        anyhow.activation_checkpointing_enable()
    else:
        anyhow.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def save_adapter(model: PeftModel, folder: Path) -> None:
    """Write ``adapter_config.json`` and ``adapter_model.safetensors``; the head goes along."""
    state = {name: tensor.detach().clone() for name, tensor in model.state_dict().items() if _own(name)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save_pretrained(str(folder), state_dict=state, save_embedding_layers=False)
    # PEFT's empty form: the model card is written by who keeps the artifact
    (folder / "README.md").unlink(missing_ok=True)


def load_adapter(model: PeftModel, folder: Path) -> None:
    """Set the adapter's and the head's weights to the saved ones."""
    from peft import set_peft_model_state_dict
    from safetensors.torch import load_file

    loaded: Any = set_peft_model_state_dict(model, load_file(str(folder / "adapter_model.safetensors")))
    if loaded.unexpected_keys:  # PEFT leaves them out without a word
        what = f"{len(loaded.unexpected_keys)} weights of the adapter have no place in this base"
        raise ModelError(what, where=str(folder), hint="name the base that it was trained on")


def _own(name: str) -> bool:
    return "lora_" in name or "modules_to_save" in name

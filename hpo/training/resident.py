"""The base model, loaded once, never changed: each run gets a view of it, with modules of its own on shared weights."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hpo.config.models import ModelConfig
from hpo.errors import ModelError
from hpo.training.check import ModelInfo, check_model
from hpo.training.heads import head_names, initialise, read_first_token
from hpo.training.packed import Packed
from hpo.training.pretrained import as_model_error, source

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedConfig, PreTrainedModel, PreTrainedTokenizerBase

_DROPOUTS = [
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "classifier_dropout",
    "classifier_dropout_prob",
    "attention_dropout",
    "dropout",
    "activation_dropout",
    "hidden_dropout",
    "resid_pdrop",
    "embd_pdrop",
    "attn_pdrop",
    "summary_first_dropout",
    "seq_classif_dropout",
    "qa_dropout",
    "embedding_dropout",
    "mlp_dropout",
    "pooler_dropout",
    "layerdrop",
    "ffn_dropout",
    "residual_dropout",
    "resid_dropout",
]


@dataclass(frozen=True)
class Needs:
    """What a study asks of its base model."""

    outputs: int  # columns of an encoder's head; unused for causal models
    labels: tuple[str, ...] = ()
    full: bool = False  # all weights are trained: keep a copy in memory, in 32 bits, with the model's own dropout


@dataclass(frozen=True)
class Resident:
    """A loaded base model and its tokenizer. The weights are read-only: runs work on views."""

    info: ModelInfo
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    device: torch.device
    head: tuple[str, ...]  # modules without pretrained weights; empty for causal models
    copied: bool  # views copy the weights
    packed: Packed

    def view(self, seed: int) -> PreTrainedModel:
        """A model of its own on the shared weights (or on a copy of them), with a head drawn from ``seed``.

        Nothing done to the view - adapters, hooks, requires-grad flags, the head - reaches the resident base.
        """
        import torch

        memo: dict[int, Any] = {}
        names = {id(parameter): name for name, parameter in self.model.named_parameters()}
        fresh = tuple(f"{head}." for head in self.head)
        for parameter in self.model.parameters():
            own = self.copied or names[id(parameter)].startswith(fresh)
            data = parameter.detach().clone() if own else parameter.detach()
            memo[id(parameter)] = torch.nn.Parameter(data, requires_grad=False)
        view = copy.deepcopy(self.model, memo)
        initialise(view, self.head, seed)
        if self.head:
            read_first_token(view)
        moved: Any = view
        result: PreTrainedModel = moved.to(self.device) if self.copied else moved
        return result


def load(model: ModelConfig, needs: Needs) -> Resident:
    """Load the base model and its tokenizer.

    Raises:
        ModelError: the folder or name is no usable model (found out before torch is imported), or loading fails.
    """
    info = check_model(model)
    import torch

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    where = source(model)
    with quiet(), as_model_error(f"model {model.name}"):
        tokenizer = load_tokenizer(where)
        config = _config(where, info, needs)
        loaded, report = _auto_class(info).from_pretrained(
            **where,
            config=config,
            dtype=_dtype(model, info, device, needs),
            use_safetensors=True,
            output_loading_info=True,
            ignore_mismatched_sizes=info.kind == "encoder",
        )
    missing = [
        *report["missing_keys"],
        *(key[0] if isinstance(key, tuple) else key for key in report["mismatched_keys"]),
    ]
    head = head_names(loaded, missing) if info.kind == "encoder" else ()
    _refuse_incomplete(model, missing, head)
    loaded.requires_grad_(False)
    loaded.eval()
    return Resident(
        info, loaded if needs.full else loaded.to(device), tokenizer, device, head, needs.full, Packed(info.parameters)
    )


def load_tokenizer(where: Mapping[str, Any]) -> PreTrainedTokenizerBase:
    """The tokenizer of a model; one without a padding token pads with its end token."""
    from transformers import AutoTokenizer

    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(**where)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    return tokenizer


def _config(where: Mapping[str, Any], info: ModelInfo, needs: Needs) -> PreTrainedConfig:
    from transformers import AutoConfig

    config: PreTrainedConfig = AutoConfig.from_pretrained(**where)
    if info.kind == "encoder":
        names = needs.labels or tuple(f"output {i}" for i in range(needs.outputs))
        config.id2label = dict(enumerate(names))
        config.label2id = {name: i for i, name in enumerate(names)}
    if not needs.full:
        for part in (config, getattr(config, "text_config", None)):
            for name in _DROPOUTS:
                if isinstance(getattr(part, name, None), (int, float)):
                    setattr(part, name, 0.0)
    return config


def _auto_class(info: ModelInfo) -> Any:
    import transformers

    return (
        transformers.AutoModelForCausalLM if info.kind == "causal" else transformers.AutoModelForSequenceClassification
    )


def _dtype(model: ModelConfig, info: ModelInfo, device: torch.device, needs: Needs) -> torch.dtype:
    """32 bits on a CPU and where all weights are trained (bfloat16 then serves the arithmetic only)."""
    import torch

    if model.dtype != "auto":
        named: torch.dtype = getattr(torch, model.dtype)
        return named
    halved = info.weight_bytes < 3 * info.parameters
    if device.type == "cpu" or needs.full or not halved:
        return torch.float32
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16


def _refuse_incomplete(model: ModelConfig, missing: list[str], head: tuple[str, ...]) -> None:
    fresh = tuple(f"{name}." for name in head if "pooler" in name or "." not in name)
    lost = [name for name in missing if not name.startswith(fresh)]
    if lost:
        raise ModelError(
            f"the weights of {model.name} lack {len(lost)} tensors that its config asks for, {lost[0]} among them",
            where="model",
            hint="config.json and the weights do not belong together",
        )


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """No progress bars and loading reports of transformers meanwhile."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()

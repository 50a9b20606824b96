"""Settings of a training run under their Hugging Face names: fixed in ``training``, searched in ``search_space``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Method = Literal["lora", "rslora", "dora"]
Scheduler = Literal["linear", "cosine", "constant", "constant_with_warmup", "polynomial"]
Optimizer = Literal["adamw_torch", "sgd", "adafactor"]


class EarlyStopping(BaseModel):
    """Stop a run whose primary metric no longer improves; the best evaluation is kept."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    patience: Annotated[int, Field(ge=1, description="evaluations without improvement before the run ends")] = 2
    min_delta: Annotated[float, Field(ge=0, description="the least change that counts as an improvement")] = 0.0


class TrainingConfig(BaseModel):
    """Everything a training run may be told; each key is fixed here or searched, never both."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    num_train_epochs: Annotated[float, Field(gt=0, description="passes over the training rows")] = 1.0
    max_steps: Annotated[
        int, Field(ge=-1, description="optimizer steps; overrides num_train_epochs when positive")
    ] = -1
    max_length: Annotated[int, Field(ge=4, description="tokens a row is cut at")] = 512
    learning_rate: Annotated[float, Field(gt=0, description="peak learning rate")] = 2e-4
    batch_size: Annotated[int, Field(ge=1, description="rows an optimizer step sees (the effective batch)")] = 16
    weight_decay: Annotated[float, Field(ge=0, description="decoupled weight decay")] = 0.0
    warmup_ratio: Annotated[float, Field(ge=0, lt=1, description="share of the steps that warm up")] = 0.0
    lr_scheduler_type: Annotated[Scheduler, Field(description="shape of the learning rate over the run")] = "linear"
    optim: Annotated[Optimizer, Field(description="optimizer")] = "adamw_torch"
    adam_beta1: Annotated[float, Field(ge=0, lt=1, description="AdamW's first moment decay")] = 0.9
    adam_beta2: Annotated[float, Field(ge=0, lt=1, description="AdamW's second moment decay")] = 0.999
    adam_epsilon: Annotated[float, Field(gt=0, description="AdamW's epsilon")] = 1e-8
    max_grad_norm: Annotated[float, Field(ge=0, description="gradient clipping norm; 0 switches it off")] = 1.0
    label_smoothing_factor: Annotated[float, Field(ge=0, lt=1, description="smoothing of classification labels")] = 0.0
    group_by_length: Annotated[bool, Field(description="batches of rows of similar length")] = True
    evaluations: Annotated[int, Field(ge=1, description="evaluations at equal fractions of the run")] = 4
    early_stopping: Annotated[EarlyStopping | None, Field(description="rule that ends a run early")] = None
    bf16: Annotated[bool | None, Field(description="bfloat16 autocast; unset: where the device has it")] = None
    gradient_checkpointing: Annotated[bool, Field(description="trade time for memory")] = False
    per_device_eval_batch_size: Annotated[int, Field(ge=1, description="rows a forward pass of an evaluation sees")] = (
        64
    )
    micro_batch_size: Annotated[int | None, Field(ge=1, description="rows of one forward pass; unset: from memory")] = (
        None
    )
    method: Annotated[Method, Field(description="how the adapter is parametrised")] = "lora"
    lora_rank: Annotated[int, Field(ge=1, description="rank of the update")] = 16
    lora_alpha: Annotated[
        float, Field(gt=0, description="scale of the update; the update is multiplied by alpha / rank")
    ] = 32.0
    lora_dropout: Annotated[float, Field(ge=0, lt=1, description="dropout before the adapter")] = 0.0
    target_modules: Annotated[
        str | tuple[str, ...], Field(description="adapted modules; all-linear: every linear layer")
    ] = "all-linear"
    scoring: Annotated[
        Literal["label_likelihood", "generate"], Field(description="how a causal model answers a classification task")
    ] = "label_likelihood"
    length_normalized: Annotated[bool, Field(description="divide a label's log-likelihood by its tokens")] = False
    max_new_tokens: Annotated[int, Field(ge=1, description="tokens a generated answer may have")] = 64
    few_shot: Annotated[int, Field(ge=0, description="training rows shown in the base model's prompt")] = 0

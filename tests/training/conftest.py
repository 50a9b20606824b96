"""Tasks, trials and rows for the small real models of tests/conftest.py."""

from __future__ import annotations

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

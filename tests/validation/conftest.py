"""Data sets, predictions and small real models to validate."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ANIMALS = "cat dog horse sheep lion tiger wolf bear eagle shark rabbit goat camel otter cow pig duck goose".split()  # noqa: SIM905
TOOLS = "hammer saw drill wrench pliers chisel ladder shovel axe rake clamp file anvil lever vise hoe awl adze".split()  # noqa: SIM905
FRAMES = ("the {}", "I saw a {}", "a picture of a {}", "where is the {} now")
Write = Callable[..., Path]


def word_rows(words: slice, **columns: Sequence[str]) -> list[dict[str, Any]]:
    """Rows of two classes, animals and tools; ``columns`` are repeated over them."""
    named = [(word, "animal") for word in ANIMALS[words]] + [(word, "tool") for word in TOOLS[words]]
    rows = [{"text": frame.format(word), "label": label} for word, label in named for frame in FRAMES]
    return [
        {"id": f"w{i}", **row, **{name: values[i % len(values)] for name, values in columns.items()}}
        for i, row in enumerate(rows)
    ]


@pytest.fixture(scope="session")
def all_words() -> Callable[..., list[dict[str, Any]]]:
    """``words``, for fixtures that live longer than a test."""
    return word_rows


@pytest.fixture
def words() -> Callable[..., list[dict[str, Any]]]:
    """Rows of two classes: ``words(slice(12, 18), column=[...])``."""
    return word_rows


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write rows as JSONL: ``write("rows", rows)`` -> path."""

    def into(name: str, rows: Sequence[Mapping[str, Any]]) -> Path:
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return into


@pytest.fixture
def said(write: Write) -> Write:
    """Write the predictions of a model that is right in a given share of the rows, with probabilities.

    ``said("a", rows, 0.8, seed=1)``; ``seeds=3`` writes three training runs.
    """

    def into(name: str, rows: Sequence[Mapping[str, Any]], right: float, *, seed: int = 0, seeds: int = 0) -> Path:
        lines = []
        labels = ("animal", "tool")
        for run in range(max(seeds, 1)):
            generator = np.random.default_rng([seed, run])
            for row in rows:
                hit = generator.random() < right
                answer = row["label"] if hit else next(each for each in labels if each != row["label"])
                sure = 0.6 + 0.3 * generator.random()
                shares = {
                    f"probability_{each}": sure if each == answer else (1 - sure) / (len(labels) - 1) for each in labels
                }
                line = {"id": row["id"], "label": row["label"], "prediction": answer, **shares}
                lines.append({**line, "seed": run} if seeds else line)
        return write(name, lines)

    return into


@pytest.fixture
def validation(tmp_path: Path) -> Write:
    """Write a validation file: ``validation(models=[...], datasets=[...])`` -> path; JSON is YAML."""

    def into(**blocks: Any) -> Path:
        values = {
            "name": "v",
            "baseline": "b",
            "out": str(tmp_path / "out"),
            "statistics": {"resamples": 500},
            **blocks,
        }
        path = tmp_path / "v.yaml"
        path.write_text(json.dumps(values, indent=1))
        return path

    return into


@pytest.fixture(scope="session")
def classifier(minilm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MiniLM with a classification head of its own, as anybody might publish it: LABEL_0, LABEL_1."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = tmp_path_factory.mktemp("classifier")
    _quick_head(AutoModelForSequenceClassification, minilm).save_pretrained(folder)
    AutoTokenizer.from_pretrained(minilm).save_pretrained(folder)
    return folder


def _quick_head(auto: Any, minilm: Path) -> Any:
    """MiniLM with a head that tells animals from tools: logistic regression on what its head reads."""
    import torch
    from sklearn.linear_model import LogisticRegression
    from transformers import AutoTokenizer

    torch.manual_seed(0)
    model = auto.from_pretrained(minilm, num_labels=2, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(minilm)
    rows = word_rows(slice(0, 12))
    batch = tokenizer([row["text"] for row in rows], padding=True, return_tensors="pt")
    with torch.no_grad():
        features = model.bert(**batch).pooler_output
        fitted = LogisticRegression(C=1000, max_iter=5000).fit(
            features.numpy(), [row["label"] == "tool" for row in rows]
        )
        weight = torch.tensor(fitted.coef_, dtype=torch.float32)
        model.classifier.weight.copy_(torch.cat([-weight, weight]) / 2)
        bias = torch.tensor(fitted.intercept_, dtype=torch.float32)
        model.classifier.bias.copy_(torch.cat([-bias, bias]) / 2)
    return model

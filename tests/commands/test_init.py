"""``hpo init`` writes a study that loads, for each kind of data, and says what it assumed."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import zstandard

from hpo.commands import main
from hpo.config import load

QUEUES = [{"body": f"my {word} is broken", "queue": queue} for queue in "ab" for word in ("car", "bike", "boat")]
RATINGS = [{"text": f"a film number {k}", "label": k / 7} for k in range(8)]
ANSWERS = [{"instruction": f"add {k} and 1", "output": str(k + 1)} for k in range(8)]
CHATS = [{"messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]} for _ in range(4)]
TEXTS = [{"text": f"once upon a time {k}"} for k in range(8)]

CASES = [
    (QUEUES, "Qwen/Qwen3-0.6B", "classification", {"text": "body", "label": "queue"}, "lora"),
    (QUEUES, "google-bert/bert-base-uncased", "classification", {"text": "body", "label": "queue"}, "lora_encoder"),
    (RATINGS, "intfloat/e5-small", "regression", {}, "lora_encoder"),
    (ANSWERS, "meta-llama/Llama-3.2-1B", "instruction", {}, "lora"),
    (CHATS, "Qwen/Qwen3-0.6B", "instruction", {}, "lora"),
    (TEXTS, "Qwen/Qwen3-0.6B", "language_modeling", {}, "lora"),
]


def jsonl(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


@pytest.mark.parametrize(("rows", "model", "task", "columns", "space"), CASES)
def test_the_task_is_told_from_the_rows(
    rows: list[dict[str, Any]], model: str, task: str, columns: dict[str, str], space: str, tmp_path: Path
) -> None:
    data, output = jsonl(tmp_path / "my rows.jsonl", rows), tmp_path / "study.yaml"
    assert main(["init", "--model", model, "--data", str(data), "--output", str(output)]) == 0
    config = load(output)
    assert config.task == task
    assert config.study == "my-rows"
    assert config.data is not None and config.data.train == str(data)
    assert config.data.columns == columns
    text = output.read_text()
    assert f"search_space: {space} " in text
    assert text.count("  # ") >= 8  # commented


WRITERS: dict[str, Callable[[Path], object]] = {
    "rows.csv": lambda path: pd.DataFrame(QUEUES).to_csv(path, index=False),
    "rows.csv.gz": lambda path: pd.DataFrame(QUEUES).to_csv(path, index=False),
    "rows.parquet": lambda path: pd.DataFrame(QUEUES).to_parquet(path),
    "rows.jsonl.zst": lambda path: pd.DataFrame(QUEUES).to_json(path, orient="records", lines=True),
    "rows.txt": lambda path: path.write_text("one\ntwo\n"),
    "rows.txt.gz": lambda path: path.write_bytes(gzip.compress(b"one\ntwo\n")),
    "rows.txt.zst": lambda path: path.write_bytes(zstandard.compress(b"one\ntwo\n")),
}


@pytest.mark.parametrize("name", WRITERS)
def test_every_format_is_read(name: str, tmp_path: Path) -> None:
    WRITERS[name](tmp_path / name)
    output = tmp_path / "study.yaml"
    assert main(["init", "--model", "gpt2", "--data", str(tmp_path / name), "--output", str(output)]) == 0
    assert load(output).task == ("language_modeling" if ".txt" in name else "classification")


def test_a_model_folder_is_looked_into(minilm: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, output = jsonl(tmp_path / "rows.jsonl", QUEUES), tmp_path / "study.yaml"
    arguments = ["init", "--model", str(minilm), "--data", str(data), "--output", str(output), "--json"]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["model"] == "encoder"
    assert told["task"] == "classification"
    assert told["next"][-1] == f"python -m hpo.run {output}"
    config = load(output)
    assert config.model is not None and config.model.name == str(minilm)


def test_the_task_may_be_given(tmp_path: Path) -> None:
    data, output = jsonl(tmp_path / "rows.jsonl", QUEUES), tmp_path / "study.yaml"
    arguments = ["init", "--model", "gpt2", "--data", str(data), "--output", str(output)]
    assert main([*arguments, "--task", "language_modeling"]) == 0
    config = load(output)
    assert config.task == "language_modeling"
    assert config.data is not None and config.data.columns == {"text": "body"}


@pytest.mark.parametrize(
    ("name", "content", "more", "words"),
    [
        ("rows.jsonl", None, [], "no such file"),
        ("rows.jsonl", "", [], "the file has no rows"),
        ("rows.jsonl", "{not json\n", [], "cannot be read"),
        ("rows.pkl", "x", [], "not a data file"),
        ("rows.parquet", "x", [], "cannot be read"),
        ("rows.csv", "a,b\n1,2\n", [], "no columns for any task among a, b"),
        ("rows.txt", "one\n", ["--task", "classification"], "no columns for classification"),
        ("rows.txt", "one\n", ["--model", "bert-base"], "bert-base is an encoder"),
    ],
)
def test_what_cannot_be_used_is_told(
    name: str, content: str | None, more: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if content is not None:
        (tmp_path / name).write_text(content)
    output = tmp_path / "study.yaml"
    code = main(["init", "--model", "gpt2", "--data", str(tmp_path / name), "--output", str(output), *more])
    assert code == 2
    assert words in capsys.readouterr().err
    assert not output.exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data, output = jsonl(tmp_path / "rows.jsonl", QUEUES), tmp_path / "study.yaml"
    output.write_text("mine")
    assert main(["init", "--model", "gpt2", "--data", str(data), "--output", str(output)]) == 2
    assert "the file is there already" in capsys.readouterr().err
    assert output.read_text() == "mine"


def test_a_folder_that_is_no_model_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = jsonl(tmp_path / "rows.jsonl", QUEUES)
    code = main(["init", "--model", str(tmp_path), "--data", str(data), "--output", str(tmp_path / "study.yaml")])
    assert code == 2
    assert "is not a model" in capsys.readouterr().err

"""Wording that all rows share (a template, a system turn, an instruction) makes no copies and no leaks of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.checks.study import check_splits
from hpo.config.load import load_text
from hpo.data import prepare
from hpo.data.rows import Splits

LONG = (
    "You are given a message that a customer of our shop has written. Read it with care, think about what the customer "
    "wants, and then say in one word which department should answer."
)
NOUNS = ("lamp", "chair", "table", "carpet", "mirror", "shelf", "clock", "vase", "curtain", "pillow")


def said(number: int) -> str:
    """A short text, another one for each number."""
    draw = np.random.default_rng(number)
    return f"My {draw.choice(NOUNS)} number {number} came {draw.integers(1, 99)} days late."


def splits(folder: Path, records: list[dict[str, Any]], task: str, **data: Any) -> Splits:
    (folder / "rows.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    study = {
        "study": "s", "task": task, "model": str(folder), "data": {"train": "rows.jsonl", **data},
        "search_space": {"lora_rank": {"type": "categorical", "choices": [4, 8]}},
        "objectives": [{"metric": "accuracy" if task == "classification" else "exact_match", "direction": "maximize"}],
    }  # fmt: skip
    return prepare(load_text(json.dumps(study), "study.yaml", folder))


CASES = {
    "template": (
        [{"text": said(i), "label": "ab"[i % 2]} for i in range(60)],
        "classification",
        {"template": LONG + "\n\nMessage: {text}\n\nDepartment:"},
    ),
    "system turn": (
        [
            {
                "messages": [
                    {"role": "system", "content": LONG},
                    {"role": "user", "content": said(i)},
                    {"role": "assistant", "content": f"Department {i % 7}."},
                ]
            }
            for i in range(60)
        ],
        "instruction",
        {},
    ),
    "instruction": (
        [{"instruction": LONG, "input": said(i), "output": f"Department {i % 7}."} for i in range(60)],
        "instruction",
        {},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rows_that_share_only_wording_are_neither_copies_nor_leaks(name: str, tmp_path: Path) -> None:
    records, task, data = CASES[name]
    report = check_splits(splits(tmp_path, records, task, **data), {"max_leakage_ratio": 0.0}, task)  # type: ignore[arg-type]
    assert report.check("leakage").flagged == 0
    assert report.check("near_duplicates").flagged == 0
    assert report.gates[0].passed


@pytest.mark.parametrize("name", CASES)
def test_a_row_that_is_asked_again_is_found_all_the_same(name: str, tmp_path: Path) -> None:
    # given validation rows of their own file, one of which stands in the training rows too
    records, task, data = CASES[name]
    (tmp_path / "held.jsonl").write_text("".join(json.dumps(each) + "\n" for each in records[40:] + records[:1]))
    parts = splits(tmp_path, records[:40], task, validation="held.jsonl", **data)
    report = check_splits(parts, {"max_leakage_ratio": 0.0}, task)  # type: ignore[arg-type]
    assert report.check("leakage").flagged == 1
    assert not report.gates[0].passed


def test_a_text_that_stands_in_another_is_never_in_another_split(tmp_path: Path) -> None:
    # given texts of which every second quotes the one before as a whole
    words = [f"w{i}" for i in range(3000)]
    texts = [" ".join(words[20 * i : 20 * i + 20]) for i in range(60)]
    texts = [f"{texts[i - 1]} {texts[i]} {texts[i][::-1]}" if i % 2 else texts[i] for i in range(60)]
    records = [{"text": text, "label": "ab"[i % 4 // 2]} for i, text in enumerate(texts)]
    parts = splits(tmp_path, records, "classification")
    # then the quoted and the quoting one are in the same split, so that nothing leaks
    assert check_splits(parts, {"max_leakage_ratio": 0.0}, "classification").check("leakage").flagged == 0
    held = set(parts.validation.ids) | set(parts.test.ids if parts.test else [])
    assert held and all((str(i) in held) == (str(i + 1) in held) for i in range(0, 60, 2))

"""A causal model that writes answers: scored by their words, the same at every call, rated by people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hpo.validation import validate

TOPICS = {"sports": "the striker scored a late goal", "cooking": "chop the onion", "music": "the violin played"}


def test_generated_answers_are_scored_kept_and_the_same_again(
    llama: Path, write: Any, validation: Any, tmp_path: Path
) -> None:
    # given prompts with references, and one model that may write four tokens, or eight
    rows = [{"id": f"q{i}", "instruction": f"Name the topic of: {text}", "output": name}
            for i, (name, text) in enumerate(list(TOPICS.items()) * 6)]  # fmt: skip
    models = [{"name": name, "model": str(llama), "ask": {"max_new_tokens": n}} for name, n in (("b", 4), ("c", 8))]
    blocks = {"task": "instruction", "models": models, "metrics": ["exact_match", "perplexity"]}
    datasets = [{"name": "topics", "data": str(write("rows", rows)), "primary": "token_f1"}]
    found = validate(validation(**blocks, datasets=datasets, rating_sheet=3))
    # then every metric that was asked for is there, the likelihood's too, which does not depend on what is written
    scores = {(each["model"], each["metric"]): each["value"] for each in found["scores"]}
    assert {metric for _, metric in scores} == {"token_f1", "exact_match", "perplexity"}
    assert scores["b", "perplexity"] == scores["c", "perplexity"] > 1
    # and the answers are kept, and the same when they are asked for again in another folder
    texts = (tmp_path / "out" / "rating_sheet.csv").read_text()
    again = validate(validation(**blocks, datasets=datasets, rating_sheet=3, out=str(tmp_path / "other")))
    assert (tmp_path / "other" / "rating_sheet.csv").read_text() == texts
    assert again["scores"] == found["scores"]
    assert (tmp_path / "out" / "predictions" / "c" / "topics.parquet").is_file()

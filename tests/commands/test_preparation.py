"""Studies that search how their rows are prepared, as a person types them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hpo.records import load_state

NOISE = ["the", "of", "and", "a", "very", "old", "new", "small", "red", "two"]
TOLD = {
    "animal": "horse cow goat dog fox boar crow moose otter cod goose sparrow",
    "music": "violin choir chord solo tempo opera oboe cello song tenor organ note",
    "weather": "storm frost cloud fog snow monsoon cold rainbow tornado thunderbolt hot drought",
}
MINE = "def spell(text):\n    return text.replace('0', 'o')\n"
STUDY = """
study: prepared
objective: {objective}
{model}
task: classification
data:
  train: rows.jsonl
  split: {{validation: 0.25, test: 0.2}}
  preparation:
    strategies: {{clean: [strip_html, "mine.py:spell", deduplicate, lowercase]}}
    augment: {{method: swap_words, share: 0.2}}
training: {{{training}}}
search_space:
  preprocessing: {{type: categorical, choices: [original, clean, [strip_html]]}}
  class_weights: {{type: categorical, choices: [none, balanced]}}
  train_fraction: {{type: categorical, choices: [0.5, 1.0], default: 1.0}}
  {more}
objectives: [{{metric: macro_f1, direction: maximize}}]
sampler: {{name: {sampler}}}
budget: {{trials: {trials}}}
baselines: {{base: {base}, classical: true}}
loggers: {{tensorboard: false}}
runner: {{cpus_per_trial: 1}}
"""


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    """Rows of three topics, one of them rare, spelled with zeros and in markup; and a study of them."""
    draw = np.random.default_rng(0)
    labels = ["weather" if i % 8 == 0 else ("animal", "music")[i % 2] for i in range(180)]
    texts = [" ".join([*draw.choice(TOLD[label].split(), 1), *draw.choice(NOISE, 4)]) for label in labels]
    marked = [f"<p>{text.replace('o', '0')}</p>" if i % 2 else text for i, text in enumerate(texts)]
    rows = [
        {"id": f"r{i}", "text": text, "label": label}
        for i, (text, label) in enumerate(zip(marked, labels, strict=True))
    ]
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    (tmp_path / "mine.py").write_text(MINE, "utf-8")

    def write(**changes: Any) -> Path:
        values = {
            "objective": "sklearn_classifier", "model": "", "training": "", "more": "", "sampler": "grid",
            "trials": 12, "base": "true",
        }  # fmt: skip
        (tmp_path / "prepared.yaml").write_text(STUDY.format(**{**values, **changes}), "utf-8")
        return tmp_path / "prepared.yaml"

    return write


def records(study: Path) -> dict[int, Any]:
    return load_state(study.parent / "runs/prepared/journal.jsonl").records


def test_every_preparation_is_tried_and_the_run_folder_tells_them_apart(
    study: Callable[..., Path], run_study: Any
) -> None:
    file = study()
    done = run_study(file.name)
    assert done.returncode == 0, done.stderr
    found = records(file)
    tried = {
        (json.dumps(r.settings["preprocessing"]), r.settings["class_weights"], r.settings["train_fraction"])
        for r in found.values()
    }
    assert len(tried) == len(found) == 12
    assert {json.loads(named) if named.startswith('"') else tuple(json.loads(named)) for named, *_ in tried} == {
        "original", "clean", ("strip_html",),
    }  # fmt: skip
    whole = {r.measurements["train_rows"] for r in found.values() if r.settings["train_fraction"] == 1}
    half = {r.measurements["train_rows"] for r in found.values() if r.settings["train_fraction"] == 0.5}
    assert max(half) < min(whole)
    best = {
        named: max(r.metrics["macro_f1"] for r in found.values() if r.settings["preprocessing"] == named)
        for named in ("original", "clean")
    }
    assert best["clean"] > best["original"]
    told = json.loads((file.parent / "runs/prepared/data/preparation.json").read_text())
    assert told["searched"] == ["preprocessing", "class_weights", "train_fraction"]
    assert [step["name"] for step in told["steps"]] == ["augment"]
    alone = yaml.safe_load((file.parent / "runs/prepared/best.yaml").read_text())
    assert "preprocessing" not in alone["data"]["preparation"]
    again = run_study("runs/prepared/best.yaml")
    assert again.returncode == 0, again.stderr
    winner = max(r.metrics["macro_f1"] for r in found.values())
    (single,) = load_state(file.parent / "runs/prepared-best/journal.jsonl").records.values()
    assert single.metrics["macro_f1"] == pytest.approx(winner)


def test_another_preparation_is_another_study(study: Callable[..., Path], run_study: Any) -> None:
    file = study(trials=1, base="false")
    assert run_study(file.name).returncode == 0
    again = run_study(file.name, "--set", "data.preparation.augment.share=0.4")
    assert again.returncode == 2
    assert "data changed" in again.stderr


def test_a_transform_that_fails_is_told_with_its_line(study: Callable[..., Path], run_study: Any) -> None:
    file = study(base="false")
    (file.parent / "mine.py").write_text("def spell(text):\n    return text[9999]\n", "utf-8")
    assert run_study(file.name).returncode == 0
    found = records(file).values()
    assert [r.settings["preprocessing"] == "clean" for r in found] == [r.state == "failed" for r in found]
    assert all("mine.py:2" in r.message and "IndexError" in r.message for r in found if r.state == "failed")


def test_a_fixed_transform_that_fails_stops_the_study_before_its_first_trial(
    study: Callable[..., Path], run_study: Any
) -> None:
    file = study(base="false")
    fixed = file.read_text("utf-8").replace(
        "  preprocessing: {type: categorical, choices: [original, clean, [strip_html]]}\n", ""
    )
    file.write_text(fixed.replace("  preparation:\n", "  preparation:\n    preprocessing: clean\n"), "utf-8")
    (file.parent / "mine.py").write_text("def spell(text):\n    return text[9999]\n", "utf-8")
    done = run_study(file.name)
    assert done.returncode == 2
    assert "mine.py:2" in done.stderr and "Traceback" not in done.stderr
    assert not (file.parent / "runs").exists() or not list((file.parent / "runs").iterdir())


def test_adapters_of_a_small_model_are_searched_with_their_preparation(
    study: Callable[..., Path], run_study: Any, minilm: Path
) -> None:
    file = study(
        objective="lora", model=f"model: {minilm}", training="num_train_epochs: 1, max_length: 24, evaluations: 1",
        more="learning_rate: {type: constant, value: 3.0e-3}", sampler="random", trials=2,
    )  # fmt: skip
    done = run_study(file.name)
    assert done.returncode == 0, done.stderr
    found = records(file)
    assert [r.state for r in found.values()] == ["complete"] * 2
    assert len({json.dumps([r.settings["preprocessing"], r.settings["train_fraction"]]) for r in found.values()}) > 1
    kept = sorted((file.parent / "runs/prepared").glob("**/artifact/hpo.json"))
    assert kept
    for manifest in kept:
        number = int("".join(c for c in manifest.parents[2].name if c.isdigit()))
        named = found[number].settings["preprocessing"]
        wanted = {"original": [], "clean": ["strip_html", f"{file.parent}/mine.py:spell", "lowercase"]}
        transforms = wanted[named] if isinstance(named, str) else named
        assert json.loads(manifest.read_text())["transforms"] == transforms

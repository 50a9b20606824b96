"""Claims about preparation: what is done to which rows, in which order, and what is on record of it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from hpo.config.models import StudyConfig
from hpo.config.preparation import AugmentConfig, PreparationConfig
from hpo.config.space import Categorical
from hpo.data.preparation import (
    Preparation,
    chosen,
    prepare_texts,
    prepare_training,
    steps,
    strategy,
    write_preparation,
)
from hpo.data.prepared import Preparer
from hpo.data.rows import Rows
from hpo.data.versions import version
from hpo.errors import DataError

CLEAN = ("strip_html", "deduplicate", "lowercase")


def rows(n: int = 60) -> Rows:
    draw = np.random.default_rng(0)
    words = [f"Word{i}" for i in range(50)]
    texts = [f"<b>{' '.join(draw.choice(words, 8))}</b>" for _ in range(n)]
    frame = pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "group": [f"g{i // 4}" for i in range(n)],
            "text": texts,
            "label": ["rare" if i % 5 == 0 else "usual" for i in range(n)],
        },
        dtype=object,
    )
    return Rows(frame, "text_label")


def with_copies() -> Rows:
    given = rows()
    copy = given.frame.iloc[[3]].assign(id="copy", text=given.frame["text"].iloc[3].replace("b>", "i>"))
    return Rows(pd.concat([given.frame, copy], ignore_index=True), "text_label")


@pytest.mark.parametrize(
    ("named", "transforms"),
    [
        (None, ()),
        ("original", ()),
        ("clean", CLEAN),
        ("lowercase", ("lowercase",)),
        (["strip_html", "lowercase"], ("strip_html", "lowercase")),
        (("mine.py:f",), ("mine.py:f",)),
        ("mine.py:f", ("mine.py:f",)),
        ([], ()),
    ],
)
def test_a_strategy_is_named_or_written_out(named: Any, transforms: tuple[str, ...]):
    assert strategy(named, {"clean": CLEAN}) == transforms


def test_a_trial_takes_the_place_of_what_the_study_fixes():
    config = PreparationConfig(preprocessing="lowercase", strategies={"clean": CLEAN}, outliers="length")
    assert chosen(config) == Preparation(("lowercase",), "length")
    params = {"preprocessing": "clean", "class_weights": "balanced", "train_fraction": 0.5, "learning_rate": 1.0}
    assert chosen(config, params) == Preparation(CLEAN, "length", 0.5, class_weights="balanced")
    assert chosen(config, {"preprocessing": None}).transforms == ()
    assert chosen(config, params).texts == ("strip_html", "lowercase")


def test_texts_change_and_nothing_else_does():
    given = with_copies()
    found = prepare_texts(given, CLEAN)
    assert found.frame["text"].iloc[0] == given.frame["text"].iloc[0][3:-4].lower()
    assert found.frame.drop(columns="text").equals(given.frame.drop(columns="text"))
    assert prepare_texts(given, ()) is given
    with pytest.raises(DataError, match="unknown transform"):
        prepare_texts(given, ["shout"])


def test_the_prompt_of_an_instruction_stays_parted_from_its_answer():
    frame = pd.DataFrame({"id": ["a"], "text": ["Say  Hi\n\n"], "reference": ["Hi  There"]}, dtype=object)
    found = prepare_texts(Rows(frame, "instruction"), ["normalize_whitespace", "lowercase"]).frame
    assert (found["text"].iloc[0], found["reference"].iloc[0]) == ("say hi\n\n", "Hi  There")


def test_of_a_conversation_only_what_the_user_says_changes():
    turns = [
        {"role": "system", "content": "Be Kind"},
        {"role": "user", "content": "Who?"},
        {"role": "assistant", "content": "Me."},
        {"role": "user", "content": "WHY"},
    ]
    frame = pd.DataFrame({"id": ["a"], "messages": [turns], "reference": ["So"]}, dtype=object)
    found = prepare_texts(Rows(frame, "messages"), ["lowercase"]).frame["messages"].iloc[0]
    assert [turn["content"] for turn in found] == ["Be Kind", "who?", "Me.", "why"]
    assert turns[1]["content"] == "Who?"


def test_rows_without_texts_cannot_be_prepared():
    frame = pd.DataFrame({"id": ["a"], "number": [3]}, dtype=object)
    with pytest.raises(DataError, match="neither texts nor messages"):
        prepare_texts(Rows(frame, "custom"), ["lowercase"])


EVERYTHING = Preparation(
    CLEAN, "length", 0.5, "oversample", AugmentConfig(method="swap_words", share=0.25), class_weights="balanced"
)


def test_every_step_is_on_record_in_order_with_what_it_left():
    given = with_copies()
    record = steps(given, EVERYTHING, seed=5)
    assert [(step.name, step.rows_before, step.rows_after) for step in record] == [
        ("strip_html", 61, 61),
        ("deduplicate", 61, 60),
        ("lowercase", 60, 60),
        ("outliers", 60, 60),
        ("train_fraction", 60, 30),
        ("resample", 30, 48),
        ("augment", 48, 60),
    ]
    assert record[4].parameters == {"fraction": 0.5}
    assert record[6].parameters == {"method": "swap_words", "share": 0.25, "rate": None}
    final = prepare_training(given, EVERYTHING, seed=5)
    assert record[-1].fingerprint == version(final).fingerprint
    assert final.frame["id"].is_unique
    assert set(final.frame["group"]) <= set(given.frame["group"])
    assert all(text == text.lower() and "<" not in text for text in final.frame["text"])


def test_the_seed_alone_decides_what_is_drawn():
    first, again, other = (prepare_training(rows(), EVERYTHING, seed) for seed in (1, 1, 2))
    assert first.frame.equals(again.frame)
    assert not first.frame.equals(other.frame)


def test_rows_that_nothing_is_done_to_are_the_same_rows():
    given = rows()
    assert prepare_training(given, Preparation(), 0) is given
    assert steps(given, Preparation(class_weights="balanced"), 0) == []


def test_fractions_are_nested_under_every_strategy():
    for transforms in ((), CLEAN):
        parts = [
            set(prepare_training(with_copies(), Preparation(transforms, train_fraction=f), 3).ids)
            for f in (0.1, 0.3, 0.7, 1.0)
        ]
        assert all(small < large for small, large in itertools.pairwise(parts))


def test_a_run_finds_its_rows_weights_and_what_of_the_study_is_left():
    prepare = Preparer(with_copies(), PreparationConfig(strategies={"clean": CLEAN}, resample="none"), seed=0)
    plain = prepare({})
    assert plain.train is prepare.train and plain.given is prepare.train and plain.weights is None
    half = prepare({"preprocessing": "clean", "train_fraction": 0.5, "class_weights": "balanced"})
    assert (len(half.train), len(half.given)) == (30, 30)
    assert half.given.frame["text"].iloc[0].startswith("<b>")
    assert half.given.ids.tolist() == half.train.ids.tolist()
    assert half.weights is not None and half.weights.mean() == pytest.approx(1)
    assert half.class_weights(["rare", "unseen", "usual"]) == pytest.approx([30 / (2 * 6), 0, 30 / (2 * 24)])
    assert prepare({"preprocessing": "clean", "train_fraction": 0.5, "class_weights": "balanced"}) is half


def test_the_run_folder_tells_what_is_fixed_and_what_is_searched(tmp_path: Path, study: Callable[..., StudyConfig]):
    space = {"train_fraction": Categorical(type="categorical", choices=(0.5, 1.0))}
    config = study(train="x", preparation=PreparationConfig(preprocessing=CLEAN, class_weights="balanced"))
    write_preparation(with_copies(), config.model_copy(update={"search_space": space}), tmp_path / "data/p.json")
    told = json.loads((tmp_path / "data/p.json").read_text())
    assert [(step["name"], step["rows_after"]) for step in told["steps"]] == [
        ("strip_html", 61),
        ("deduplicate", 60),
        ("lowercase", 60),
    ]
    assert (told["class_weights"], told["searched"]) == ("balanced", ["train_fraction"])
    write_preparation(with_copies(), study(train="x"), tmp_path / "none.json")
    assert not (tmp_path / "none.json").exists()

"""Claims about data.preparation in a study file, and about the names of it that are searched."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.config.identity import identity
from hpo.config.load import load
from hpo.config.models import StudyConfig
from hpo.config.resolved import resolved_yaml

GOOD = """\
study: good
objective: sklearn_classifier
task: classification
data:
  train: rows.jsonl
  preparation:
    strategies: {clean: [strip_html, "mine.py:shout", deduplicate]}
search_space:
  preprocessing: {type: categorical, choices: [original, clean, lowercase, [strip_html, lowercase], null]}
  class_weights: {type: categorical, choices: [none, sqrt_balanced, balanced]}
  train_fraction: {type: uniform, low: 0.2, high: 1.0, default: 1.0}
objectives: [{metric: macro_f1, direction: maximize}]
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], StudyConfig]:
    (tmp_path / "rows.jsonl").write_text('{"text": "a b", "label": "x"}\n', "utf-8")
    (tmp_path / "mine.py").write_text("def shout(text):\n    return text.upper()\n", "utf-8")

    def made(text: str) -> StudyConfig:
        (tmp_path / "study.yaml").write_text(text, "utf-8")
        return load(tmp_path / "study.yaml")

    return made


def test_preparation_is_searched_and_its_files_are_found_from_the_study_file(
    read: Callable[[str], StudyConfig], tmp_path: Path
) -> None:
    config = read(GOOD)
    assert config.data is not None
    assert config.data.preparation.strategies["clean"] == ("strip_html", f"{tmp_path}/mine.py:shout", "deduplicate")
    assert set(config.search_space) == {"preprocessing", "class_weights", "train_fraction"}


def test_the_resolved_file_loads_to_the_same_study(read: Callable[[str], StudyConfig]) -> None:
    config = read(GOOD)
    assert read(resolved_yaml(config)) == config
    fixed = GOOD.replace("  class_weights: {type: categorical, choices: [none, sqrt_balanced, balanced]}\n", "")
    fixed = fixed.replace(
        "  preparation:\n", "  preparation:\n    class_weights: balanced\n    augment: {method: typos}\n"
    )
    config = read(fixed)
    assert read(resolved_yaml(config)) == config


def test_what_is_done_to_the_rows_is_part_of_which_study_it_is(
    read: Callable[[str], StudyConfig], tmp_path: Path
) -> None:
    plain = GOOD.replace('"mine.py:shout", ', "")
    ids = [identity(read(text), "rows")["data"] for text in (plain, GOOD, plain.replace("deduplicate", "lowercase"))]
    (tmp_path / "mine.py").write_text("def shout(text):\n    return text + '!'\n", "utf-8")
    ids.append(identity(read(GOOD), "rows")["data"])
    assert len(set(ids)) == 4


STRATEGIES = 'strategies: {clean: [strip_html, "mine.py:shout", deduplicate]}'
CHANGES = [
    (STRATEGIES, "strategies: {clean: [strip_htm]}", 7, "unknown transform `strip_htm`", "did you mean strip_html?"),
    (STRATEGIES, "strategies: {clean: [lowercase, lowercase]}", 7, "stands here twice", "keep one"),
    (STRATEGIES, "strategies: {clean: [mine.py]}", 7, "names a file, and no function in it", "mine.py:NAME"),
    (STRATEGIES, 'strategies: {clean: ["none.py:f"]}', 7, "the transforms file none.py:f does not exist", "looked in"),
    (STRATEGIES, "strategies: {clean: [], lowercase: [strip_html]}", 7, "the name of a transform", "my_lowercase"),
    (STRATEGIES, "strategies: {clean: [], original: [strip_html]}", 7, "without transforms", "another name"),
    (STRATEGIES, f"{STRATEGIES}\n    preprocessing: clean", 10, "searched here and fixed in", "keep one"),
    (STRATEGIES, f"{STRATEGIES}\n    train_fraction: 0.5", 12, "searched here and fixed in", "keep one"),
    (STRATEGIES, f"{STRATEGIES}\n    resample: bothsample", 8, "must be '", "did you mean"),
    (STRATEGIES, f"{STRATEGIES}\n    augment: {{method: words}}", 8, "must be '", "did you mean"),
    (STRATEGIES, f"{STRATEGIES}\n    outliers: target", 8, "need numbers as targets", "outliers: length"),
    (
        "[original, clean,",
        "[original, claen,",
        9,
        "`claen` is neither a strategy nor a transform",
        "did you mean clean?",
    ),
    ("[original, clean,", '[original, clean, "mine.py:shout",', 9, "is a file, and a search space names", "mine"),
    ("[strip_html, lowercase]", "[strip_html, lower]", 9, "unknown transform `lower`", "did you mean lowercase?"),
    ("[none, sqrt_balanced, balanced]", "[none, balance]", 10, "must be '", "did you mean balanced?"),
    ("low: 0.2", "low: 0", 11, "must be more than 0", ""),
    ("high: 1.0, default", "high: 1.5, default", 11, "must be at most 1", ""),
]


@pytest.mark.parametrize(("old", "new", "line", "words", "hint"), CHANGES, ids=[new for _, new, *_ in CHANGES])
def test_a_bad_preparation_is_told(
    old: str, new: str, line: int, words: str, hint: str, read: Callable[[str], StudyConfig], told: Any
) -> None:
    assert old in GOOD
    (fault,) = told(lambda: read(GOOD.replace(old, new, 1)))
    assert fault.where.endswith(f"study.yaml:{line}")
    assert words in fault.what
    assert hint in fault.hint


OTHER = """\
study: other
objective: {objective}
{more}
data: {{train: rows.jsonl, preparation: {{{preparation}}}}}
search_space: {{{space}}}
objectives: [{{metric: {metric}, direction: minimize}}]
"""
MODEL = "model: sshleifer/tiny-gpt2\ntask: language_modeling"
TASKS = [
    (
        "sklearn_regressor",
        "task: regression",
        "class_weights: balanced",
        "alpha: {type: constant, value: 1}",
        "rmse",
        "needs classes",
    ),
    (
        "sklearn_regressor",
        "task: regression",
        "resample: oversample",
        "alpha: {type: constant, value: 1}",
        "rmse",
        "needs classes",
    ),
    (
        "sklearn_regressor",
        "task: regression",
        "",
        "class_weights: {type: constant, value: balanced}",
        "rmse",
        "does not know the parameter `class_weights`",
    ),
    (
        "lora",
        MODEL,
        "",
        "class_weights: {type: constant, value: balanced}",
        "perplexity",
        "needs classes, and the task is language_modeling",
    ),
    (
        "lora",
        MODEL,
        "augment: {method: typos}",
        "lora_rank: {type: constant, value: 4}",
        "perplexity",
        "would learn to write",
    ),
    (
        "lora",
        MODEL,
        "",
        "preprocessing: {type: categorical, choices: [original, lowercase]}",
        "perplexity",
        "trials could not be compared",
    ),
    (
        "mine.py:shout",
        "task: custom",
        "train_fraction: 0.5",
        "x: {type: constant, value: 1}",
        "loss",
        "done by the ready objectives",
    ),
]


@pytest.mark.parametrize(("objective", "more", "preparation", "space", "metric", "words"), TASKS)
def test_what_does_not_suit_the_task_is_told(
    objective: str,
    more: str,
    preparation: str,
    space: str,
    metric: str,
    words: str,
    read: Callable[[str], StudyConfig],
    told: Any,
) -> None:
    text = OTHER.format(objective=objective, more=more, preparation=preparation, space=space, metric=metric)
    (fault,) = told(lambda: read(text))
    assert words in fault.what


def test_a_function_of_ones_own_may_search_parameters_of_these_names(read: Callable[[str], StudyConfig]) -> None:
    text = OTHER.format(
        objective="mine.py:shout",
        more="task: custom",
        preparation="",
        space="train_fraction: {type: constant, value: 7}",
        metric="loss",
    )
    assert read(text).search_space["train_fraction"].value == 7  # type: ignore[union-attr]


FOLDS = [
    ("{strategy: kfold, k: 3, fold: 3}", "there is no fold 3 of 3"),
    ("{strategy: kfold, fold: 5}", "there is no fold 5 of 5"),
    ("{strategy: kfold, validation: 0.3}", "takes a fold for validation"),
    ("{strategy: kfold, k: 1}", "must be at least 2"),
    ("{k: 4}", "`k` is used by the strategy kfold only"),
    ("{strategy: group, by: text, fold: 1}", "`fold` is used by the strategy kfold only"),
    ("{strategy: kfold, by: text}", "`by` is used by the strategies group and time only"),
]


@pytest.mark.parametrize(("split", "words"), FOLDS)
def test_a_bad_fold_is_told(split: str, words: str, read: Callable[[str], StudyConfig], told: Any) -> None:
    (fault,) = told(lambda: read(GOOD.replace("  preparation:", f"  split: {split}\n  preparation:")))
    assert words in fault.what


def test_a_fold_is_chosen(read: Callable[[str], StudyConfig]) -> None:
    split = "  split: {strategy: kfold, k: 3, fold: 2, test: 0.1}\n  preparation:"
    config = read(GOOD.replace("  preparation:", split))
    assert config.data is not None
    assert (config.data.split.k, config.data.split.fold, config.data.split.validation) == (3, 2, 0.15)
    assert read(resolved_yaml(config)) == config


def test_a_fold_and_a_validation_file_are_one_too_many(read: Callable[[str], StudyConfig], told: Any) -> None:
    text = GOOD.replace("  preparation:", "  validation: rows.jsonl\n  split: {strategy: kfold}\n  preparation:")
    (fault,) = told(lambda: read(text))
    assert "`validation` names a file" in fault.what


@pytest.fixture
def told() -> Callable[[Callable[[], object]], Any]:
    from hpo.errors import ConfigurationError

    def faults(call: Callable[[], object]) -> Any:
        with pytest.raises(ConfigurationError) as caught:
            call()
        return caught.value.faults

    return faults

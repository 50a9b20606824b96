"""Good study files: what is filled in, and that the resolved text means the same."""

from __future__ import annotations

import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from hpo.config import load, load_text, resolved_yaml
from hpo.config.document import Loader
from hpo.config.space import Categorical, LogUniform, Ratio, Uniform

FILES = ["classification.yaml", "own_function.yaml", "instruction.yaml"]


@pytest.mark.parametrize("name", FILES)
def test_the_resolved_text_loads_to_an_equal_study_from_any_folder(name: str, studies: Path, tmp_path: Path) -> None:
    config = load(studies / name)
    text = resolved_yaml(config)
    again = load_text(text, "study.yaml", tmp_path)
    assert again == config
    assert resolved_yaml(again) == text


def test_every_default_stands_in_the_resolved_text(studies: Path) -> None:
    values = yaml.load(resolved_yaml(load(studies / "own_function.yaml")), Loader)
    assert values["sampler"] == {"name": "tpe", "seed": 0, "ordered": True, "lookahead": None}
    assert values["training"]["warmup_ratio"] == 0.0
    assert values["budget"]["trials"] == 30
    assert values["search_space"]["x"] == {
        "type": "log_uniform",
        "low": 1e-5,
        "high": 1.0,
        "default": None,
        "when": None,
    }


def test_searched_settings_are_not_written_out_as_fixed(studies: Path) -> None:
    values = yaml.load(resolved_yaml(load(studies / "classification.yaml")), Loader)
    assert "learning_rate" not in values["training"]
    assert values["training"]["batch_size"] == 16  # dropped from the space, so fixed at its default


def test_a_ready_space_is_written_out_and_changed_in_places(studies: Path) -> None:
    space = load(studies / "classification.yaml").search_space
    rate, dropout = space["learning_rate"], space["lora_dropout"]
    assert isinstance(rate, LogUniform)
    assert (rate.low, rate.high, rate.default) == (3e-5, 1e-3, 3e-4)  # only `high` was changed
    assert "batch_size" not in space  # null drops a parameter
    assert isinstance(space["lora_alpha"], Ratio)
    assert isinstance(space["method"], Categorical)
    assert isinstance(dropout, Uniform)
    assert dropout.when == {"method": "dora"}


def test_a_space_from_a_file_lies_beside_the_study(studies: Path) -> None:
    assert list(load(studies / "instruction.yaml").search_space) == ["learning_rate", "weight_decay"]


def test_a_space_file_may_extend_another(studies: Path) -> None:
    (studies / "more.yaml").write_text("extends: own_space.yaml\nbatch_size: {type: int_uniform, low: 4, high: 8}\n")
    config = load(studies / "instruction.yaml", ["search_space=more.yaml", "search_space.weight_decay=null"])
    assert list(config.search_space) == ["learning_rate", "batch_size"]


def test_paths_are_absolute_and_hub_names_are_left_alone(studies: Path) -> None:
    config = load(studies / "classification.yaml")
    assert config.data is not None and config.model is not None
    assert config.data.train == str(studies / "rows.jsonl")
    assert config.model.name == "Qwen/Qwen3-1.7B"
    assert load(studies / "own_function.yaml").objective == f"{studies / 'mine.py'}:train"


def test_a_model_folder_beside_the_study_becomes_absolute(studies: Path) -> None:
    (studies / "Qwen" / "Qwen3-1.7B").mkdir(parents=True)
    config = load(studies / "classification.yaml")
    assert config.model is not None
    assert config.model.name == str(studies / "Qwen" / "Qwen3-1.7B")


def test_a_model_may_lie_in_an_installed_package(studies: Path) -> None:
    config = load(studies / "classification.yaml", ["model.name=package:yaml/."])
    assert config.model is not None
    assert config.model.name == str(Path(yaml.__file__).parent)


def test_what_a_study_leaves_open_is_filled_in(studies: Path, good: str) -> None:
    config = load_text(good, "study.yaml", studies)
    assert config.objective == "lora"
    assert config.budget.trials == 30
    assert config.pruner.name == "asha"
    assert load(studies / "own_function.yaml").task == "custom"
    assert load(studies / "classification.yaml").budget.trials is None  # it names hours


@pytest.mark.parametrize("empty", ["budget:", "training:", "sampler: null", "constraints: []", "pruner:"])
def test_an_empty_block_is_as_good_as_none(empty: str, good: str, studies: Path) -> None:
    assert load_text(f"{good}{empty}\n", "study.yaml", studies) == load_text(good, "study.yaml", studies)


def test_a_single_evaluation_is_not_pruned_unless_asked(studies: Path) -> None:
    file = studies / "instruction.yaml"
    assert load(file).pruner.name == "none"
    assert load(file, ["pruner.name=asha"]).pruner.name == "asha"
    assert load(file, ["training.evaluations=2"]).pruner.name == "asha"


def test_an_objective_that_is_evaluated_once_is_not_pruned(studies: Path, good: str) -> None:
    text = good.replace("model: Qwen/Qwen3-0.6B", "objective: sklearn_classifier").replace("learning_rate", "C")
    assert load_text(text, "study.yaml", studies).pruner.name == "none"


def test_a_study_is_frozen_and_travels(studies: Path) -> None:
    config = load(studies / "classification.yaml")
    with pytest.raises(ValidationError):
        config.study = "other"  # type: ignore[misc]
    assert pickle.loads(pickle.dumps(config)) == config


def test_reading_a_study_loads_nothing_heavy(studies: Path) -> None:
    program = (
        "import sys; from hpo.config import load; load(sys.argv[1]);"
        "print([n for n in ('torch', 'optuna', 'pandas', 'sklearn', 'transformers', 'ray') if n in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(studies / "classification.yaml")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"

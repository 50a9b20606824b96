"""A model card is readable by the hub's own parser, honest about the choice, and carries nothing private."""

from typing import Any

import pytest
import yaml

from hpo.config.models import StudyConfig
from hpo.records.model_card import model_card
from hpo.records.provenance import Provenance
from hpo.records.record import Record

SETTINGS = {"learning_rate": 0.003, "max_length": 64}
REFERENCES = {
    "base": {"event": "reference", "metrics": {"accuracy": 0.10}, "measurements": {}},
    "classical": {"event": "reference", "metrics": {"accuracy": 0.77}, "measurements": {}},
}


def study(**changes: Any) -> StudyConfig:
    values: dict[str, Any] = {
        "study": "tickets",
        "task": "classification",
        "objective": "lora",
        "model": {"name": "Qwen/Qwen3-1.7B"},
        "search_space": {
            "learning_rate": {"type": "log_uniform", "low": 1e-5, "high": 1e-2},
            "max_length": {"type": "constant", "value": 64},
        },
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
        "constraints": [{"metric": "latency_ms", "max": 20}],
    }
    return StudyConfig.model_validate({**values, **changes})


def trial(**changes: Any) -> Record:
    values: dict[str, Any] = {"metrics": {"accuracy": 0.75125, "macro_f1": 0.7}, "state": "complete", "feasible": True}
    return Record(
        **{"number": 7, "params": {}, "settings": SETTINGS, "source": "tpe", "asked": 0.0, **values, **changes}
    )


def front_matter(card: str) -> dict[str, Any]:
    loaded = yaml.safe_load(card.split("---\n")[1])
    assert isinstance(loaded, dict)
    return loaded


def test_front_matter_names_base_library_and_metric() -> None:
    front = front_matter(model_card(study(), trial(), REFERENCES))
    assert front["base_model"] == "Qwen/Qwen3-1.7B"
    assert front["library_name"] == "peft"
    assert front["tags"] == ["hpo", "lora", "classification"]
    result = front["model-index"][0]["results"][0]
    assert result["metrics"] == [{"type": "accuracy", "value": 0.75125}]


def test_the_hub_library_parses_it() -> None:
    hub = pytest.importorskip("huggingface_hub", reason="needs the extra 'llm'")
    data = hub.ModelCard(model_card(study(), trial(), REFERENCES)).data
    assert data.eval_results[0].metric_value == 0.75125
    assert data.base_model == "Qwen/Qwen3-1.7B"


def test_body_shows_scores_settings_choice_and_limits() -> None:
    card = model_card(study(), trial(), REFERENCES, Provenance(("billing", "bugs"), "d4e5f6", 12))
    assert "| metric | this model | untuned base | classical baseline |" in card
    assert "| accuracy | 0.7512 | 0.1000 | 0.7700 |" in card
    assert "| learning\\_rate | 3e-3 | searched |" in card
    assert "| max\\_length | 64 |  |" in card
    assert "| num\\_train\\_epochs | 1 |  |" in card
    assert "highest accuracy on the validation rows among 12 complete trials that keep latency\\_ms ≤ 20" in card
    assert "`d4e5f6`" in card and "billing, bugs" in card
    assert "optimistic" in card and "num_labels=2" in card


def test_a_folder_of_this_machine_is_not_named() -> None:
    card = model_card(study(model={"name": "/home/ana/models/mini"}), trial(), {})
    assert "/home/ana" not in card
    assert "base_model" not in front_matter(card)
    assert "base = 'models/mini'" in card and "put its path in place" in card


def test_text_from_outside_cannot_break_the_page() -> None:
    hostile = trial(settings={"max_length": "x | </script><b>\n---\n\x1b[31m`code`"})
    card = model_card(study(), hostile, {}, Provenance(labels=("<img src=x>",)))
    assert "<b>" not in card and "<img" not in card and "\x1b" not in card
    assert "| max\\_length | x \\| &lt;/script&gt;&lt;b&gt; --- \\[31m\\`code\\` |  |" in card


def test_a_missing_score_is_a_dash_and_never_nan() -> None:
    card = model_card(study(), trial(metrics={"accuracy": float("nan")}), {})
    assert "| accuracy | - |" in card and "nan" not in card
    assert front_matter(card)["model-index"][0]["results"][0]["metrics"] == []


@pytest.mark.parametrize(
    ("objective", "library"), [("full_finetune", "transformers"), ("sklearn_classifier", "sklearn"), ("mine.py", None)]
)
def test_the_library_follows_the_objective(objective: str, library: str | None) -> None:
    assert front_matter(model_card(study(objective=objective), trial(), {})).get("library_name") == library


def test_transforms_of_texts_are_named_without_folders() -> None:
    strategies = {"clean": ("strip_html", "/home/ana/mine.py:spell", "deduplicate")}
    data = {"train": "t.jsonl", "preparation": {"strategies": strategies}}
    card = model_card(study(data=data), trial(settings={"preprocessing": "clean"}), {})
    assert "these transforms before the model reads it, in this order: strip_html, mine.py:spell." in card.replace(
        "\\", ""
    )
    assert "/home/ana" not in card
    assert "these transforms" not in model_card(study(data=data), trial(), {})

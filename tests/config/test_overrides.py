"""``--set key.key=value`` and ``${NAME}``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.config import load, load_text, resolved_yaml
from hpo.config.space import LogUniform


def test_overrides_are_yaml_and_the_last_one_wins(studies: Path) -> None:
    config = load(
        studies / "own_function.yaml",
        ["budget.trials=50", "search_space.x.low=1e-3", "sampler={name: random, seed: 3}", "sampler.seed=4", "study=b"],
    )
    assert config.budget.trials == 50
    assert config.search_space["x"] == LogUniform(type="log_uniform", low=1e-3, high=1)
    assert (config.sampler.name, config.sampler.seed) == ("random", 4)
    assert config.study == "b"


def test_an_override_reaches_into_shorthands_and_lists(studies: Path, good: str) -> None:
    text = good.replace(
        "search_space:\n  learning_rate: {type: log_uniform, low: 1e-5, high: 1e-3}", "search_space: lora"
    )
    overrides = ["search_space.learning_rate.low=1e-5", "model.dtype=float32", "objectives.0.metric=mcc"]
    config = load_text(text, "study.yaml", studies, overrides)
    rate = config.search_space["learning_rate"]
    assert isinstance(rate, LogUniform)
    assert (rate.low, rate.high) == (1e-5, 2e-3)
    assert config.model is not None and config.model.dtype == "float32"
    assert config.primary.metric == "mcc"


def test_an_override_mends_the_value_it_replaces(studies: Path, good: str, faults: Any) -> None:
    bad = good + "budget: {trials: none}\n"
    assert len(faults(bad)) == 1
    assert faults(bad, ["budget.trials=3"]) == []


@pytest.mark.parametrize(
    ("override", "where", "words"),
    [
        ("budget.trails=50", "--set budget.trails=50", "unknown key `trails` in `budget`"),
        ("budget.trials=many", "--set budget.trials=many", "`budget.trials` must be a whole number, found 'many'"),
        ("budget.trials", "--set budget.trials", "an override reads key.key=value"),
        ("=3", "--set =3", "an override reads key.key=value"),
        ("budget..trials=3", "--set budget..trials=3", "an override reads key.key=value"),
        ("budget={a: ", "--set budget={a: ", "not YAML"),
        ("budget={trials: 1, trials: 2}", "--set budget={trials: 1, trials: 2}", "twice"),
        ("objectives.7.metric=x", "--set objectives.7.metric=x", "`objectives.7` has nothing inside it"),
        ("study.name=x", "--set study.name=x", "`study` has nothing inside it"),
        (
            "search_space.learning_rate.low=1",
            "--set search_space.learning_rate.low=1",
            "`low` 1 lies above `high` 0.001",
        ),
        ("search_space=lorra", "--set search_space=lorra", "unknown search space `lorra`"),
        ("storage=[postgresql://me:secret@host/db]", "--set storage=[postgresql://...@host/db]", "must be text"),
    ],
)
def test_a_fault_names_the_override(override: str, where: str, words: str, good: str, faults: Any) -> None:
    found = faults(good, [override])
    assert [fault.where for fault in found] == [where]
    assert words in found[0].what


def test_a_variable_is_used_and_never_written(
    studies: Path, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "hunter2")
    monkeypatch.setenv("PRICE", "2.5")
    monkeypatch.setenv("ROWS", "rows")
    text = good.replace("rows.jsonl", '"${ROWS}.jsonl"')
    text += "storage: postgresql://me:${PASSWORD}@host/db\nprice_per_device_hour: ${PRICE}\n"
    config = load_text(text, "study.yaml", studies)
    assert config.storage == "postgresql://me:hunter2@host/db"
    assert config.price_per_device_hour == 2.5
    assert config.data is not None and config.data.train == str(studies / "rows.jsonl")
    written = resolved_yaml(config)
    assert "hunter2" not in written
    assert "storage: postgresql://me:${PASSWORD}@host/db" in written
    assert "price_per_device_hour: ${PRICE}" in written
    assert load_text(written, "study.yaml", tmp_path) == config


def test_a_copy_with_another_value_writes_that_value(studies: Path, good: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NAME", "one")
    config = load_text(good.replace("study: good", "study: ${NAME}"), "study.yaml", studies)
    assert resolved_yaml(config).startswith("study: ${NAME}\n")
    assert resolved_yaml(config.model_copy(update={"study": "two"})).startswith("study: two\n")


def test_what_comes_from_the_environment_stands_in_no_message(
    good: str, faults: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    text = good.replace("rows.jsonl", '"${SECRET}"') + "keep_models: ${SECRET}\nruns: s3://${SECRET}\n"
    found = faults(text)
    assert len(found) == 3
    assert "hunter2" not in str(found)
    assert "${SECRET}" in found[0].what


def test_a_missing_variable_is_a_fault(good: str, faults: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_VARIABLE", raising=False)
    found = faults(good + "storage: ${NO_SUCH_VARIABLE}\n")
    assert [(fault.where, fault.what) for fault in found] == [
        ("bad.yaml:8", "the environment has no variable NO_SUCH_VARIABLE")
    ]


def test_a_variable_in_a_key_is_refused(good: str, faults: Any) -> None:
    assert "stands in the key" in faults(good + '"${HOME}": 1\n')[0].what


@pytest.mark.parametrize(
    "url", ["postgresql://me:hunter2@host/db", "postgresql+psycopg://me:hunter2@127.0.0.1:5432/db"]
)
def test_a_password_in_the_study_file_is_not_written_either(
    url: str, studies: Path, good: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = load_text(f"{good}storage: {url}\n", "study.yaml", studies)
    assert config.storage == url
    written = resolved_yaml(config)
    assert "hunter2" not in written
    assert f"storage: {url.replace('hunter2', '${STORAGE_PASSWORD}')}\n" in written
    monkeypatch.setenv("STORAGE_PASSWORD", "hunter2")
    assert load_text(written, "study.yaml", tmp_path).storage == url

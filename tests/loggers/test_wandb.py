"""Weights & Biases: off unless asked for, offline it writes files that hold the values, a fault never stops a study."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpo.config.models import StudyConfig, WandbConfig
from hpo.loggers.wandb import WandbLogger, WandbRun, log_validation

CONFIG = StudyConfig.model_validate(
    {
        "study": "tickets",
        "search_space": {"learning_rate": {"type": "log_uniform", "low": 1e-5, "high": 1e-2}},
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    }
)
OFFLINE = WandbConfig(project="own-project", tags=("first-tag",), mode="offline")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings of whoever runs the tests, nothing written outside of the test's folder."""
    for name in ("WANDB_API_KEY", "WANDB_DIR", "WANDB_MODE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("WANDB_DATA_DIR", "WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))


def events() -> Iterator[dict[str, Any]]:
    yield {"event": "reference", "name": "base", "metrics": {"accuracy": 0.25}}
    for number, accuracy in ((0, 0.5), (1, 0.8125), (2, 0.75)):
        yield {"event": "ask", "number": number, "settings": {"learning_rate": 3e-4}}
        yield {"event": "progress", "number": number, "examples": 64, "metrics": {"accuracy": accuracy}}
        yield {
            "event": "tell",
            "number": number,
            "state": "complete",
            "reason": "",
            "feasible": True,
            "metrics": {"accuracy": accuracy},
            "measurements": {"train_seconds": 2.5},
        }
    yield {"event": "close", "reason": "done"}


def written(folder: Path, last: str) -> str:
    """All text in the offline run's file and its tables; the service writes it a moment after the run has ended."""
    (run,) = (folder / "wandb").glob("offline-run-*")
    text, until = "", time.monotonic() + 60
    while last not in text and time.monotonic() < until:
        time.sleep(0.1)
        texts = [path.read_bytes().decode("latin1") for path in run.rglob("*.wandb")]
        text = "\n".join(texts + [path.read_text() for path in run.rglob("*.table.json")])
    return text


@pytest.mark.slow
def test_a_study_is_written_offline_with_its_values(tmp_path: Path) -> None:
    # given a study's events
    logger = WandbLogger(OFFLINE, tmp_path, CONFIG)
    # when all of them are logged
    for event in events():
        logger.log(event)
    logger.close()
    # then the files hold the project, the tag, the curves, the settings, the best trial and the table
    text = written(tmp_path, "best/trial")
    for word in ("own-project", "first-tag", "curves/00001/accuracy", "params/learning_rate", "best/trial", "0.8125"):
        assert word in text, word
    assert "base/accuracy" in text


@pytest.mark.slow
def test_a_validation_is_written_offline_with_its_scores(tmp_path: Path) -> None:
    score = {"dataset": "tickets", "model": "tuned", "metric": "accuracy", "subgroup": None, "value": 0.8125}
    found = {"name": "v", "baseline": "base", "settings": {"confidence": 0.95}, "scores": [score]}
    log_validation(OFFLINE, tmp_path, {**found, "comparisons": [], "cost": []})
    text = written(tmp_path, "tickets/tuned/accuracy")
    assert "tickets/tuned/accuracy" in text and "0.8125" in text


def test_a_missing_package_is_told_in_one_line_and_the_study_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "wandb", None)
    logger = WandbLogger(OFFLINE, tmp_path, CONFIG)
    for event in events():
        logger.log(event)
    logger.close()
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "the package wandb is not installed" in said


def test_a_service_that_fails_is_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given a run folder that cannot be made, as a file stands in its place
    (tmp_path / "file").write_text("")
    run = WandbRun(OFFLINE, "n", tmp_path / "file" / "run", {})
    run.log({"accuracy": 0.5})
    run.close()
    said = capsys.readouterr().err
    assert not run.on
    assert said.count("\n") == 1 and "nothing is logged to Weights & Biases" in said


def test_nothing_of_it_is_loaded_unless_it_is_asked_for(tmp_path: Path) -> None:
    code = "import sys, hpo.commands.run, hpo.commands.validate; sys.exit('wandb' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0
    assert CONFIG.loggers.wandb is None

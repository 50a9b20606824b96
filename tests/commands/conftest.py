"""A small study as the driver would have left it, for the commands that read run folders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from hpo.config.models import StudyConfig
from hpo.records.folder import RunFolder
from hpo.records.record import StudyState

START = 1_700_000_000.0
SPACE: dict[str, Any] = {
    "learning_rate": {"type": "log_uniform", "low": 1e-5, "high": 1e-2, "default": 2e-4},
    "batch_size": {"type": "categorical", "choices": [8, 16, 32], "default": 16},
    "max_length": {"type": "constant", "value": 64},
}
# number: learning rate, batch size, state, reason, accuracy, seconds, feasible, violation
TRIALS: list[tuple[int, float, int, str, str, float | None, float, bool | None, str]] = [
    (0, 2e-4, 16, "complete", "", 0.2310, 12.0, True, ""),
    (1, 3e-3, 16, "complete", "", 0.7512, 11.5, True, ""),
    (2, 1e-2, 8, "failed", "diverged", None, 3.0, None, ""),
    (3, 5e-5, 32, "pruned", "asha", 0.1100, 3.0, True, ""),
    (4, 4e-3, 8, "complete", "", 0.7900, 13.0, False, "latency_ms <= 20 by 3.5"),
]


def study_config(**changes: Any) -> StudyConfig:
    values: dict[str, Any] = {
        "study": "tickets",
        "task": "classification",
        "data": {"train": "tickets.jsonl"},
        "search_space": SPACE,
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
        "budget": {"trials": 6},
        "price_per_device_hour": 3.6,
    }
    return StudyConfig.model_validate({**values, **changes})


def study_events(close: str | None = "budget of 6 trials used") -> Iterator[dict[str, Any]]:
    """The journal of the trials above, one after the other, then one that still runs."""
    yield {"event": "journal", "time": START, "schema": 1}
    identity = {"data": "d4e5f6"}
    yield {"event": "open", "time": START, "study": "tickets", "identity": identity, "lookahead": 1, "pid": 1}
    for name, accuracy in (("base", 0.1010), ("classical", 0.7700)):
        measured = {"device_seconds": 2.0}
        yield {
            "event": "reference",
            "time": START + 2,
            "name": name,
            "metrics": {"accuracy": accuracy},
            "measurements": measured,
        }
    now = START + 10
    for trial in TRIALS:
        for event in _trial_events(trial, now):
            yield event
            now = event["time"]
    yield from _begun(5, {"learning_rate": 1e-3, "batch_size": 32, "max_length": 64}, now)
    yield _progress(5, now + 4, 0.5, 0.61)
    if close is not None:
        yield {"event": "close", "time": now + 9, "reason": close, "seconds": now + 9 - START}


def _begun(number: int, settings: Mapping[str, Any], now: float) -> Iterator[dict[str, Any]]:
    yield {"event": "ask", "time": now, "number": number, "params": settings, "settings": settings, "source": "tpe"}
    yield {"event": "start", "time": now + 0.1, "number": number, "attempt": 1, "worker": "cpu:0"}


def _progress(number: int, now: float, fraction: float, accuracy: float) -> dict[str, Any]:
    return {
        "event": "progress",
        "time": now,
        "number": number,
        "attempt": 1,
        "examples": round(800 * fraction),
        "fraction": fraction,
        "metrics": {"accuracy": accuracy},
        "measurements": {},
    }


def _trial_events(trial: tuple[Any, ...], now: float) -> Iterator[dict[str, Any]]:
    number, rate, batch, state, reason, accuracy, seconds, feasible, violation = trial
    yield from _begun(number, {"learning_rate": rate, "batch_size": batch, "max_length": 64}, now)
    fraction = {"complete": 1.0, "pruned": 0.25, "failed": 0.25}[state]
    if accuracy is not None:
        yield _progress(number, now + seconds, fraction, accuracy)
    ending = {
        "number": number,
        "time": now + seconds,
        "state": state,
        "reason": reason,
        "message": "loss is NaN\n\x1b[31mat step 3 [bold]" if state == "failed" else "",
        "metrics": {} if accuracy is None else {"accuracy": accuracy},
        "measurements": {"train_seconds": seconds, "device_seconds": seconds},
        "examples": round(800 * fraction),
    }
    yield {**ending, "event": "result", "attempt": 1, "artifact": None}
    verdict = {
        "feasible": feasible,
        "violation": violation,
        "constraints": [3.5 if violation else -1.0],
        "value": accuracy,
    }
    yield {**ending, **verdict, "event": "tell"}


def folded(events: Iterator[dict[str, Any]]) -> StudyState:
    state = StudyState()
    for event in events:
        state.apply(event)
    return state


class StudyFixture:
    """What the tests of this room share."""

    START = START
    config = staticmethod(study_config)
    events = staticmethod(study_events)
    folded = staticmethod(folded)

    @staticmethod
    def write(root: Path, *, close: str | None = "budget of 6 trials used", **changes: Any) -> RunFolder:
        """A run folder with the resolved study file and the journal."""
        folder = RunFolder(root)
        root.mkdir(parents=True, exist_ok=True)
        config = study_config(**changes)
        folder.study_yaml.write_text(json.dumps(config.model_dump(mode="json", exclude_none=True)))  # JSON is YAML
        folder.journal.write_text("".join(json.dumps(event) + "\n" for event in study_events(close)))
        return folder


@pytest.fixture
def tickets() -> type[StudyFixture]:
    """The small study: default .2310, best .7512, a higher one infeasible, one failed, one pruned, one running."""
    return StudyFixture

"""What a study is doing, told from its run folder alone."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import Any

from hpo.config.models import StudyConfig
from hpo.records.champion import value_of
from hpo.records.folder import RunFolder
from hpo.records.journal import read
from hpo.records.record import Record, StudyState
from hpo.records.summary import failures, forecast, summary, train_seconds
from hpo.records.wording import searched

LAST_TRIALS = 10
_STOPPED = {"interrupted": "interrupted", "error": "failed"}


def activity(state: StudyState, folder: RunFolder) -> str:
    """One of ``not started``, ``running``, ``finished``, ``interrupted``, ``failed``, ``died``.

    ``died``: begun, never closed, and no driver on this machine holds the folder's lock.
    """
    if state.opened is not None and state.stopped:
        return _STOPPED.get(state.stopped, "finished")
    if _locked(folder.root / "lock"):
        return "running"
    return "not started" if state.opened is None else "died"


def status(config: StudyConfig, state: StudyState, folder: RunFolder, now: float) -> dict[str, Any]:
    """What the study is doing at the moment ``now`` (seconds since the epoch): finite numbers, text and None."""
    doing = activity(state, folder)
    running = doing == "running"
    moment = now if running else None
    records = [state.records[number] for number in sorted(state.records)]
    ahead = forecast(config, state, moment or state.last)
    return {
        **summary(config, state, moment),
        "state": doing,
        "last_event_seconds": None if state.last is None else max(0.0, now - state.last),
        "budget": config.budget.model_dump(exclude_none=True),
        "budget_used": ahead["fraction"],
        "seconds_left": ahead["seconds_left"] if running else None,
        "running": _running(config, [r for r in records if r.running and not r.ended], folder, now) if running else [],
        "failures": failures(records),
        "last": [_row(config, record) for record in records if record.told][-LAST_TRIALS:],
    }


def _locked(path: Path) -> bool:
    """Whether a driver on this machine holds the lock; asked only where the journal does not tell."""
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # given back at once, when the file is closed
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def _running(config: StudyConfig, records: list[Record], folder: RunFolder, now: float) -> list[dict[str, Any]]:
    signs: dict[int, float] = {}
    if records:
        signs = {event["number"]: event["time"] for event in read(folder.journal) if "number" in event}
    return [_running_row(config, record, now, signs.get(record.number, record.asked)) for record in records]


def _running_row(config: StudyConfig, record: Record, now: float, sign: float) -> dict[str, Any]:
    point = record.curve[-1] if record.curve else None
    return {
        "trial": record.number,
        "fraction": 0.0 if point is None else point.fraction,
        "primary": None if point is None else point.metrics.get(config.primary.metric),
        "seconds": None if record.started is None else max(0.0, now - record.started),
        "last_sign_of_life_seconds": max(0.0, now - sign),
        "worker": record.worker or None,
        "settings": searched(config, record.settings),
    }


def _row(config: StudyConfig, record: Record) -> dict[str, Any]:
    return {
        "trial": record.number,
        "state": record.state,
        "reason": record.reason or None,
        "feasible": record.feasible,
        "violation": record.violation or None,
        "objectives": {o.metric: value_of(record, o.metric) for o in config.objectives},
        "settings": searched(config, record.settings),
        "seconds": train_seconds(record),
    }

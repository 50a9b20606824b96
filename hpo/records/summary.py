"""What a study has found and what it cost, as plain numbers: the one source of what people and programs are shown."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from hpo.config.models import StudyConfig
from hpo.records import data_checks
from hpo.records.champion import better, champion, pareto_front, value_of
from hpo.records.record import Event, Record, StudyState
from hpo.records.wording import metric, searched

NAMES = {"base": "the untuned base", "default": "the default configuration", "classical": "the classical baseline"}


def closing_table(config: StudyConfig, state: StudyState) -> list[dict[str, Any]]:
    """Rows ``base``, ``default``, ``classical`` and ``best`` (with several objectives: one ``pareto`` row a point).

    Each row holds name, trial (number or None), state, primary (value or None), objectives (by metric), settings (the
    searched ones, absolute) and seconds (of training, or of scoring a reference). What was not run has no row.
    """
    rows = [_reference_row(config, "base", state.references.get("base"))]
    default = state.records.get(0)
    rows.append(_trial_row(config, "default", default) if default is not None and not default.running else None)
    rows.append(_reference_row(config, "classical", state.references.get("classical")))
    if len(config.objectives) > 1:
        rows += [_trial_row(config, "pareto", r) for r in pareto_front(state.records.values(), config.objectives)]
    elif best := champion(state.records.values(), config.primary):
        rows.append(_trial_row(config, "best", best))
    return [row for row in rows if row is not None]


def counts(records: Iterable[Record]) -> dict[str, int]:
    """How many trials are complete, pruned, failed and running, and how many of the complete ones are infeasible."""
    records = list(records)
    states = Counter(record.state for record in records)
    named = {name: states[name] for name in ("complete", "pruned", "failed", "running")}
    infeasible = sum(record.state == "complete" and record.feasible is False for record in records)
    return {"total": len(records), **named, "infeasible": infeasible}


def cost(config: StudyConfig, state: StudyState, now: float | None = None) -> dict[str, Any]:
    """Time and money so far, all calls together, and what pruning saved.

    Args:
        config: the study.
        state: what is known of it.
        now: the moment to count to while a driver runs (seconds since the epoch); None: the last event.

    Returns:
        seconds (wall time), device_hours, cost_usd and price_per_device_hour (None without a price), saved_device_hours
        (None where nothing was pruned; an estimate: each pruned trial carried on at its own pace to its full length).
    """
    hours = state.device_seconds / 3600
    price = config.price_per_device_hour
    saved = [_saved_seconds(record) for record in state.records.values() if record.state == "pruned"]
    known = [seconds for seconds in saved if seconds is not None]
    return {
        "seconds": wall_seconds(state, now),
        "device_hours": hours,
        "cost_usd": None if price is None else hours * price,
        "price_per_device_hour": price,
        "saved_device_hours": sum(known) / 3600 if known else None,
    }


def wall_seconds(state: StudyState, now: float | None = None) -> float:
    """Wall time of the search over all its calls, up to ``now`` (or the last event) in the one that runs."""
    end = now if now is not None else state.last
    if state.opened is None or state.stopped or end is None:
        return state.seconds
    return state.seconds + max(0.0, end - state.opened)


def conclusion(config: StudyConfig, state: StudyState) -> str:
    """One plain paragraph: where the best stands among default, base and classical baseline, on the validation rows."""
    best = champion(state.records.values(), config.primary)
    if best is None:
        return "No trial is complete and feasible, so there is nothing to recommend."
    sentences = [_standing(config, state, best)]
    candidates = counts(state.records.values())["complete"]
    seen = f"the best of {candidates} noisy scores is optimistic" if candidates > 1 else "one score is noisy"
    where = "on the validation rows" if config.data is not None else "as the objective measured it"
    sentences.append(f"That is {where}; not yet tested: {seen}, so expect less on new rows.")
    return " ".join(sentences)


def summary(config: StudyConfig, state: StudyState, now: float | None = None) -> dict[str, Any]:
    """All that the end of a search prints, for ``--json``: finite numbers and text; None where one is missing."""
    best = champion(state.records.values(), config.primary)
    return {
        "study": config.study,
        "stopped": state.stopped or None,
        "objectives": [objective.model_dump() for objective in config.objectives],
        "best": None if best is None else best.number,
        "table": closing_table(config, state),
        "trials": counts(state.records.values()),
        "cost": cost(config, state, now),
        "conclusion": conclusion(config, state),
        "data_checks": data_checks.summary(state.data_checks),
    }


def forecast(config: StudyConfig, state: StudyState, now: float | None = None) -> dict[str, Any]:
    """How much of the budget is used, and when it will be.

    Returns:
        fraction (0 to 1 of the limit that is nearest, None without a limit), limit (its name), seconds_left (None where
        nothing can be told yet). Trials still to come are taken to last as long as those that have ended.
    """
    budget, spent = config.budget, cost(config, state, now or time.time())
    done = sum(not record.running for record in state.records.values())
    used = {
        "trials": (done, budget.trials),
        "hours": (spent["seconds"] / 3600, budget.hours),
        "device_hours": (spent["device_hours"], budget.device_hours),
        "cost_usd": (spent["cost_usd"] or 0.0, budget.cost_usd),
    }
    shares = {name: min(1.0, value / limit) for name, (value, limit) in used.items() if limit}
    if not shares:
        return {"fraction": None, "limit": None, "seconds_left": None}
    limit = max(shares, key=lambda name: shares[name])
    share = shares[limit]
    left = spent["seconds"] * (1 - share) / share if share > 0 and (done or limit == "hours") else None
    return {"fraction": share, "limit": limit, "seconds_left": left}


def failures(records: Iterable[Record]) -> list[dict[str, Any]]:
    """Failed trials by reason, the most frequent first: reason, count, trials, and the last one's message."""
    groups: dict[str, list[Record]] = {}
    for record in records:
        if record.state == "failed":
            groups.setdefault(record.reason or "exception", []).append(record)
    ordered = sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
    return [
        {"reason": reason, "count": len(group), "trials": [r.number for r in group], "message": group[-1].message}
        for reason, group in ordered
    ]


def train_seconds(record: Record) -> float | None:
    """Seconds a trial trained; where it was not measured, the time between its start and its end."""
    if (measured := value_of(record, "train_seconds")) is not None:
        return measured
    if record.started is None or record.finished is None:
        return None
    return record.finished - record.started


def _trial_row(config: StudyConfig, name: str, record: Record) -> dict[str, Any]:
    return {
        "name": name,
        "trial": record.number,
        "state": record.state,
        "feasible": record.feasible,
        "primary": value_of(record, config.primary.metric),
        "objectives": {o.metric: value_of(record, o.metric) for o in config.objectives},
        "settings": searched(config, record.settings),
        "seconds": train_seconds(record),
    }


def _reference_row(config: StudyConfig, name: str, event: Event | None) -> dict[str, Any] | None:
    if event is None:
        return None
    record = reference_record(event)
    row = _trial_row(config, name, record)
    seconds = next(
        (v for k in ("seconds", "train_seconds", "device_seconds") if (v := value_of(record, k)) is not None), None
    )
    return {**row, "trial": None, "settings": {}, "seconds": seconds}


def reference_record(event: Event) -> Record:
    """A reference's event in the shape of a record, so that the same rules read both."""
    measurements: Mapping[str, float] = event.get("measurements") or {}
    return Record(
        -1,
        {},
        {},
        "reference",
        event.get("time", 0.0),
        state="complete",
        metrics=event["metrics"],
        measurements=measurements,
    )


def _standing(config: StudyConfig, state: StudyState, best: Record) -> str:
    name = config.primary.metric
    by = f" by {name}, the primary objective," if len(config.objectives) > 1 else ""
    opening = f"Best{by} is trial {best.number}, {name} {metric(value_of(best, name))}"
    if best.number == 0:
        opening += " (the default configuration itself: the search found nothing ahead of it)"
    rivals: dict[str, float | None] = {}
    default = state.records.get(0)
    if best.number != 0 and default is not None and default.state == "complete":
        rivals["default"] = value_of(default, name)
    for reference in ("base", "classical"):
        if reference in state.references:
            rivals[reference] = value_of(reference_record(state.references[reference]), name)
    parts = [_against(config, best, rival, value) for rival, value in rivals.items() if value is not None]
    return f"{opening}: {', '.join(parts)}." if parts else f"{opening}."


def _against(config: StudyConfig, best: Record, rival: str, value: float) -> str:
    mine = value_of(best, config.primary.metric) or 0.0
    gap = f"{metric(abs(mine - value))} {{}} {NAMES[rival]} ({metric(value)})"
    if mine == value:
        return f"level with {NAMES[rival]} ({metric(value)})"
    return gap.format("ahead of" if better(mine, value, config.primary) else "behind")


def _saved_seconds(record: Record) -> float | None:
    """Device seconds that the rest of a pruned trial would have taken at its own pace."""
    spent = value_of(record, "device_seconds")
    spent = train_seconds(record) if spent is None else spent
    fraction = record.curve[-1].fraction if record.curve else None
    if spent is None or not fraction:
        return None
    return spent * (1 / min(fraction, 1.0) - 1)

"""The study's note in the Optuna dashboard, as markdown: what the study is, what it found, what to type."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from hpo.config.models import ConstraintConfig, StudyConfig
from hpo.records import data_checks
from hpo.records.folder import RunFolder
from hpo.records.record import StudyState
from hpo.records.summary import summary
from hpo.records.wording import device_time, duration, markdown, metric, money, plural, setting

YOURS = "*What you write below this line is kept.*"
_ROWS = {"base": "base (untuned)", "default": "default", "classical": "classical baseline", "best": "**best**"}


def study_note(config: StudyConfig, state: StudyState, folder: RunFolder, left_out: Sequence[str] = ()) -> str:
    """Markdown of the note; text from outside is escaped.

    Args:
        config: the study.
        state: what is known of it.
        folder: its run folder.
        left_out: sentences on what could not be attached.
    """
    found = summary(config, state)
    parts = [
        f"# {markdown(config.study)}",
        _what(config),
        _table(found),
        _cost(found),
        markdown(found["conclusion"], 2000),
    ]
    if found["best"] is not None:
        parts.append(f"The model and the confusion matrix lie with trial {found['best']}, under *Artifacts*.")
    parts += [markdown(line, 2000) for line in data_checks.lines(found["data_checks"])]
    parts += [markdown(sentence) for sentence in left_out]
    root = shlex.quote(folder.place)
    parts.append(f"```\nhpo status {root}\npython -m hpo.run study.yaml      # go on\n```")
    return "\n\n".join(parts) + "\n"


def merged(note: str, existing: str) -> str:
    """``note``, the line ``YOURS``, then what a person has written below that (or, without the line, all there was)."""
    below = existing.partition(YOURS)[2] if YOURS in existing else existing
    return f"{note}\n---\n\n{YOURS}\n" + (f"\n{below.strip()}\n" if below.strip() else "")


def _what(config: StudyConfig) -> str:
    aims = ", then ".join(f"{o.direction} **{markdown(o.metric)}**" for o in config.objectives)
    base = f" on {markdown(config.model.name)}" if config.model else ""
    bounds = ", ".join(_bound(constraint) for constraint in config.constraints)
    kept = f" Constraints: {markdown(bounds)}." if bounds else ""
    what = f"Task {markdown(config.task)}, {markdown(config.objective or 'no objective named')}{base}: {aims}."
    return f"{what}{kept} Sampler {config.sampler.name}, seed {config.sampler.seed}."


def _bound(constraint: ConstraintConfig) -> str:
    if constraint.max is not None:
        return f"{constraint.metric} at most {constraint.max:g}"
    return f"{constraint.metric} at least {constraint.min or 0.0:g}"


def _table(found: dict[str, Any]) -> str:
    rows = found["table"]
    if not rows:
        return "Nothing has ended yet."
    metrics = list(rows[0]["objectives"])
    chosen = list(dict.fromkeys(name for row in rows for name in row["settings"]))
    head = ["", "trial", *metrics, *chosen, "time"]
    lines = [f"| {' | '.join(markdown(name) for name in head)} |", f"|{'---|' * len(head)}"]
    for row in rows:
        cells = [_ROWS.get(row["name"], row["name"]), "" if row["trial"] is None else str(row["trial"])]
        cells += [metric(row["objectives"][name]) for name in metrics]
        cells += [markdown(setting(row["settings"][name])) if name in row["settings"] else "" for name in chosen]
        lines.append(f"| {' | '.join([*cells, duration(row['seconds'])])} |")
    return "\n".join(lines)


def _cost(found: dict[str, Any]) -> str:
    trials, cost = found["trials"], found["cost"]
    named = [name for name in ("complete", "pruned", "failed", "infeasible", "running") if trials[name]]
    states = ", ".join(f"{trials[name]} {name}" for name in named) or "none"
    dollars = "" if cost["cost_usd"] is None else f", {markdown(money(cost['cost_usd']))}"
    time = f"{duration(cost['seconds'])}, {device_time(cost['device_hours'])}{dollars}"
    return f"{plural(trials['total'], 'trial')} ({states}), {time}."

"""What `--dry-run` prints: the plan of a study, for people."""

from __future__ import annotations

from typing import Any, TextIO

from hpo.records import data_checks
from hpo.records.wording import clean, duration, setting, settings


def print_plan(found: dict[str, Any], stream: TextIO) -> None:
    """Print a plan that ``hpo.search.plan.plan`` computed."""
    for line in plan_lines(found):
        print(line, file=stream)


def plan_lines(found: dict[str, Any]) -> list[str]:
    """The plan, a line each."""
    does = "resumes" if found["resumes"] else "begins"
    done = f", {found['trials_done']} trials done" if found["resumes"] else ""
    model = f" on {clean(found['model'])}" if found["model"] else ""
    lines = [f"study {found['study']}: {found['task']}, {found['objective']}{model}"]
    lines += [f"run folder: {found['run_folder']} ({does}{done})", *_space(found["space"])]
    lines += _data(found["data"]) if found["data"] else []
    lines += _memory(found["memory"]) if found["memory"] else ["memory: not predicted for this objective"]
    lines += _forecast(found["forecast"]) if found["forecast"] else ["time: not known before the first trial"]
    lines += data_checks.lines(found.get("data_checks"))
    lines += [f"reproducible: {'yes' if found['reproducible'] else 'no'}"]
    lines += [f"warning: {clean(text)}" for text in found["warnings"]]
    return [*lines, "nothing was trained; leave out --dry-run to begin"]


def _space(space: dict[str, Any]) -> list[str]:
    size = "continuous" if space["size"] is None else f"{space['size']} configurations"
    return [
        f"search space: {', '.join(space['parameters'])} ({size})",
        f"default (trial 0): {settings(space['default'])}",
    ]


def _data(data: dict[str, Any]) -> list[str]:
    rows = ", ".join(f"{count} {name}" for name, count in data["rows"].items())
    lines = [f"rows: {rows}"]
    if data["classes"]:
        labels = list(data["classes"]["train"])
        width = max(len(clean(label)) for label in labels)
        parts = list(data["classes"])
        lines.append(f"  {'class':<{width}}  " + "  ".join(f"{part:>10}" for part in parts))
        for label in labels[:30]:
            counts = "  ".join(f"{data['classes'][part][label]:>10}" for part in parts)
            lines.append(f"  {clean(label):<{width}}  {counts}")
        if len(labels) > 30:
            lines.append(f"  and {len(labels) - 30} more classes")
    return lines


def _memory(memory: dict[str, Any]) -> list[str]:
    shown = " ".join(f"{name}={setting(value)}" for name, value in memory["settings"].items())
    verdict = "fits" if memory["fits"] else "does not fit"
    return [
        f"memory of the largest configuration: {memory['gb']:.2f} GiB predicted, "
        f"{memory['limit_gb']:.2f} GiB may be used ({verdict}){': ' + shown if shown else ''}"
    ]


def _forecast(forecast: dict[str, Any]) -> list[str]:
    cost = "" if forecast["cost_usd_at_most"] is None else f", {forecast['cost_usd_at_most']:.2f} US dollars"
    one, total = duration(forecast["seconds_per_trial"]), duration(forecast["device_hours_at_most"] * 3600)
    return [
        f"time: about {one} a trial; {forecast['trials']} trials take at most about {total} on one device{cost}, "
        "less what pruning saves"
    ]

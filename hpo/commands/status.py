"""``hpo status runs/NAME``: what a running or finished study is doing."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any, TextIO

HELP = "what a running or finished study is doing"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("run", metavar="runs/NAME", help="run folder of the study, or URL/NAME")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Print the status.

    Raises:
        ConfigurationError: there is no such run folder.
        StorageError: its journal cannot be read.
    """
    from hpo.records.opening import open_run
    from hpo.records.status import status

    folder, config, state = open_run(arguments.run)
    found = status(config, state, folder, time.time())
    if arguments.json:
        print(json.dumps(found, allow_nan=False))
    else:
        print_status(found, sys.stdout)
    return 0


def print_status(found: dict[str, Any], stream: TextIO) -> None:
    """Print what ``hpo.records.status.status`` found."""
    from rich.text import Text

    from hpo.commands.closing import cost_lines, draw_table, wide_console
    from hpo.records import data_checks

    console = wide_console(stream)
    lines = [_headline(found), *cost_lines(found), *_budget_lines(found), *data_checks.lines(found["data_checks"])]
    lines += [_running_line(one) for one in found["running"]] + [_failure_line(one) for one in found["failures"]]
    for line in lines:
        console.print(Text(line), soft_wrap=True)
    if found["table"]:
        console.print(draw_table(found["table"]))
    if found["last"]:
        console.print(Text("last trials"))
        console.print(draw_table([{**row, "label": _state(row)} for row in found["last"]]))
    if found["state"] != "not started":
        console.print(Text(_advice(found)), soft_wrap=True)


def _headline(found: dict[str, Any]) -> str:
    from hpo.records.wording import clean, duration

    why = f" ({clean(found['stopped'])})" if found["stopped"] and found["state"] != "interrupted" else ""
    age = found["last_event_seconds"]
    return f"study {found['study']}: {found['state']}{why}" + (
        "" if age is None else f", last event {duration(age)} ago"
    )


def _budget_lines(found: dict[str, Any]) -> list[str]:
    from hpo.records.wording import duration

    if found["seconds_left"] is None:
        return []
    return [f"{found['budget_used']:.0%} of the budget used, about {duration(found['seconds_left'])} left"]


def _running_line(one: dict[str, Any]) -> str:
    from hpo.records.wording import clean, duration, metric, settings

    where = f"on {clean(one['worker'])}" if one["worker"] else "waiting for a worker"
    parts = [
        f"running: trial {one['trial']}",
        f"{one['fraction']:.0%}",
        f"{metric(one['primary'])} so far",
        settings(one["settings"]),
        f"{where} for {duration(one['seconds'])}",
        f"last sign of life {duration(one['last_sign_of_life_seconds'])} ago",
    ]
    return "  ".join(parts)


def _failure_line(one: dict[str, Any]) -> str:
    from hpo.records.wording import clean, plural

    numbers = ", ".join(str(number) for number in one["trials"][:10]) + (", …" if one["count"] > 10 else "")
    message = f": {clean(one['message'], 160)}" if one["message"] else ""
    return f"failed: {plural(one['count'], 'trial')} {clean(one['reason'])} ({numbers}){message}"


def _state(row: dict[str, Any]) -> str:
    if row["state"] == "complete":
        return "infeasible" if row["feasible"] is False else "complete"
    return f"{row['state']} {row['reason'] or ''}".strip()


def _advice(found: dict[str, Any]) -> str:
    from hpo.commands.closing import paragraph

    if found["state"] in ("died", "interrupted", "failed"):
        return "Nothing told so far is lost: the command that started the study goes on where it stopped."
    return paragraph(found["conclusion"])

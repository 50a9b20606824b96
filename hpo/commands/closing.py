"""What a search ends with: the table, what it cost, where the best stands, and the next commands to type."""

from __future__ import annotations

import shlex
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from hpo.config.models import StudyConfig
from hpo.records import data_checks
from hpo.records.folder import RunFolder
from hpo.records.record import StudyState
from hpo.records.summary import summary
from hpo.records.wording import clean, device_time, duration, metric, money, plural, seconds, setting
from hpo.runners.ray_cluster import in_job

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

LABELS = {
    "base": "base (untuned)",
    "default": "default",
    "classical": "classical baseline",
    "best": "best",
    "pareto": "Pareto front",
}


def print_summary(
    config: StudyConfig,
    state: StudyState,
    folder: RunFolder,
    *,
    study_file: str = "study.yaml",
    stream: TextIO | None = None,
) -> None:
    """Print what the study has found.

    Args:
        config: the study.
        state: what is known of it.
        folder: its run folder.
        study_file: the file the user named, for the command that goes on.
        stream: where to; None: standard output.
    """
    from rich.text import Text

    found = summary(config, state)
    console = wide_console(stream if stream is not None else sys.stdout)
    if found["table"]:
        console.print(draw_table(found["table"]))
    more = "" if state.stopped == "interrupted" else f" --set budget.trials={max(2 * found['trials']['total'], 1)}"
    again = f"the same command again{more and f', with{more}'}"
    if not in_job():  # where the command that began it was typed elsewhere, with options that are not known here
        again = f"python -m hpo.run {shlex.quote(study_file)}{more}"
    known = data_checks.lines(found["data_checks"])
    for line in (
        *cost_lines(found),
        *known,
        "",
        paragraph(found["conclusion"]),
        "",
        *next_commands(folder, found, again),
    ):
        console.print(Text(line), soft_wrap=True)


def paragraph(text: str) -> str:
    """Text in lines that are easy to read."""
    return textwrap.fill(text, width=100)


def wide_console(stream: TextIO) -> Console:
    """A console for tables; where nobody says how wide a line may be, wide enough not to fold them."""
    from rich.console import Console

    return Console(file=stream, highlight=False, width=None if stream.isatty() else 160)


def draw_table(rows: list[dict[str, Any]]) -> Table:
    """Rows of ``closing_table`` (or of ``status``) as a table; a row's ``label`` replaces its name where it has one."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    chosen = list(dict.fromkeys(name for row in rows for name in row["settings"]))
    metrics = list(rows[0]["objectives"])
    for column in ("", "trial", *metrics, *chosen, "seconds"):
        table.add_column(Text(column), justify="left" if column == "" else "right", overflow="fold")
    for row in rows:
        cells = [_label(row), "" if row["trial"] is None else str(row["trial"])]
        cells += [metric(row["objectives"][name]) for name in metrics]
        cells += [setting(row["settings"][name]) if name in row["settings"] else "" for name in chosen]
        cells.append(seconds(row["seconds"]))
        table.add_row(*(Text(cell) for cell in cells), style="bold" if row.get("name") == "best" else "")
    return table


def cost_lines(found: dict[str, Any]) -> list[str]:
    """What the search cost, in one or two lines."""
    trials, cost = found["trials"], found["cost"]
    words = {"running": "running" if found.get("state") == "running" else "unfinished"}
    named = [name for name in ("complete", "pruned", "failed", "running") if trials[name]]
    states = ", ".join(f"{trials[name]} {words.get(name, name)}" for name in named)
    if trials["infeasible"]:
        states += f" ({trials['infeasible']} of the complete ones infeasible)"
    dollars = cost["cost_usd"]
    price = "" if dollars is None else f", {money(dollars)} at {money(cost['price_per_device_hour'])} a device hour"
    lines = [
        f"{plural(trials['total'], 'trial')}: {states or 'none'}",
        f"cost: {duration(cost['seconds'])} of wall time, {device_time(cost['device_hours'])}{price}",
    ]
    if cost["saved_device_hours"]:
        lines[1] += f"; pruning saved about {device_time(cost['saved_device_hours'])}"
    return lines


def next_commands(folder: RunFolder, found: dict[str, Any], again: str) -> list[str]:
    """What to type next, one command a line; ``again`` goes on with the search."""
    root = shlex.quote(short_place(folder, folder.root))
    lines = [
        f"  hpo status {root}",
        f"  hpo dashboard {root}",
        f"  {again}    # go on",
    ]
    if found["best"] is not None and (folder.best / "README.md").is_file():
        lines.append(
            f"  {shlex.quote(short_place(folder, folder.best))}: the best, with README.md that says how to load it"
        )
    return ["next:", *lines]


def _label(row: dict[str, Any]) -> str:
    if "label" in row:
        return str(row["label"])
    label = LABELS[row["name"]]
    if row["state"] != "complete":
        return f"{label} ({row['state']})"
    return f"{label} (infeasible)" if row["feasible"] is False else label


def short_place(folder: RunFolder, path: Path) -> str:
    """What one would type for a path of the run folder; at a URL, the URL."""
    return short_path(path) if folder.remote is None else clean(folder.place + str(path)[len(str(folder.root)) :])


def short_path(path: Path) -> str:
    """The path as one would type it: relative to the working directory where it lies below."""
    try:
        return clean(path.resolve().relative_to(Path.cwd().resolve()))
    except (ValueError, FileNotFoundError):  # a cluster may unpack a job anew, and the directory it runs in is gone
        return clean(path)

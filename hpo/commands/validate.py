"""``hpo validate validation.yaml``: models on data sets, with intervals, tests, costs and an error browser."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.table import Table

HELP = "compare models on data sets, with intervals and tests"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("validation", metavar="validation.yaml", help="the validation file")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="override a key: --set statistics.resamples=2000",
    )
    parser.add_argument(
        "--rating-sheet",
        nargs="?",
        type=int,
        const=50,
        metavar="N",
        help="also write a blinded sheet of N rows (50) for people to rate",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Validate, write the folder of results, print what was found.

    Raises:
        HpoError: anything that is wrong, in one sentence.
    """
    from hpo.errors import ConfigurationError
    from hpo.validation import validate
    from hpo.validation.load import load
    from hpo.validation.outputs import check_folder, write_outputs

    config = load(arguments.validation, arguments.set)
    if arguments.rating_sheet is not None:
        if arguments.rating_sheet < 1:
            what = f"a sheet of {arguments.rating_sheet} rows has nothing to rate"
            raise ConfigurationError(what, where="--rating-sheet", hint="--rating-sheet 50")
        config = config.model_copy(update={"rating_sheet": arguments.rating_sheet})
    out = Path(str(config.out))
    check_folder(out)  # before minutes of work, not after them
    found = validate(config, say=_say)
    write_outputs(found, out)
    _write_page(found, out)
    if config.loggers.wandb is not None:
        from hpo.loggers.wandb import log_validation

        log_validation(config.loggers.wandb, out, found)
    if arguments.json:
        print(json.dumps(found, allow_nan=False))
    else:
        print_validation(found, out, arguments.validation, sys.stdout)
    return 0


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _write_page(found: dict[str, Any], out: Path) -> None:
    from hpo.report.validation_page import write_validation_page

    write_validation_page(found, out / "report.html")


def print_validation(found: dict[str, Any], out: Path, file: str, stream: TextIO) -> None:
    """Print the tables, the verdicts and the next commands."""
    from rich.text import Text

    from hpo.commands.closing import wide_console

    console = wide_console(stream)
    for data in found["datasets"]:
        console.print(Text(_heading(data)), soft_wrap=True)
        console.print(score_table(found, data["name"]))
    if any(row["seconds"] is not None for row in found["cost"]):
        console.print(cost_table(found))
    for line in [*found["verdict"], *(f"warning: {each}" for each in found["warnings"])]:
        console.print(Text(line), soft_wrap=True)
    for line in ("", *next_lines(found, out, file)):
        console.print(Text(line), soft_wrap=True)


def _heading(data: dict[str, Any]) -> str:
    from hpo.records.wording import clean, plural

    groups = f" in {plural(data['groups'], 'group')}" if data["groups"] else ""
    return f"{clean(data['name'])}: {plural(data['rows'], 'row')}{groups}, {data['task']}, decided by {data['primary']}"


def score_table(found: dict[str, Any], dataset: str, most: int = 5) -> Table:
    """Scores of every model on a data set by the first metrics, the primary one with its interval."""
    from hpo.records.wording import metric

    rows = [row for row in found["scores"] if row["dataset"] == dataset and row["subgroup"] is None]
    names = list(dict.fromkeys(row["metric"] for row in rows))[:most]
    models = list(dict.fromkeys(row["model"] for row in rows))
    cells = {(row["model"], row["metric"]): row for row in rows}
    lines = []
    for model in models:
        line = [model]
        for name in names:
            row = cells.get((model, name))
            text = "-" if row is None or row["value"] is None else metric(row["value"])
            if row is not None and name == names[0] and row["ci_low"] is not None:
                text += f" [{metric(row['ci_low'])}, {metric(row['ci_high'])}]"
            line.append(text)
        lines.append(line)
    return _table(["", *names], lines)


def cost_table(found: dict[str, Any]) -> Table:
    """What answers cost."""
    from hpo.records.wording import money

    def cell(value: float | None, form: str) -> str:
        return "-" if value is None else format(value, form)

    lines = [
        [
            row["model"],
            row["dataset"],
            cell(row["seconds"], ".2f"),
            cell(row["peak_memory_gb"], ".2f"),
            cell(row["tokens_per_second"], ",.0f"),
            *(cell(row[f"latency_{p}_ms"], ".2f") for p in ("p50", "p95", "p99")),
            *([money(row["cost_usd"])] if row["cost_usd"] is not None else ["-"]),
        ]
        for row in found["cost"]
    ]
    names = ["", "data set", "seconds", "GiB", "tokens/s", "p50 ms", "p95 ms", "p99 ms", "US dollars"]
    return _table(names, lines)


def _table(names: list[str], lines: list[list[str]]) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    from hpo.records.wording import clean

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for place, name in enumerate(names):
        table.add_column(Text(clean(name)), justify="left" if place == 0 else "right", overflow="fold")
    for line in lines:
        table.add_row(*(Text(clean(cell)) for cell in line))
    return table


def next_lines(found: dict[str, Any], out: Path, file: str) -> list[str]:
    """Where the results lie, and what to type next."""
    from hpo.commands.closing import short_path

    root = shlex.quote(short_path(out))
    lines = [
        f"  {root}/report.html: pictures, subgroups and the {found['errors_total']} rows on which models disagree",
        f"  {root}/scores.csv, comparisons.csv, errors.csv, validation.json, predictions/",
    ]
    if found["ratings"] is None:
        lines.append(f"  hpo validate {shlex.quote(file)} --rating-sheet 50    # a blinded sheet for people to rate")
    return ["next:", *lines]

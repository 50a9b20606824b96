"""``hpo check-data FILE``: what is wrong with rows, shown with its evidence, and mended where that is asked for."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo.checks.check import Wanted
    from hpo.checks.config import ChecksConfig
    from hpo.checks.values import DataReport

HELP = "data quality of a file: findings with evidence, gates, what each preprocessing step does"
GATE_FAILED = 3
ROWS = tuple(
    kind + packed for kind in (".jsonl", ".ndjson", ".csv", ".parquet", ".txt") for packed in ("", ".gz", ".zst")
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", metavar="FILE|data.yaml", help="rows a model learns from; or a file that says all")
    parser.add_argument("--against", metavar="OTHER", help="rows it is judged by, or (with --drift) will meet")
    parser.add_argument("--text", metavar="C", help="column with the text; unset: guessed")
    parser.add_argument("--label", metavar="C", help="column with the class; unset: guessed")
    parser.add_argument("--gate", metavar="NAME=VALUE", action="append", default=[], help="a threshold; repeatable")
    parser.add_argument("--label-noise", action="store_true", help="rows whose label a model contradicts")
    parser.add_argument("--strategies", action="store_true", help="what preprocessing does to a model, with tests")
    parser.add_argument("--learning-curve", action="store_true", help="score against data size")
    parser.add_argument("--drift", action="store_true", help="are the rows of OTHER unlike these?")
    parser.add_argument("--fix", action="store_true", help="write FILE.cleaned beside FILE, with a log of changes")
    parser.add_argument("--write", metavar="OUT", type=Path, help="the rows in another format (the fixed ones)")
    parser.add_argument("--previous", metavar="OLD", help="an older version of FILE: what has changed since")
    parser.add_argument("--study", metavar="runs/NAME", help="train its best configuration instead of the baseline")
    parser.add_argument("--model", metavar="NAME", help="whose tokenizer counts tokens")
    parser.add_argument("--max-length", metavar="N", type=int, help="tokens beyond which the model cuts a row")
    parser.add_argument("--report", metavar="OUT.html", type=Path, help="where the page goes; unset: beside FILE")
    parser.add_argument("--no-report", action="store_true", help="write no page")
    parser.add_argument("--csv", metavar="OUT.csv", type=Path, help="write every finding as a table")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Check, write what is asked for, print; 3 where a gate has failed.

    Raises:
        ConfigurationError, DataError: an argument or a file cannot be used.
        ModelError, ObjectiveError: a tokenizer, a study or a transform cannot be used.
    """
    from hpo.checks.check import check, load
    from hpo.commands.check_data_output import print_report, progress_line

    config = _config(arguments)
    _refuse_outputs(arguments, config)
    with progress_line(sys.stderr) as progress:
        wanted = _wanted(arguments, config, progress)
        first, second = load(config.data, config.against, wanted)
        report = check(first, second, wanted, Path(config.data))
        if arguments.previous:
            report = replace(report, changed=_changed(first, arguments.previous))
    written = _write(arguments, config, report)
    if arguments.json:
        print(json.dumps(report.as_dict(), allow_nan=False))
    else:
        print_report(report, written, sys.stdout)
    return 0 if report.passed else GATE_FAILED


def _config(arguments: argparse.Namespace) -> ChecksConfig:
    """What data.yaml says, or the file alone; arguments win."""
    from hpo.checks.config import ChecksConfig, load_config
    from hpo.config.paths import named_model
    from hpo.errors import ConfigurationError

    is_yaml = arguments.file.lower().endswith((".yaml", ".yml"))
    config = load_config(arguments.file) if is_yaml else ChecksConfig(data=arguments.file)
    named = {"text": arguments.text, "label": arguments.label}
    columns = {**config.columns, **{ours: theirs for ours, theirs in named.items() if theirs}}
    given = {
        "against": arguments.against,
        "model": None if arguments.model is None else named_model(arguments.model, "--model"),
        "max_length": arguments.max_length,
        "report": None if arguments.report is None else str(arguments.report),
    }
    changed = {name: value for name, value in given.items() if value is not None}
    config = config.model_copy(update={**changed, "columns": columns})
    if config.max_length is not None and config.max_length < 1:
        raise ConfigurationError(f"a length of {config.max_length} tokens holds nothing", where="--max-length")
    if config.max_length is not None and config.model is None:
        raise ConfigurationError("whose tokens are counted?", where="--max-length", hint="--model NAME")
    return config


def _refuse_outputs(arguments: argparse.Namespace, config: ChecksConfig) -> None:
    """What is to be written is looked at first: not after minutes of work, and never over an input."""
    from hpo.checks.findings import refuse_foreign_table
    from hpo.commands.outputs import refuse_folders, refuse_outputs
    from hpo.config.paths import file_part

    report = None if arguments.no_report else _page(config)
    options = {"--report": report, "--csv": arguments.csv, "--write": arguments.write}
    outputs = {option: path for option, path in options.items() if path is not None}
    names = {"the input": config.data, "--against": config.against, "--previous": arguments.previous}
    inputs = {name: Path(file_part(path)) for name, path in names.items() if path is not None}
    page, table = (".html", ".htm"), (".csv", ".csv.gz", ".csv.zst")
    refuse_outputs(outputs, inputs, {"--report": page, "--csv": table, "--write": ROWS})
    refuse_folders(outputs, makes=("--report",))
    if arguments.csv is not None:
        refuse_foreign_table(arguments.csv)


def _wanted(arguments: argparse.Namespace, config: ChecksConfig, progress: Any) -> Wanted:
    from hpo.checks.check import Wanted
    from hpo.checks.gates import parse_gate
    from hpo.checks.preprocessing import DEFAULTS

    strategies = config.strategies or (DEFAULTS if arguments.strategies else {})
    return Wanted(
        gates={**config.gates.thresholds, **dict(parse_gate(each) for each in arguments.gate)},
        columns=config.columns,
        strategies=strategies,
        label_noise=config.label_noise or arguments.label_noise or arguments.study is not None,
        learning_curve=config.learning_curve or arguments.learning_curve,
        drift=config.drift or arguments.drift,
        fix=arguments.fix,
        model=_model(config),
        learner=_learner(arguments.study),
        progress=progress,
    )


def _model(config: ChecksConfig) -> Any:
    if config.model is None:
        return None
    from hpo.checks.options import Model
    from hpo.config.models import ModelConfig
    from hpo.training.tokenizer import open_tokenizer

    tokenize, unknown = open_tokenizer(ModelConfig(name=config.model))
    return Model(tokenize, config.max_length or 512, unknown)


def _learner(study: str | None) -> Any:
    if study is None:
        return None
    from hpo.checks.tuned import tuned

    return tuned(study)


def _changed(first: Any, previous: str) -> dict[str, Any]:
    from hpo.checks.load import alike
    from hpo.data.versions import changes

    return {"previous": previous, **changes(alike(previous, first.loaded).rows, first.loaded.rows).as_dict()}


def _write(arguments: argparse.Namespace, config: ChecksConfig, report: DataReport) -> list[tuple[str, str]]:
    """Write page, table and converted rows; what each is and where."""
    from hpo.checks.findings import write_table
    from hpo.data.write import write_new

    written = []
    if not arguments.no_report:
        from hpo.report.data_page import write_data_page

        page = _page(config)
        write_data_page(report.as_dict(), page)
        written.append(("page", str(page)))
    if arguments.csv is not None:
        write_table(report.findings, arguments.csv)
        written.append(("findings", str(arguments.csv)))
    if arguments.write is not None:
        from hpo.checks.load import load_rows

        source = str(report.fixed["file"]) if report.fixed is not None else config.data
        write_new({arguments.write: load_rows(source, config.columns).frame})
        written.append(("rows", str(arguments.write)))
    if report.fixed is not None:
        written += [("cleaned rows", str(report.fixed["file"])), ("log of changes", str(report.fixed["log"]))]
    return written


def _page(config: ChecksConfig) -> Path:
    """The page: as named, else beside the input, or in the working folder where that folder is not ours to write in."""
    if config.report:
        return Path(config.report)
    page = Path(f"{config.data}.report.html")
    return page if os.access(page.parent, os.W_OK) else Path(page.name)

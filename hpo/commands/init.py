"""``hpo init``: write a commented study.yaml for a model and a data file."""

from __future__ import annotations

import argparse
import json
import os
import re
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.errors import ConfigurationError

if TYPE_CHECKING:
    from hpo.commands.guessing import Guess

HELP = "write a commented study.yaml for your model and data"
TASKS = ("classification", "regression", "instruction", "language_modeling")
METRICS = {
    "classification": ("macro_f1", "maximize", "or accuracy, mcc, log_loss, ..."),
    "regression": ("rmse", "minimize", "or mae, r2"),
    "instruction": ("exact_match", "maximize", "or token_f1, perplexity"),
    "language_modeling": ("perplexity", "minimize", "or bits_per_byte"),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("--model", required=True, metavar="M", help="hub name, or folder of the model")
    parser.add_argument(
        "--data", required=True, type=Path, metavar="F", help="JSONL, CSV, Parquet or .txt; also .gz, .zst"
    )
    parser.add_argument("--task", choices=TASKS, help="what to learn; left out: told from the data")
    parser.add_argument("--output", type=Path, default=Path("study.yaml"), metavar="FILE", help="default: study.yaml")
    parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")


def run(arguments: argparse.Namespace) -> int:
    """Write the study file and say what was assumed.

    Raises:
        ConfigurationError: the file is there already, or cannot be written; the data or the model cannot be used.
        ModelError: the folder is not a model.
    """
    from hpo.commands.guessing import first_rows, guess, kind_of
    from hpo.config.load import load_text

    output: Path = arguments.output
    if output.exists():
        raise ConfigurationError("the file is there already", where=str(output), hint="choose another with --output")
    found = guess(first_rows(arguments.data), arguments.task)
    kind = kind_of(arguments.model)
    if kind == "encoder" and found.task in {"instruction", "language_modeling"}:
        hint = "name a causal model (Qwen, Llama, ...), or --task classification"
        raise ConfigurationError(
            f"{arguments.model} is an encoder, and {found.task} needs a model that writes", hint=hint
        )
    text = study_text(arguments.model, arguments.data, output, found, kind)
    load_text(text, str(output), output.absolute().parent)  # what is written must load
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot be written: {error.strerror}", where=str(output)) from None
    _say(arguments, found, kind)
    return 0


def study_text(model: str, data: Path, output: Path, found: Guess, kind: str) -> str:
    """The study file, with a comment on each choice."""
    space, length = ("lora_encoder", 128) if kind == "encoder" else ("lora", 512)
    name = re.sub(r"[^A-Za-z0-9]+", "-", data.name.split(".")[0]).strip("-") or "study"
    model_name = _from(output, Path(model)) if Path(model).expanduser().is_dir() else model
    metric, direction, others = METRICS[found.task]
    renamed = {ours: theirs for ours, theirs in found.columns.items() if ours != theirs}
    lines = [
        (f"# Run:  python -m hpo.run {shlex.quote(str(output))}      (the same command again resumes)", ""),
        (f"study: {name}", f"names the run folder: runs/{name}"),
        (f"model: {json.dumps(model_name)}", f"taken for {'an encoder' if kind == 'encoder' else 'a causal model'}"),
        (f"task: {found.task}", found.why),
        ("data:", ""),
        (f"  train: {json.dumps(_from(output, data), ensure_ascii=False)}", ""),
        (f"  columns: {json.dumps(renamed, ensure_ascii=False)}", "our name: the file's") if renamed else ("", ""),
        ("  split: {validation: 0.15, test: 0.2}", "shares of the rows; the search never sees the test split"),
        (
            "  # preparation: {preprocessing: [strip_html, normalize_whitespace]}",
            "done to all rows; can be searched too",
        ),
        ("training:", "fixed for all trials; what is not named has a default"),
        ("  num_train_epochs: 2", ""),
        (f"  max_length: {length}", "tokens a row is cut at"),
        (f"search_space: {space}", "learning rate, rank, alpha, batch size; to change one:"),
        (f"# search_space: {{extends: {space}, learning_rate: {{low: 1e-4, high: 1e-2}}}}", ""),
        (f"objectives: [{{metric: {metric}, direction: {direction}}}]", others),
        ("# constraints: [{metric: peak_memory_gb, max: 16}]", ""),
        ("budget: {trials: 30}", "or hours, device_hours, cost_usd, plateau: {trials: 10}"),
    ]
    if found.task in {"classification", "regression"}:
        lines.append(("baselines: {classical: true}", "TF-IDF with a linear model, to be beaten"))
    shown = [f"{code:<44}  # {comment}" if comment else code for code, comment in lines if code]
    return "\n".join(shown) + "\n"


def _from(output: Path, path: Path) -> str:
    """``path`` as the study file should name it: relative where it lies beside or below, else absolute."""
    absolute, folder = path.expanduser().absolute(), output.absolute().parent
    inside = absolute.is_relative_to(folder)
    return f"./{os.path.relpath(absolute, folder)}" if inside else os.path.normpath(absolute)


def _say(arguments: argparse.Namespace, found: Guess, kind: str) -> None:
    study = shlex.quote(str(arguments.output))
    following = [f"python -m hpo.run {study} --dry-run", f"python -m hpo.run {study}"]
    if arguments.json:
        told = {"study": str(arguments.output), "task": found.task, "columns": found.columns, "model": kind}
        print(json.dumps({**told, "next": following}))
        return
    sys.stdout.write(f"wrote {arguments.output}: {found.task} ({found.why}), {kind} model\nnext:\n")
    sys.stdout.writelines(f"  {line}\n" for line in following)

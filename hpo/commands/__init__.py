"""The `hpo` command: one verb a module, each loaded only when it is typed."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from types import ModuleType

from hpo.errors import HpoError, full_disk

COMMANDS = {
    "run": "search: python -m hpo.run study.yaml is the same; the same command again resumes",
    "init": "write a commented study.yaml for your model and data",
    "status": "what a running or finished study is doing",
    "check-data": "data quality of a file: findings with evidence, gates, what each preprocessing step does",
    "validate": "compare models on data sets, with intervals and tests",
    "submit": "run a study on a Ray cluster",
    "dashboard": "the Optuna dashboard on a study's storage",
    "schema": "JSON schema of study.yaml, for editors",
}
TERMINATED = 143
INTERRUPTED = 130


class Terminated(BaseException):
    """SIGTERM has arrived; raised in the main thread, so that everything open is closed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    parser = argparse.ArgumentParser(
        prog="hpo",
        description="Hyperparameter search for fine-tuning language models.",
        epilog="exit codes: 0 done, 1 internal error, 2 configuration or arguments wrong, 3 a data gate failed, "
        "4 no trial completed, 130 interrupted, 143 terminated",
    )
    verbs = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    chosen = next((word for word in words if not word.startswith("-")), None)
    for name, text in COMMANDS.items():
        verb = verbs.add_parser(name, help=text, description=text)
        if name == chosen:
            _module(name).add_arguments(verb)
    return execute(parser.parse_args(words))


def execute(parsed: argparse.Namespace) -> int:
    """Run a parsed command; errors become one clear message and an exit code, never a traceback."""
    module = _module(parsed.command)
    try:
        return int(module.run(parsed))
    except HpoError as error:
        _complain(error, as_json=bool(getattr(parsed, "json", False)))
        return error.exit_code
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except Terminated:
        print("\nterminated", file=sys.stderr)
        return TERMINATED
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    except OSError as error:
        full = full_disk(error, "a file cannot be written")
        if full is None:
            raise
        _complain(full, as_json=bool(getattr(parsed, "json", False)))
        return full.exit_code


def _module(verb: str) -> ModuleType:
    return importlib.import_module(f"hpo.commands.{verb.replace('-', '_')}")


def _complain(error: HpoError, *, as_json: bool) -> None:
    from hpo.records.wording import shown

    if as_json:
        faults = [{"where": f.where, "what": f.what, "hint": f.hint} for f in error.faults]
        print(json.dumps({"error": faults, "exit_code": error.exit_code}))
    count = len(error.faults)
    print("error:" if count == 1 else f"{count} errors:", file=sys.stderr)
    for fault in error.faults:
        lines = map(shown, str(fault).splitlines())
        print("  " + "\n".join(lines), file=sys.stderr)

"""`hpo schema`: the form of study.yaml or validation.yaml, as JSON Schema for editors or as Markdown for people."""

from __future__ import annotations

import argparse
import json
import sys

HELP = "JSON schema of study.yaml, for editors"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of ``hpo schema``."""
    parser.add_argument(
        "--reference", action="store_true", help="print the reference of study.yaml in Markdown instead"
    )
    parser.add_argument("--validation", action="store_true", help="of validation.yaml in place of study.yaml")
    parser.add_argument("--json", action="store_true", help="print JSON, as without this option")


def run(arguments: argparse.Namespace) -> int:
    """Print the schema or the reference; returns the exit code."""
    if arguments.validation:
        from hpo.validation.reference import json_schema, reference_markdown
    else:
        from hpo.config.schema import json_schema, reference_markdown
    sys.stdout.write(reference_markdown() if arguments.reference else json.dumps(json_schema(), indent=2) + "\n")
    return 0


if __name__ == "__main__":
    own = argparse.ArgumentParser(prog="python -m hpo.commands.schema", description=HELP)
    add_arguments(own)
    sys.exit(run(own.parse_args()))

"""``python -m hpo.run study.yaml``: the main job; the same command again resumes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from hpo.commands import main as hpo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or resume the study that the arguments name; returns the exit code."""
    return hpo(["run", *(sys.argv[1:] if arguments is None else arguments)])


if __name__ == "__main__":
    sys.exit(main())

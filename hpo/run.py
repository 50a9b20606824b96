"""``python -m hpo.run study.yaml``: the main job; in Python ``hpo.run("study.yaml")``. Called again, it resumes."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from hpo.commands import main as hpo

if TYPE_CHECKING:
    from hpo.config import StudyConfig
    from hpo.records.load import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run or resume the study that the arguments name; returns the exit code."""
    return hpo(["run", *(sys.argv[1:] if arguments is None else arguments)])


def run(
    study: str | Path | StudyConfig,
    *,
    overrides: Sequence[str] = (),
    show: bool = False,
    accept_data: str | None = None,
) -> Run:
    """Run or resume a study from Python.

    Args:
        study: a study file, or a configuration that ``hpo.config.load`` gave.
        overrides: as after ``--set``, for a file.
        show: whether progress goes to standard error.
        accept_data: why to go on though the rows fail a gate of ``data.gates``; it is recorded.

    Returns:
        The run folder, as ``hpo.load`` reads it.

    Raises:
        HpoError: anything that is wrong, in one sentence.
    """
    from hpo.commands.run import search
    from hpo.config import load
    from hpo.records.load import load as load_run

    config = load(study, overrides) if isinstance(study, (str, Path)) else study
    finished, _ = search(config, show=show, accept_data=accept_data)
    return load_run(finished.folder.root)


class _Callable(ModuleType):
    """``hpo.run`` is both the module that ``python -m`` runs and the function that a notebook calls."""

    __call__ = staticmethod(run)


sys.modules[__name__].__class__ = _Callable

if __name__ == "__main__":
    sys.exit(main())

"""Evaluators of the user's own, named in a study file as ``mine.py:name``."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeGuard

from hpo.data.user_function import line_in
from hpo.errors import HpoError, ObjectiveError
from hpo.evaluators.protocol import Evaluator, Metric

PREFIX = "hpo_user_"  # of the module names under which the user's files are run
HINT = "the file must define EVALUATOR, or an object of that name, with name, needs, metrics, prepare and score"


def is_reference(metric: str) -> bool:
    """Whether a metric is spelled ``file.py:name``."""
    return metric.rpartition(":")[0].endswith(".py")


def load_evaluator(reference: str) -> Evaluator:
    """The evaluator of one's own that ``mine.py:name`` names, for use outside a study too; ``mine.py`` alone will do.

    ``name`` is a variable of the file, or a metric of its ``EVALUATOR``. It is used like any of ours::

        evaluator = load_evaluator("mine.py:politeness")
        scores = evaluator.score(rows, outputs, evaluator.prepare(None))

    Raises:
        ObjectiveError: the file cannot be read or run, or holds no such evaluator or metric.
    """
    if reference.endswith(".py"):
        evaluator: Any = getattr(load(reference), "EVALUATOR", None)
        if not _is_evaluator(evaluator):
            raise ObjectiveError("the file has no EVALUATOR", where=reference, hint=HINT)
        return evaluator
    path, _, name = reference.rpartition(":")
    own = _named(path, name)
    if own is None:
        return find(reference)[0]
    return own


def find(metric: str) -> tuple[Evaluator, Metric]:
    """The evaluator in the file, and its metric of that name (or its only one).

    Raises:
        ObjectiveError: the file cannot be read or run, or holds no such evaluator or metric.
    """
    path, _, name = metric.rpartition(":")
    own = _named(path, name)
    evaluator: Any = own or getattr(load(path), "EVALUATOR", None)
    if not _is_evaluator(evaluator):
        raise ObjectiveError(f"no evaluator for {name!r} in the file", where=path, hint=HINT)
    found = [each for each in evaluator.metrics if each.name == name]
    if not found and evaluator is own and len(evaluator.metrics) == 1:
        found = list(evaluator.metrics)
    if not found:
        names = ", ".join(each.name for each in evaluator.metrics)
        raise ObjectiveError(
            f"evaluator {evaluator.name!r} has no metric {name!r}", where=path, hint=f"it has: {names}"
        )
    return evaluator, found[0]


def _named(path: str, name: str) -> Evaluator | None:
    """The evaluator that is a variable of the file."""
    own: Any = getattr(load(path), name, None)
    return own if _is_evaluator(own) else None


def origin(evaluator: Evaluator, error: BaseException | None = None) -> str:
    """File (and line, where an error arose there) that an evaluator comes from; empty for our own."""
    name = type(evaluator).__module__
    file = getattr(sys.modules.get(name), "__file__", None)
    if file is None or not name.startswith(PREFIX):
        return ""
    return f"{file}{line_in(Path(file), error) if error else ''}"


@contextlib.contextmanager
def guard(evaluator: Evaluator) -> Iterator[None]:
    """Name the evaluator, and the file it comes from, in whatever goes wrong within.

    Raises:
        ObjectiveError: in place of any exception that is not already an HpoError.
    """
    try:
        yield
    except HpoError:
        raise
    except Exception as error:
        what = f"evaluator {evaluator.name!r} failed: {type(error).__name__}: {error}"
        raise ObjectiveError(what, where=origin(evaluator, error)) from error


def load(path: str) -> ModuleType:
    """Run the file as a module, once for each version of it.

    Raises:
        ObjectiveError: there is no such file, or it fails when run.
    """
    file = Path(path).resolve()
    try:
        changed = os.stat(file).st_mtime_ns
    except OSError:
        raise ObjectiveError("no such file", where=path, hint="paths are relative to the working directory") from None
    return _run(file, changed)


@functools.cache
def _run(file: Path, changed: int) -> ModuleType:
    digest = hashlib.blake2b(str(file).encode(), digest_size=4).hexdigest()  # two files may have one name
    spec = importlib.util.spec_from_file_location(f"{PREFIX}{file.stem}_{digest}", file)
    if spec is None or spec.loader is None:
        raise ObjectiveError("this is no Python file", where=str(file), hint=HINT)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # so that dataclasses and tracebacks of the file find it
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[spec.name]
        raise ObjectiveError(
            f"the file fails when run: {type(error).__name__}: {error}",
            where=f"{file}{line_in(file, error)}",
            hint=f"try: python {file}",
        ) from error
    return module


def _is_evaluator(value: Any) -> TypeGuard[Evaluator]:
    """Whether a value has everything an Evaluator has."""
    if value is None or isinstance(value, type):
        return False
    metrics = getattr(value, "metrics", None)
    return (
        isinstance(getattr(value, "name", None), str)
        and isinstance(getattr(value, "needs", None), (set, frozenset))
        and isinstance(metrics, (tuple, list))
        and all(isinstance(metric, Metric) for metric in metrics)
        and callable(getattr(value, "prepare", None))
        and callable(getattr(value, "score", None))
    )

"""Functions of the user's own, named by file: run once, and every failure told with its file and line."""

from __future__ import annotations

import importlib.util
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hpo.config.draft import did_you_mean
from hpo.errors import ObjectiveError

BY_ITSELF = "run the file by itself to see more"


def load_function(path: Path, name: str, kind: str, wanted: str) -> Callable[..., Any]:
    """The function ``name`` of a Python file, which is run.

    Args:
        path: of the file.
        name: of the function.
        kind: what the file is, for messages: ``the rows file``.
        wanted: what the function does, for messages: ``a function that yields rows``.

    Raises:
        ObjectiveError: the file cannot be read or run, or has no such function.
    """
    spec = importlib.util.spec_from_file_location(f"hpo_user_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ObjectiveError(f"{kind} is not a Python file", where=str(path))
    if not path.is_file():
        raise ObjectiveError(f"{kind} does not exist", where=str(path), hint="is the path right?")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise failed(error, path, f"{kind} cannot be run") from error
    function = getattr(module, name, None)
    if not callable(function):
        there = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        hint = did_you_mean(name, there) or f"define {name}(), {wanted}"
        raise ObjectiveError(f"{kind} has no function `{name}`", where=str(path), hint=hint)
    return function  # type: ignore[no-any-return]  # what it returns is checked by those who call it


def failed(error: BaseException, path: Path, what: str) -> ObjectiveError:
    """The error to raise for an exception of the user's code: where in the file it arose, and what it says."""
    where = f"{path}{line_in(path, error)}"
    return ObjectiveError(f"{what}: {type(error).__name__}: {error}", where=where, hint=BY_ITSELF)


def line_in(path: Path, error: BaseException) -> str:
    """``:line`` of the user's file where an exception arose; empty where it arose elsewhere."""
    own = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    line = error.lineno if isinstance(error, SyntaxError) else own[-1] if own else None
    return f":{line}" if line else ""

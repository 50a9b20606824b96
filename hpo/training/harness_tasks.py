"""Tasks of lm-evaluation-harness, found and loaded; each way in which that fails is one clear error."""

from __future__ import annotations

import contextlib
import difflib
import functools
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hpo.config.harness import is_task_file
from hpo.errors import ConfigurationError

CODE = "HF_ALLOW_CODE_EVAL"  # the environment variable by which a person allows a model's code to run
_OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")


@dataclass(frozen=True)
class LoadedTask:
    """A task whose rows are in memory.

    Attributes:
        name: as it was named.
        own_name: what the harness calls it.
        loaded: what the harness's manager has loaded: ``tasks`` and ``groups`` by name.
        runs_code: whether it runs code that the model writes.
    """

    name: str
    own_name: str
    loaded: Any
    runs_code: bool


def load_task(name: str, include_path: str | None = None, *, allow_code: bool = False) -> LoadedTask:
    """A task or group by its name, or by its YAML file, whose relative paths start from the file's folder.

    Raises:
        ConfigurationError: the extra is missing, the task is unknown, its rows cannot be had, or it would run code.
    """
    if find_spec("lm_eval") is None:
        raise ConfigurationError(
            "lm-evaluation-harness is not installed", where=name, hint="pip install -c constraints.txt '.[harness]'"
        )
    if is_task_file(name) and not Path(name).expanduser().is_file():
        raise ConfigurationError("there is no such task file", where=name, hint="is the path right?")
    changed = os.stat(Path(name).expanduser()).st_mtime_ns if is_task_file(name) else 0
    allow = allow_code and os.environ.get(CODE) == "1"
    return _load(name, include_path, changed, allow)


@contextlib.contextmanager
def silent() -> Iterator[None]:
    """Neither progress bars nor the harness's log meanwhile."""
    import logging

    logger = logging.getLogger("lm_eval")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        logger.setLevel(level)


@functools.lru_cache(maxsize=32)
def _load(name: str, include_path: str | None, changed: int, allow_code: bool) -> LoadedTask:
    manager = _manager_of(name, include_path)
    if _runs_code(manager, name) and not allow_code:
        raise _code_refused(name)
    folder = Path(name).expanduser().resolve().parent if is_task_file(name) else Path.cwd()
    try:
        with silent(), contextlib.chdir(folder):
            found = manager.load([str(Path(name).expanduser().resolve()) if is_task_file(name) else name])
    except KeyError as error:
        raise _unknown(name, manager, error) from error
    except Exception as error:  # a library that reads a task may raise anything: no rows, no network, a broken file
        raise _unreadable(name, error) from error
    runs_code = any(getattr(task, "UNSAFE_CODE", False) for task in found["tasks"].values())
    if runs_code and not allow_code:
        raise _code_refused(name)
    groups = found["groups"]
    own = next(iter(groups or found["tasks"]))
    if not groups and len(found["tasks"]) > 1:
        names = ", ".join(sorted(found["tasks"])[:8])
        raise ConfigurationError(f"{name} is a tag of several tasks", where=name, hint=f"name one of them: {names}")
    return LoadedTask(name, own, found, runs_code)


def _manager_of(name: str, include_path: str | None) -> Any:
    """A manager that knows the task; all of the harness's folders are read only where a smaller part does not do."""
    if include_path is None and is_task_file(name):
        return _manager((), False)
    extra = () if include_path is None else (include_path,)
    if include_path is None and (own := _folder_of(name)):
        small = _manager((own,), False)
        if name in small.task_index:
            return small
    return _manager(extra, True)


def _folder_of(name: str) -> str | None:
    spec = find_spec("lm_eval")
    places = spec.submodule_search_locations if spec else None
    folder = Path(places[0], "tasks", name.partition("_")[0]) if places else None
    return str(folder) if folder is not None and name.isidentifier() and folder.is_dir() else None


@functools.lru_cache(maxsize=8)
def _manager(include: tuple[str, ...], include_defaults: bool) -> Any:
    from lm_eval.tasks import TaskManager

    return TaskManager(include_path=list(include) or None, include_defaults=include_defaults)


def _runs_code(manager: Any, name: str) -> bool:
    entry = manager.task_index.get(name)
    return bool(entry is not None and (entry.cfg or {}).get("unsafe_code"))


def _code_refused(name: str) -> ConfigurationError:
    return ConfigurationError(
        f"the task {name} runs code that the model writes, on this machine and with your rights",
        where=name,
        hint=f"to allow it, set {CODE}=1 in the environment (a script says confirm_run_unsafe_code=True too)",
    )


def _unknown(name: str, manager: Any, error: KeyError) -> ConfigurationError:
    if is_task_file(name) or name in manager.task_index:
        return _unreadable(name, error)
    near = difflib.get_close_matches(name, manager.all_tasks, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else "`lm-eval ls tasks` lists them, or name a .yaml file"
    return ConfigurationError(f"lm-evaluation-harness has no task `{name}`", where=name, hint=hint)


def _unreadable(name: str, error: Exception) -> ConfigurationError:
    first = (str(error).strip().splitlines() or [""])[0][:300]
    if "on the Hub" in first or "offline" in str(error).casefold() or isinstance(error, ConnectionError):
        offline = [variable for variable in _OFFLINE if os.environ.get(variable) in ("1", "true", "TRUE")]
        why = f"{' and '.join(offline)} forbid it" if offline else "the hub cannot be reached"
        return ConfigurationError(
            f"the task {name} reads its rows from the hub, and {why}",
            where=name,
            hint="load the task once with a network (it is kept in the cache), or name a task file with local rows",
        )
    hint = "paths in a task file are relative to it" if is_task_file(name) else "try: lm-eval validate --tasks " + name
    return ConfigurationError(f"the task cannot be loaded: {type(error).__name__}: {first}", where=name, hint=hint)

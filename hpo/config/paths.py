"""Paths in a study file, and in other files of ours: relative to the file, made absolute, and there."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

from hpo.config.draft import Draft, Key, Place
from hpo.config.urls import is_url, url_fault
from hpo.errors import ConfigurationError

PACKAGE = "package:"  # of a model that an installed package carries
FILES: tuple[Key, ...] = (("data", "train"), ("data", "validation"), ("data", "test"), ("data", "forgetting"))


def resolve(draft: Draft) -> None:
    """Make every path of the draft absolute; one that does not exist is a fault."""
    for key, kind in files(draft):
        resolve_file(draft, key, kind)
    resolve_model(draft, ("model", "name"))
    _warm_start(draft)
    runs = draft.get("runs")
    if isinstance(runs, str) and is_url(runs):
        _check_url(draft, ("runs",), runs)
    elif isinstance(runs, str) and runs.startswith("~"):
        _replace(draft, ("runs",), "")


def files(draft: Draft) -> Iterator[tuple[Key, str]]:
    """Where the study names a file that is relative to it, and what that file is called."""
    for key in (*FILES, ("data", "source")):
        if draft.get(*key) is not None:
            yield key, "rows file" if key[-1] == "source" else "data file"
    own: list[tuple[Key, str]] = [(("objective",), "objective file")]
    for block in ("objectives", "constraints"):
        own += [((*key, "metric"), "evaluator file") for key, _ in draft.mappings(block)]
    own += [(key, "transforms file") for key in _transforms(draft)]
    yield from ((key, kind) for key, kind in own if is_own(draft.get(*key)))


def _transforms(draft: Draft) -> Iterator[Key]:
    """Where the study names transforms."""
    block: Key = ("data", "preparation")
    listed = [(*block, "preprocessing"), *((*block, "strategies", name) for name in draft.block(*block, "strategies"))]
    yield listed[0]
    for key in listed:
        yield from ((*key, position) for position in range(len(draft.entries(*key))))


def is_own(reference: object) -> bool:
    """Whether a name is a file of the user's own: ``mine.py`` or ``mine.py:name``."""
    return isinstance(reference, str) and (reference.endswith(".py") or ".py:" in reference)


def resolve_file(draft: Draft, key: Key, kind: str) -> None:
    """Make the path of a file (or of ``mine.py:name``) absolute; one that does not exist is a fault."""
    value = draft.get(*key)
    if not isinstance(value, str) or not draft.sound(*key):
        return
    path = absolute(draft, file_part(value))
    shown = draft.templates.get(key, value)
    if draft.elsewhere.has(path):
        _replace(draft, key, str(draft.folder))
    elif os.path.isdir(path):  # unlike Path's, it takes any text for an answer
        draft.fault(key, f"the {kind} {shown} is a folder", "name a file in it")
    elif not os.path.isfile(path):
        draft.fault(key, f"the {kind} {shown} does not exist", f"looked in {draft.folder}; is the path right?")
    else:
        _replace(draft, key, str(draft.folder))


def resolve_model(draft: Draft, key: Key) -> None:
    """A hub name, a folder, or a folder inside an installed package; a folder that does not exist is a fault."""
    name = draft.get(*key)
    if not isinstance(name, str) or not draft.sound(*key):
        return
    if name.startswith(PACKAGE):
        _model_in_package(draft, key, name)
    elif os.path.isdir(absolute(draft, name)) or draft.elsewhere.has(os.path.expanduser(name)):
        _replace(draft, key, str(draft.folder))
    elif name.startswith(("./", "../", "/", "~")):
        shown = draft.templates.get(key, name)
        draft.fault(key, f"the model folder {shown} does not exist", f"looked in {draft.folder}; is the path right?")


def named_model(name: str, option: str) -> str:
    """A model named on the command line, resolved as in a file; folders are relative to the working directory.

    Raises:
        ConfigurationError: there is no such folder or package.
    """
    draft = Draft({"model": name}, {("model",): Place(option)}, Path.cwd())
    resolve_model(draft, ("model",))
    if draft.faults:
        raise ConfigurationError.of(draft.sorted_faults())
    return str(draft.get("model"))


def _model_in_package(draft: Draft, key: Key, name: str) -> None:
    """``package:NAME/folder``: a folder inside an installed package, found without importing it."""
    package, _, inside = name.removeprefix(PACKAGE).partition("/")
    try:
        # A dotted name would import the package it begins with.
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.submodule_search_locations:
        draft.fault(key, f"the package {package} is not installed", "pip install -c constraints.txt '.[quickstart]'")
        return
    folder = os.path.join(spec.submodule_search_locations[0], inside)
    if os.path.isdir(folder):
        draft.put(key, os.path.normpath(folder))
    else:
        draft.fault(key, f"the package {package} has no folder {inside}", f"looked in {os.path.dirname(folder)}")


def _warm_start(draft: Draft) -> None:
    key: Key = ("warm_start",)
    value = draft.get(*key)
    if not isinstance(value, str) or not draft.sound(*key):
        return
    if is_url(value):
        _check_url(draft, key, value)
    elif os.path.isdir(os.path.expanduser(value)) or draft.elsewhere.has(os.path.expanduser(value)):
        _replace(draft, key, os.getcwd())  # as `runs`, from which it is copied
    else:
        shown = draft.templates.get(key, value)
        draft.fault(key, f"the run folder {shown} does not exist", "it is relative to the working directory")


def _check_url(draft: Draft, key: Key, url: str) -> None:
    if draft.sound(*key) and (fault := url_fault(url)):
        draft.fault(key, *fault)


def file_part(value: str) -> str:
    """The file of ``mine.py:name``."""
    return value.rpartition(".py:")[0] + ".py" if ".py:" in value else value


def absolute(draft: Draft, value: str) -> str:
    """The path, which is relative to the file that is read."""
    return os.path.normpath(os.path.join(draft.folder, os.path.expanduser(value)))


def _replace(draft: Draft, key: Key, folder: str) -> None:
    """Put the absolute path in place; a template gets the same folder before it, and so holds anywhere."""
    value = draft.get(*key)
    template = draft.templates.get(key)
    if template is not None and not os.path.isabs(os.path.expanduser(value)):
        draft.templates[key] = os.path.join(folder, template)
    draft.put(key, os.path.normpath(os.path.join(folder, os.path.expanduser(value))))

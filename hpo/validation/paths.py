"""Paths in a validation file: relative to the file, made absolute, and there."""

from __future__ import annotations

import importlib.util
import os

from hpo.config.draft import Draft, Key
from hpo.config.paths import PACKAGE, file_part, is_own

DATA_FILES = ("train", "validation", "test", "source")


def resolve(draft: Draft) -> None:
    """Make every path of the draft absolute; one that does not exist is a fault."""
    for index, entry in enumerate(draft.entries("models")):
        for source in ("model", "adapter", "run", "predictions"):
            value = entry.get(source) if isinstance(entry, dict) else None
            names = [(source, name) for name in value] if isinstance(value, dict) else [(source,)]
            for rest in names:
                _model_source(draft, ("models", index, *rest), source)
    for index in range(len(draft.entries("datasets"))):
        for name in DATA_FILES:
            _existing(draft, ("datasets", index, "data", name), "data file", os.path.isfile)
        _existing(draft, ("datasets", index, "run"), "run folder", os.path.isdir)
        if str(draft.get("datasets", index, "lm_eval")).endswith((".yaml", ".yml")):
            _existing(draft, ("datasets", index, "lm_eval"), "task file", os.path.isfile)
        _own_metric(draft, ("datasets", index, "primary"))
    for index in range(len(draft.entries("metrics"))):
        _own_metric(draft, ("metrics", index))
    for index in range(len(draft.entries("ratings"))):
        _existing(draft, ("ratings", index), "rating sheet", os.path.isfile)
    if draft.text("out"):
        draft.put(("out",), os.path.abspath(os.path.expanduser(str(draft.text("out")))))


def _model_source(draft: Draft, key: Key, source: str) -> None:
    if source == "predictions":
        _existing(draft, key, "predictions file", os.path.isfile)
    elif source in ("run", "adapter"):
        _existing(draft, key, "run folder" if source == "run" else "adapter folder", os.path.isdir)
    else:
        _model(draft, key)


def _own_metric(draft: Draft, key: Key) -> None:
    if is_own(draft.get(*key)):
        _existing(draft, key, "evaluator file", os.path.isfile)


def _existing(draft: Draft, key: Key, kind: str, there: object) -> None:
    value = draft.get(*key)
    if not isinstance(value, str) or not draft.sound(*key):
        return
    path = _absolute(draft, file_part(value))
    folders = [str(draft.folder)]
    if there is os.path.isdir and not os.path.exists(path):  # run folders lie in the working directory
        path = value = os.path.abspath(os.path.expanduser(value))
        folders.append(os.getcwd())
    shown = draft.templates.get(key, draft.get(*key))
    if not os.path.exists(path):
        looked = " and in ".join(dict.fromkeys(folders))
        draft.fault(key, f"the {kind} {shown} does not exist", f"looked in {looked}; is the path right?")
    elif there is os.path.isfile and not os.path.isfile(path):
        draft.fault(key, f"the {kind} {shown} is a folder", "name a file in it")
    elif there is os.path.isdir and not os.path.isdir(path):
        draft.fault(key, f"the {kind} {shown} is a file", "name the folder")
    else:
        draft.put(key, _absolute(draft, value))


def _model(draft: Draft, key: Key) -> None:
    """A hub name, a folder, or a folder inside an installed package, which is found without importing it."""
    name = draft.get(*key)
    if not isinstance(name, str) or not draft.sound(*key):
        return
    if name.startswith(PACKAGE):
        _model_in_package(draft, key, name)
    elif os.path.isdir(_absolute(draft, name)):
        draft.put(key, _absolute(draft, name))
    elif name.startswith(("./", "../", "/", "~")):
        what = f"the model folder {draft.templates.get(key, name)} does not exist"
        draft.fault(key, what, f"looked in {draft.folder}; is the path right?")


def _model_in_package(draft: Draft, key: Key, name: str) -> None:
    package, _, inside = name.removeprefix(PACKAGE).partition("/")
    try:
        spec = importlib.util.find_spec(package) if package.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    places = spec.submodule_search_locations if spec is not None else None
    folder = os.path.normpath(os.path.join(places[0], inside)) if places else ""
    if not folder:
        draft.fault(key, f"the package {package} is not installed", "pip install it, or name a folder")
    elif not os.path.isdir(folder):
        draft.fault(key, f"the package {package} has no folder {inside}", f"looked in {os.path.dirname(folder)}")
    else:
        draft.put(key, folder)


def _absolute(draft: Draft, value: str) -> str:
    return os.path.normpath(os.path.join(draft.folder, os.path.expanduser(value)))

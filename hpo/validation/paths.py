"""Paths in a validation file: relative to the file, made absolute, and there."""

from __future__ import annotations

import os

from hpo.config.draft import Draft, Key
from hpo.config.paths import absolute, file_part, is_own, resolve_model

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
        resolve_model(draft, key)


def _own_metric(draft: Draft, key: Key) -> None:
    if is_own(draft.get(*key)):
        _existing(draft, key, "evaluator file", os.path.isfile)


def _existing(draft: Draft, key: Key, kind: str, there: object) -> None:
    value = draft.get(*key)
    if not isinstance(value, str) or not draft.sound(*key):
        return
    path = absolute(draft, file_part(value))
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
        draft.put(key, absolute(draft, value))

"""Ready search spaces: ``search_space: lora``, a file beside the study, and ``extends`` to begin from either."""

from __future__ import annotations

import os
from importlib import resources
from pathlib import Path
from typing import Any

from hpo.config.document import parse_mapping, read_text
from hpo.config.draft import Draft, Key, did_you_mean
from hpo.config.environment import substitute
from hpo.errors import ConfigurationError

ROOT: Key = ("search_space",)
_PACKAGE = "hpo.search_spaces"


def ready_spaces() -> list[str]:
    """Names of the spaces that come with the package, sorted."""
    folder = resources.files(_PACKAGE)
    return sorted(each.name.removesuffix(".yaml") for each in folder.iterdir() if each.name.endswith(".yaml"))


def expand(draft: Draft) -> None:
    """Write the parameters of a named or extended space out into the draft; faults where there is none."""
    value = draft.get(*ROOT)
    if isinstance(value, str):
        key, own = ROOT, {}
        reference = value
    elif isinstance(value, dict) and "extends" in value:
        key, own = (*ROOT, "extends"), {name: each for name, each in value.items() if name != "extends"}
        reference = value["extends"]
    else:
        return
    draft.values["search_space"] = own
    draft.templates.pop(key, None)
    base = _base(draft, key, reference, draft.folder, ())
    if base is None:
        return
    draft.values["search_space"] = _overlay(draft, base, own)


def _base(draft: Draft, key: Key, reference: Any, folder: Path, seen: tuple[str, ...]) -> dict[str, Any] | None:
    """Parameters of the space that ``reference`` names; its places go into the draft. None after a fault."""
    if not isinstance(reference, str):
        draft.fault(key, "must be the name of a ready space or a .yaml file", did_you_mean("", ready_spaces()))
        return None
    if reference in seen:
        draft.fault(key, f"the space {reference} extends itself", "remove one `extends`")
        return None
    source = _open(draft, key, reference, folder)
    if source is None:
        return None
    own = dict(source.values)
    above = own.pop("extends", None)
    for place_key, place in source.places.items():
        if place_key and place_key != ("extends",):
            draft.places.setdefault((*ROOT, *place_key), place)
    for place_key, template in source.templates.items():
        draft.templates.setdefault((*ROOT, *place_key), template)
    draft.faults += [((*ROOT, *known), place, fault) for known, place, fault in source.faults]
    if above is None:
        return own
    base = _base(draft, key, above, source.folder, (*seen, reference))
    return None if base is None else _overlay(draft, base, own)


def _open(draft: Draft, key: Key, reference: str, folder: Path) -> Draft | None:
    if reference.endswith((".yaml", ".yml")):
        path = folder / os.path.expanduser(reference)
        try:
            found = parse_mapping(read_text(path, reference), reference, path.parent)
        except ConfigurationError as error:
            for fault in error.faults:
                draft.fault(key, f"{fault.where}: {fault.what}", fault.hint)
            return None
    elif reference in ready_spaces():
        text = resources.files(_PACKAGE).joinpath(f"{reference}.yaml").read_text("utf-8")
        found = parse_mapping(text, f"search_spaces/{reference}.yaml", folder)
    else:
        hint = did_you_mean(reference, ready_spaces()) or "name a ready space, a .yaml file, or write parameters"
        draft.fault(key, f"unknown search space `{reference}`", hint)
        return None
    found.elsewhere = draft.elsewhere
    substitute(found)
    return found


def _overlay(draft: Draft, base: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    """``base`` with single parameters of ``own`` over it: null drops one; without ``type`` only single keys change."""
    merged = dict(base)
    for name, value in own.items():
        if value is None:
            if name not in base:
                draft.fault((*ROOT, name), f"the space has no parameter `{name}` to drop", did_you_mean(name, base))
            merged.pop(name, None)
        elif isinstance(value, dict) and "type" not in value and isinstance(base.get(name), dict):
            merged[name] = {**base[name], **value}
        else:
            merged[name] = value
    return merged

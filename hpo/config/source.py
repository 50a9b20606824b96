"""This package's own source, for machines on which it is not installed."""

from __future__ import annotations

import importlib.util
from importlib import metadata
from pathlib import Path

from hpo.errors import ConfigurationError

_PACKAGES = ("hpo", "hpo.objectives", "hpo.search_spaces")  # a checkout keeps the latter two beside the first
_KINDS = {".py", ".typed", ".yaml", ".html", ".css", ".js"}


def own_source() -> dict[str, bytes]:
    """Contents by name, for a folder on Python's path: the package, and the metadata that lists its objectives.

    Raises:
        ConfigurationError: the package is not installed here, not even as a checkout.
    """
    found = {}
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.submodule_search_locations is not None
        folder = Path(next(iter(spec.submodule_search_locations)))
        for file in sorted(folder.rglob("*")):
            if file.suffix in _KINDS and file.is_file():
                found[f"{name.replace('.', '/')}/{file.relative_to(folder).as_posix()}"] = file.read_bytes()
    return {**found, **_metadata()}


def _metadata() -> dict[str, bytes]:
    try:
        distribution = metadata.distribution("hpo")
    except metadata.PackageNotFoundError:
        hint = "pip install -e . in the checkout, or build an image that has hpo"
        raise ConfigurationError(
            "hpo is not installed here: its source is not complete", where="--install", hint=hint
        ) from None
    folder = f"hpo-{distribution.version}.dist-info"
    texts = {
        "METADATA": distribution.read_text("METADATA") or distribution.read_text("PKG-INFO"),
        "entry_points.txt": distribution.read_text("entry_points.txt"),
    }
    return {f"{folder}/{name}": text.encode() for name, text in texts.items() if text}

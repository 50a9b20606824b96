"""Hyperparameter search for fine-tuning language models: no trial lost, no run that cannot fit, no unfounded claim.

As a library: ``hpo.run("study.yaml")`` searches (the module is callable) and returns what ``hpo.load("runs/x")`` does;
``hpo.check_data("rows.jsonl")`` and ``hpo.validate("validation.yaml")`` do what the commands of that name do.
"""

from __future__ import annotations

import importlib
import os.path
from typing import Any

__version__ = "0.1.0"
__all__ = ["__version__", "check_data", "load", "run", "validate"]

_ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
if os.path.isfile(os.path.join(_ROOT, "search_spaces", "lora.yaml")):
    # A checkout, which hides an installed copy: hpo.objectives and hpo.search_spaces lie beside this folder.
    __path__.append(_ROOT)

_WHERE = {"check_data": "hpo.checks.check", "load": "hpo.records.load", "validate": "hpo.validation"}


def __getattr__(name: str) -> Any:
    """Import what is asked for only then, so that ``import hpo`` stays light."""
    if name == "run":
        return importlib.import_module("hpo.run")
    if name in _WHERE:
        return getattr(importlib.import_module(_WHERE[name]), name)
    raise AttributeError(f"module 'hpo' has no attribute {name!r}")

"""Data checks put together: gates, findings, label noise, what a preprocessing step does to the model, drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hpo.checks.check import check_data

__all__ = ["check_data"]


def __getattr__(name: str) -> Any:
    """Import what is asked for only then: a study needs a part of this room alone."""
    if name in __all__:
        from hpo.checks.check import check_data

        return check_data
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

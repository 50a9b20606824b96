"""How a pretrained model is named to transformers, and what is told where it cannot be loaded."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpo.config.models import ModelConfig
from hpo.errors import ModelError, first_line


def source(model: ModelConfig) -> dict[str, Any]:
    """The arguments of ``from_pretrained`` that say which model is meant."""
    folder = Path(model.name).expanduser()
    return {
        "pretrained_model_name_or_path": str(folder) if folder.is_dir() else model.name,
        "revision": model.revision,
        "trust_remote_code": model.trust_remote_code,
    }


@contextlib.contextmanager
def as_model_error(what: str, hint: str = "try it in a Python shell") -> Iterator[None]:
    """Tell whatever goes wrong inside as a fault of the model.

    Args:
        what: cannot be loaded.
        hint: what to do, unless it is the model's own code that has not been trusted.

    Raises:
        ModelError: in place of any exception that is none already.
    """
    try:
        yield
    except ModelError:
        raise
    except Exception as error:  # whatever goes wrong in a library while it loads is a fault of the model
        if "trust_remote_code" in str(error):
            hint = "set trust_remote_code: true if you trust its code"
        raise ModelError(f"{what} cannot be loaded: {first_line(error)}", where="model", hint=hint) from error

"""What the hub, or the local copy of it, says about a model; every wait is short."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.config.models import ModelConfig
from hpo.errors import ModelError

TIMEOUT = 4.0  # seconds a single request may take


@dataclass(frozen=True)
class Description:
    """A hub model: its local snapshot where there is one, else its config and weight counts."""

    config: Mapping[str, Any]
    folder: Path | None
    parameters: int = 0
    weight_bytes: int = 0


def fetch_description(model: ModelConfig) -> Description:
    """Look a model up in the local cache first, then on the hub.

    Raises:
        ModelError: unknown, not reachable, gated, or without safetensors weights.
    """
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        cached = try_to_load_from_cache(model.name, "config.json", revision=model.revision)
    except HFValidationError as error:
        raise _error(f"{model.name} is neither a folder nor a hub name", "hub names look like owner/name") from error
    if isinstance(cached, str) and any(Path(cached).parent.glob("*.safetensors")):
        return Description({}, Path(cached).parent)
    return _from_hub(model)


def _from_hub(model: ModelConfig) -> Description:
    from huggingface_hub import HfApi, hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
    )

    name, hint = model.name, "give the path of a local folder, or connect once and try again"
    try:
        info = HfApi().model_info(name, revision=model.revision, timeout=TIMEOUT, files_metadata=True)
        path = hf_hub_download(name, "config.json", revision=model.revision, etag_timeout=TIMEOUT)
        config = json.loads(Path(path).read_text(encoding="utf-8"))
    except GatedRepoError as error:
        raise _error(f"the hub wants a login for {name}", "accept its terms, then `hf auth login`") from error
    except LocalEntryNotFoundError as error:
        raise _error(f"model {name} is not on this machine, and the hub cannot be reached", hint) from error
    except (RepositoryNotFoundError, EntryNotFoundError) as error:
        raise _error(
            f"no model {name} in this folder or on the hub", "check the name, or give a folder's path"
        ) from error
    except Exception as error:  # the hub's client raises what its network library raises, and that has changed before
        raise _error(f"model {name} is not on this machine, and the hub cannot be reached", hint) from error
    weights = [file for file in info.siblings or [] if file.rfilename.endswith(".safetensors")]
    if not weights:
        what = f"model {name} has no safetensors weights (pickle is never loaded)"
        raise _error(what, "choose another model or revision")
    total = info.safetensors.total if info.safetensors is not None else 0
    return Description(config, None, total, sum(file.size or 0 for file in weights))


def _error(what: str, hint: str) -> ModelError:
    return ModelError(what, where="model", hint=hint)

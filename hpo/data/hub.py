"""Data sets of the Hugging Face hub, through the ``datasets`` library."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from hpo.config.models import DataConfig
from hpo.data.messages import Table
from hpo.errors import DataError, first_line

if TYPE_CHECKING:
    import pandas as pd

TIMEOUT = 2.0  # seconds that the hub may take to answer
_NAMES = {"train": ("train",), "validation": ("validation", "valid", "dev", "val"), "test": ("test",)}


def hub_tables(data: DataConfig) -> dict[str, Table]:
    """Tables of ``train`` and, where there are such, ``validation`` and ``test``; class numbers become class names.

    Raises:
        DataError: the library is not installed, the hub cannot be reached, or there is no such data set.
    """
    name = str(data.dataset)
    splits = _load(name, data)
    parts = {ours: next((n for n in names if n in splits), None) for ours, names in _NAMES.items()}
    if parts["train"] is None and len(splits) == 1:
        parts["train"] = next(iter(splits))
    if parts["train"] is None:
        raise DataError(f"the data set has no split `train`, but {', '.join(splits)}", where=f"data.dataset: {name}")
    return {ours: Table(_frame(splits[n]), f"{name}/{n}") for ours, n in parts.items() if n is not None}


def _load(name: str, data: DataConfig) -> Mapping[str, Any]:
    where = f"data.dataset: {name}"
    try:
        import datasets
    except ImportError as error:
        hint = "pip install 'hpo[llm]', or give a file in `train`"
        raise DataError("the `datasets` library is not installed", where=where, hint=hint) from error
    _look(name)
    try:
        loaded = datasets.load_dataset(name, data.config, revision=data.revision)
    except Exception as error:  # the library, its file systems and the network raise of every kind
        hint = "is the name right, and the hub in reach? Without a network give a file in `train`"
        raise DataError(f"the data set cannot be loaded: {first_line(error)}", where=where, hint=hint) from error
    return dict(loaded)


def _look(name: str) -> None:
    """One short question to the hub; where it is out of reach only the local copy is tried, without retries."""
    import datasets
    from huggingface_hub import HfApi, constants
    from huggingface_hub.errors import HFValidationError, RepositoryNotFoundError

    where = f"data.dataset: {name}"
    try:
        HfApi().dataset_info(name, timeout=TIMEOUT)
    except HFValidationError as error:
        raise DataError("is not a name of a data set", where=where, hint="names look like owner/name") from error
    except RepositoryNotFoundError as error:
        hint = "check the name; a private one needs `hf auth login`"
        raise DataError("there is no such data set on the hub", where=where, hint=hint) from error
    except Exception:  # the hub's client raises what its network library raises
        datasets.config.HF_HUB_OFFLINE = constants.HF_HUB_OFFLINE = True


def _frame(split: Any) -> pd.DataFrame:
    import pandas as pd

    columns = {}
    for name, feature in split.features.items():
        values = list(split[name])
        names = getattr(feature, "names", None)
        if names is not None:  # a class label; -1 stands for a hidden one
            values = [names[value] if value is not None and value >= 0 else None for value in values]
        columns[name] = pd.Series(values, dtype=object)
    frame = pd.DataFrame(columns, dtype=object)
    frame.index.name = "row"
    if frame.empty:
        raise DataError("the split has no rows", where=f"data.dataset: {split.info.dataset_name}")
    return frame

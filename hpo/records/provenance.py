"""Where a model comes from: its classes, the fingerprint of its data, how many trials it was chosen from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hpo.config.models import StudyConfig
from hpo.records.folder import RunFolder
from hpo.records.record import StudyState
from hpo.records.summary import counts


@dataclass(frozen=True)
class Provenance:
    """What a model card tells beside the trial itself."""

    labels: tuple[str, ...] = ()  # class names in the order of the model's outputs
    fingerprint: str = ""  # of the rows, columns, template and split
    considered: int | None = None  # complete trials it was chosen from


def provenance(config: StudyConfig, state: StudyState, folder: RunFolder) -> Provenance:
    """What the run folder knows."""
    return Provenance(
        labels=class_names(folder.data) if config.task == "classification" else (),
        fingerprint=state.identity.get("data", "") if config.data is not None else "",
        considered=counts(state.records.values())["complete"] or None,
    )


def class_names(data: Path) -> tuple[str, ...]:
    """Class names in the order of their codes: the sorted labels of the rows in the run folder, if any."""
    import pandas as pd
    import pyarrow.parquet as pq

    found: set[str] = set()
    for path in sorted(data.glob("*.parquet")):
        if "label" in pq.read_schema(path).names:
            found |= set(pd.read_parquet(path, columns=["label"])["label"].dropna().astype(str))
    return tuple(sorted(found))

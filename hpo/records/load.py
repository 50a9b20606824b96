"""A run folder as data frames, for notebooks and scripts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.errors import ConfigurationError
from hpo.records.folder import RunFolder
from hpo.records.journal import load_state
from hpo.records.place import refreshed
from hpo.records.record import StudyState
from hpo.records.scores import read_scores
from hpo.records.tables import curve_rows, trial_rows

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Run:
    """What a study has found so far; read from its journal, so it is never behind."""

    folder: RunFolder
    state: StudyState

    @property
    def trials(self) -> pd.DataFrame:
        """One row a trial, the columns of trials.csv."""
        import pandas as pd

        return pd.DataFrame(trial_rows(self.state))

    @property
    def curves(self) -> pd.DataFrame:
        """One row a metric of an evaluation: number, examples, fraction, metric, value."""
        import pandas as pd

        return pd.DataFrame(curve_rows(self.state), columns=["number", "examples", "fraction", "metric", "value"])

    @property
    def scores(self) -> pd.DataFrame:
        """Per-row scores of all trials and references under each other, with a column ``name``."""
        import pandas as pd

        remote = self.folder.remote
        for name in remote.names("scores") if remote is not None else []:
            self.folder.fetch(f"scores/{name}")
        files = sorted(self.folder.scores(0).parent.glob("*.parquet"))
        return (
            pd.concat([read_scores(f).assign(name=f.stem) for f in files], ignore_index=True)
            if files
            else pd.DataFrame()
        )


def load(root: str | Path) -> Run:
    """Read a run folder, which is named by its path or URL.

    Raises:
        ConfigurationError: there is no study in it.
        StorageError: its journal is damaged, or the URL cannot be read.
    """
    folder = refreshed(root)
    if not folder.journal.exists():
        raise ConfigurationError("holds no study", where=folder.place, hint="name a run folder, such as runs/NAME")
    return Run(folder, load_state(folder.journal))

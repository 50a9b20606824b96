"""Where everything of a study lies."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from hpo.records.remote import Remote


@dataclass(frozen=True)
class RunFolder:
    """The run folder ``runs/NAME``; all paths derive from ``root``. It pickles as two paths."""

    root: Path
    remote: Remote | None = None  # where it lasts; ``root`` is then this machine's copy

    @property
    def place(self) -> str:
        """Where it lies, to be shown."""
        return str(self.root) if self.remote is None else self.remote.place

    @property
    def study_yaml(self) -> Path:
        """The resolved study file."""
        return self.root / "study.yaml"

    @property
    def environment(self) -> Path:
        """Versions, commit, hardware, seeds."""
        return self.root / "environment.json"

    @property
    def database(self) -> Path:
        """Optuna's storage, where no other is named."""
        return self.root / "study.db"

    @property
    def journal(self) -> Path:
        """Every event, append-only."""
        return self.root / "journal.jsonl"

    @property
    def trials(self) -> Path:
        """The table of trials."""
        return self.root / "trials.csv"

    @property
    def curves(self) -> Path:
        """The table of evaluations."""
        return self.root / "curves.csv"

    @property
    def data_checks(self) -> Path:
        """What was found in the rows before the first trial."""
        return self.root / "data_checks.json"

    @property
    def cache(self) -> Path:
        """What can be made anew: tokenised rows."""
        return self.root / ".cache"

    @property
    def data(self) -> Path:
        """The rows of each split as used."""
        return self.root / "data"

    @property
    def best(self) -> Path:
        """The recommended configuration's adapter or model."""
        return self.root / "best"

    @property
    def best_yaml(self) -> Path:
        """A study file that runs the recommended configuration alone."""
        return self.root / "best.yaml"

    @property
    def logs(self) -> Path:
        """TensorBoard's event files."""
        return self.root / "tensorboard"

    def scores(self, name: int | str) -> Path:
        """Per-row scores of a trial, or of a reference by name."""
        return self.root / "scores" / f"{_stem(name)}.parquet"

    def trial(self, number: int) -> Path:
        """What a trial writes while it runs: checkpoints and artifacts."""
        return self.root / "checkpoints" / _stem(number)

    def fetch(self, relative: str) -> Path:
        """Where a file or folder of the run lies on this machine; one that lies only at the URL is brought here.

        Raises:
            StorageError: the URL cannot be read.
        """
        path = self.root / relative
        if self.remote is not None and not path.exists():
            self.remote.get(relative, path)
        return path

    def holds(self, relative: str) -> bool:
        """Whether a file or folder of the run is here or at the URL, whole.

        Raises:
            StorageError: the URL cannot be read.
        """
        return (self.root / relative).exists() or (self.remote is not None and self.remote.exists(relative))

    def publish(self, relative: str) -> None:
        """Make a file or folder that was written here last beyond this machine; what is not here is left alone.

        Raises:
            StorageError: the URL cannot be written.
        """
        if self.remote is not None:
            self.remote.put(self.root / relative, relative)

    def remove(self, relative: str) -> None:
        """Delete a file or folder of the run, here and at the URL; one that is not there is fine."""
        if self.remote is not None:
            self.remote.remove(relative)
        path = self.root / relative
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def relative(self, path: Path) -> str:
        """``path`` relative to the run folder, for the journal."""
        return str(path.relative_to(self.root))


def _stem(name: int | str) -> str:
    return f"{name:05d}" if isinstance(name, int) else name

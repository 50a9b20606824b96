"""Which adapters and models stay on disk: the best few and the default's; the best also as ``best/``. No others."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hpo.config.models import StudyConfig
from hpo.records.champion import ranked
from hpo.records.folder import RunFolder
from hpo.records.model_card import model_card
from hpo.records.provenance import provenance
from hpo.records.record import Record, StudyState

_DEFAULT = 0
_CHAMPION = "trial.txt"  # inside best/: the number of the trial it is from


class Artifacts:
    """Keeps the run folder's models in step with the state; safe to call again after a kill at any point."""

    def __init__(self, folder: RunFolder, config: StudyConfig) -> None:
        self._folder = folder
        self._config = config
        self._gone: set[int] = set()  # trials whose folders have been deleted
        self._light: set[int] = set()  # kept trials whose checkpoints have been deleted
        self._there = _numbers(folder)  # trials that an earlier call, or a worker elsewhere, may have left at the URL

    def settle(self, state: StudyState) -> None:
        """Trials have been told: keep the models among the best, and drop what is no longer needed."""
        best = ranked((r for r in state.records.values() if r.artifact), self._config.primary)
        kept = {record.number for record in best[: self._config.keep_models]}
        kept |= {record.number for record in best if record.number == _DEFAULT}  # what the winner is validated against
        for record in state.records.values():
            if record.told and record.number not in kept and record.number not in self._gone:
                self._forget(record)
        for number in kept:
            self._drop_checkpoints(state.records[number])
        if best:
            self._publish(best[0], state)

    def finish(self, state: StudyState) -> None:
        """Write the model card of best/ anew: how many trials it is the best of is known only at the end."""
        mark = self._folder.best / _CHAMPION
        if mark.exists() and (record := state.records.get(int(mark.read_text()))) is not None:
            self._write_card(self._folder.best, record, state)
            self._folder.publish(f"{self._folder.relative(self._folder.best)}/README.md")

    def _forget(self, record: Record) -> None:
        path = self._folder.trial(record.number)
        if record.number in self._there or record.checkpoint or record.artifact:
            self._folder.remove(self._folder.relative(path))
        shutil.rmtree(path, ignore_errors=True)
        self._gone.add(record.number)

    def _drop_checkpoints(self, record: Record) -> None:
        for step in self._folder.trial(record.number).glob("attempt-*/step-*"):
            shutil.rmtree(step, ignore_errors=True)
        if record.checkpoint and record.number not in self._light:
            self._folder.remove(record.checkpoint)
            self._light.add(record.number)

    def _publish(self, record: Record, state: StudyState) -> None:
        """Put a copy of the champion's model in best/, whole or not at all."""
        best = self._folder.best
        mark = best / _CHAMPION
        if mark.exists() and mark.read_text().strip() == str(record.number):
            return
        source = self._folder.fetch(str(record.artifact))
        if not source.exists():
            return
        fresh, old = best.with_name("best.new"), best.with_name("best.old")
        shutil.rmtree(fresh, ignore_errors=True)
        shutil.copytree(source, fresh, copy_function=link)
        self._write_card(fresh, record, state)
        (fresh / _CHAMPION).write_text(f"{record.number}\n", encoding="utf8")
        _swap(fresh, best, old)
        self._folder.publish(self._folder.relative(best))

    def _write_card(self, folder: Path, record: Record, state: StudyState) -> None:
        card = model_card(self._config, record, state.references, provenance(self._config, state, self._folder))
        (folder / "README.md").write_text(card, encoding="utf8")


def _numbers(folder: RunFolder) -> set[int]:
    names = [] if folder.remote is None else folder.remote.names(folder.relative(folder.trial(0).parent))
    return {int(name) for name in names if name.isdecimal()}


def link(source: str, target: str) -> None:
    """A copy function: one file under two names where the file system can, so that weights take their space once."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _swap(fresh: Path, target: Path, old: Path) -> None:
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)

"""Models of a run folder: its best, one of its trials, the untuned base, or a configuration with fresh seeds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.identity import identity
from hpo.config.knowledge import ready_objectives
from hpo.config.models import StudyConfig
from hpo.errors import ConfigurationError, ModelError
from hpo.objective import Resources, Task
from hpo.records.folder import RunFolder
from hpo.records.record import Record, StudyState
from hpo.seeds import derive
from hpo.sessions import open_session
from hpo.training.artifacts import read_manifest
from hpo.validation.data import DataSet
from hpo.validation.identity import folder_identity
from hpo.validation.members import Context, Found, Member, Opened
from hpo.validation.models import ModelEntry

if TYPE_CHECKING:
    from hpo.data.rows import Rows


@dataclass(frozen=True)
class Study:
    """A run folder, read."""

    folder: RunFolder
    config: StudyConfig
    state: StudyState
    context: Context

    def task(self, labels: tuple[str, ...]) -> Task:
        """The task that its objective is opened with to predict."""
        return Task(
            kind=self.config.task,
            model=self.config.model,
            settings=self.config.training.model_dump(),
            train=self.train,
            labels=labels,
            outputs=self.context.outputs,
            seed=self.config.sampler.seed,
            resources=Resources(cpu_threads=self.context.threads),
        )

    def has_rows(self, fingerprint: str) -> bool:
        """Whether rows of this fingerprint, so divided, are those that it was begun with."""
        known = self.state.identity.get("data")
        return known is not None and identity(self.config, fingerprint)["data"] == known

    @property
    def train(self) -> Rows | None:
        """The training rows that the run folder has kept, texts cut at 2,000 characters."""
        from hpo.data import load_rows

        path = self.folder.data / "train.parquet"
        return load_rows(path) if path.is_file() else None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes it was trained for."""
        from hpo.records.provenance import class_names

        return class_names(self.folder.data) if self.config.task == "classification" else ()


def members(entry: ModelEntry, value: str, data: DataSet, context: Context) -> Found:
    """What ``run: runs/NAME`` stands for on a data set.

    Raises:
        ConfigurationError, ModelError: there is no such run, trial or model, or it is of another task.
    """
    from hpo.records.opening import open_run

    study = Study(*open_run(Path(value)), context)
    if study.config.task != data.task and data.entry.lm_eval is None:
        what = f"the study's task is {study.config.task}, the data set's {data.task}"
        raise ModelError(what, hint="validate it on data of its own task")
    chosen_on = study.has_rows
    if entry.base:
        return Found("run", f"{value}: untuned base", (_base(study, data),))
    record = _record(study, entry, value)
    which = "best" if entry.trial is None else f"trial {entry.trial}"
    if entry.seeds:
        found = tuple(_retrained(study, record, entry, position, data) for position in range(entry.seeds))
        return Found("run", f"{value}: {which}, {entry.seeds} fresh seeds", found, chosen_on=chosen_on)
    artifact = _artifact(study, record, entry, value)
    member = Member(0, _identity(study, artifact), _opener(study, artifact, data), labels_of(artifact, study.labels))
    return Found("run", f"{value}: {which}", (member,), chosen_on=chosen_on)


def _record(study: Study, entry: ModelEntry, value: str) -> Record:
    if entry.trial is not None:
        record = study.state.records.get(entry.trial)
        if record is None:
            last = max(study.state.records, default=-1)
            hint = f"there are 0 to {last}" if last >= 0 else "the study has not begun"
            raise ConfigurationError(f"there is no trial {entry.trial}", where=value, hint=hint)
        return record
    from hpo.records.champion import ranked

    mark = study.folder.best / "trial.txt"
    number = int(mark.read_text()) if mark.is_file() else None
    best = ranked(study.state.records.values(), study.config.primary)
    found = study.state.records.get(number) if number is not None else next(iter(best), None)
    if found is None:
        hint = "a study that has completed a trial has one: hpo status " + value
        raise ConfigurationError("the run folder has no best model", where=value, hint=hint)
    return found


def _artifact(study: Study, record: Record, entry: ModelEntry, value: str) -> Path:
    """The folder of a trial's adapter or model."""
    best = study.folder.best
    if entry.trial is None and best.is_dir():
        return best
    mark = best / "trial.txt"
    if mark.is_file() and mark.read_text().strip() == str(record.number):
        return best
    path = study.folder.root / str(record.artifact)
    if record.artifact is None or not path.is_dir():
        what = f"the model of trial {record.number} has not been kept ({record.state})"
        hint = "keep_models: N in the study keeps more of them; `seeds: 2` or more trains this configuration again"
        raise ModelError(what, where=value, hint=hint)
    return path


def labels_of(artifact: Path, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    """The classes that an artifact answers with."""
    try:
        return read_manifest(artifact).labels
    except ModelError:  # of an objective that keeps other notes
        return otherwise


def _identity(study: Study, artifact: Path) -> dict[str, Any]:
    model = study.config.model.model_dump() if study.config.model else None
    return {"objective": study.config.objective, "model": model, "artifact": folder_identity(artifact)}


def _opener(study: Study, artifact: Path | None, data: DataSet) -> Callable[[], Opened]:
    labels = labels_of(artifact, study.labels) if artifact is not None else data.labels

    def opened() -> Opened:
        return open_objective(str(study.config.objective), study.task(labels), artifact)

    return opened


def open_objective(name: str, task: Task, artifact: Path | None) -> Opened:
    """An objective with an artifact in place (None: the untuned base).

    Raises:
        ObjectiveError, ModelError: it cannot be opened.
    """
    entry = ready_objectives().get(name)
    objective: Any = entry.load().open_objective(task) if entry else open_session(name, task)
    make = getattr(objective, "ready", None)
    if make is None:
        return Opened(lambda rows: objective.predict(artifact, rows), close=objective.close)
    asked = make(artifact)
    tokens, parameters = getattr(asked, "tokens", None), getattr(asked, "parameters", None)
    return Opened(asked, tokens, parameters, objective.close)


def _base(study: Study, data: DataSet) -> Member:
    """The untuned base with the data set's classes: an encoder's head is drawn from the study's seed."""
    settings = study.config.training.model_dump()
    model = study.config.model.model_dump() if study.config.model else None
    of = {"base": model, "objective": study.config.objective, "settings": settings}
    return Member(0, {**of, "seed": study.config.sampler.seed}, _opener(study, None, data))


def _retrained(study: Study, record: Record, entry: ModelEntry, position: int, data: DataSet) -> Member:
    """A configuration trained again on the study's rows with a seed that no trial has had."""
    seed = derive(study.config.sampler.seed, f"validation {position}", "train")
    folder = study.context.work / entry.name / f"seed-{seed}"
    settings = {**study.config.training.model_dump(), **record.settings}
    of: dict[str, Any] = {"seed": seed, "settings": settings, "data": study.state.identity.get("data"), "model": None}
    if study.config.model is not None:
        of["model"] = study.config.model.model_dump()

    def opened() -> Opened:
        artifact = folder / "artifact"
        if not _is_of(folder, of):
            artifact = _train(study, record, seed, folder)
            (folder / "of.json").write_text(json.dumps(of, default=str), encoding="utf8")
        return _opener(study, artifact, data)()

    return Member(seed, of, opened, study.labels)


def _is_of(folder: Path, of: Mapping[str, Any]) -> bool:
    """Whether a folder holds what was trained for this identity; the note is written last."""
    note = folder / "of.json"
    return (
        (folder / "artifact").is_dir()
        and note.is_file()
        and note.read_text(encoding="utf8") == json.dumps(of, default=str)
    )


def _train(study: Study, record: Record, seed: int, folder: Path) -> Path:
    """Train in a worker, so that the same rule says which weights count as in the study.

    Raises:
        ModelError: the run failed.
    """
    from hpo.data import prepare
    from hpo.objective import Trial
    from hpo.runners.opening import local_resources
    from hpo.runners.protocol import Ended
    from hpo.runners.working import open_worker

    folder.mkdir(parents=True, exist_ok=True)
    (folder / "of.json").unlink(missing_ok=True)
    params = {**study.config.training.model_dump(), **record.settings}
    config = study.config
    worker = open_worker("validation", config, prepare(config), RunFolder(folder), local_resources(config))
    try:
        worker.admit(Trial(record.number, params, seed, folder, searched=record.settings))
        ended = next(message for message in worker.messages() if isinstance(message, Ended))
    finally:
        worker.close()
    if ended.artifact is None:
        what = f"trial {record.number} with seed {seed}: {ended.message or ended.reason or 'no model was saved'}"
        raise ModelError(what, where=str(study.folder.root))
    return ended.artifact

"""The Optuna dashboard of a study: its note, its best model and confusion matrix as artifacts, and the server."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hpo.config.models import StudyConfig
from hpo.errors import ConfigurationError
from hpo.records.champion import champion, value_of
from hpo.records.folder import RunFolder
from hpo.records.record import Record, StudyState
from hpo.records.wording import metric
from hpo.report.confusion import confusion_counts, confusion_svg
from hpo.report.note import merged, study_note

if TYPE_CHECKING:
    import optuna
    from optuna.storages import BaseStorage

ARCHIVE_LIMIT = 256 * 2**20  # bytes; a larger model is named in the note and stays where it is
_ATTACHED = "hpo:attached"  # attribute of the study: keys of the artifacts that this module has attached
_TYPES = {".svg": "image/svg+xml", ".zip": "application/zip"}


def installed() -> bool:
    """Whether optuna-dashboard can be imported."""
    return importlib.util.find_spec("optuna_dashboard") is not None


def publish(config: StudyConfig, state: StudyState, folder: RunFolder) -> None:
    """Put note, artifacts and metric names into the study's Optuna storage; done twice, it changes nothing.

    Without optuna-dashboard installed nothing is done, since nobody could look at it.

    Raises:
        ConfigurationError: the storage does not hold the study.
        StorageError: the storage cannot be opened.
    """
    if not installed():
        return
    with opened(config, folder) as study:
        _name_objectives(study, config)
        left_out = _attach_best(study, config, state, folder)
        _save_note(study, study_note(config, state, folder, left_out))


@contextmanager
def opened(config: StudyConfig, folder: RunFolder) -> Iterator[optuna.Study]:
    """The Optuna study behind a run folder.

    Raises:
        ConfigurationError: the storage does not hold the study.
        StorageError: the storage cannot be opened.
    """
    import optuna

    from hpo.search.storage import open_storage

    if config.storage is None and not folder.database.is_file():
        raise _no_study(config, str(folder.database))
    storage = open_storage(config.storage, folder.database)
    try:
        yield optuna.load_study(study_name=config.study, storage=storage)
    except KeyError:
        raise _no_study(config, str(folder.root)) from None
    finally:
        storage.remove_session()


def artifact_folder(folder: RunFolder) -> Path:
    """Where the files lie that the dashboard serves."""
    return folder.root / "dashboard"


def application(study: optuna.Study, folder: RunFolder) -> Callable[..., Iterable[bytes]]:
    """The dashboard as a WSGI application."""
    from optuna.artifacts import FileSystemArtifactStore
    from optuna_dashboard import wsgi

    artifact_folder(folder).mkdir(exist_ok=True)
    _prefer_feasible(study._storage)
    served: Callable[..., Iterable[bytes]] = wsgi(
        study._storage, artifact_store=FileSystemArtifactStore(artifact_folder(folder))
    )
    return served


def _prefer_feasible(storage: BaseStorage) -> None:
    """Let this storage name the best feasible trial; its own answer, which the dashboard shows, ignores constraints."""
    from optuna.study import StudyDirection
    from optuna.trial import FrozenTrial, TrialState

    best_of_all = storage.get_best_trial

    def best(study_id: int) -> FrozenTrial:
        complete = storage.get_all_trials(study_id, deepcopy=False, states=(TrialState.COMPLETE,))
        feasible = [trial for trial in complete if all(excess <= 0 for excess in trial.constraints.values())]
        if not feasible:
            return best_of_all(study_id)
        lowest = storage.get_study_directions(study_id)[0] == StudyDirection.MINIMIZE
        return (min if lowest else max)(feasible, key=lambda trial: trial.value or 0.0)

    storage.get_best_trial = best  # type: ignore[method-assign]


def _no_study(config: StudyConfig, where: str) -> ConfigurationError:
    hint = "python -m hpo.run study.yaml begins it; a moved storage is named by storage: in the run folder's study.yaml"
    return ConfigurationError(f"there is no Optuna study {config.study!r} yet", where=where, hint=hint)


def _name_objectives(study: optuna.Study, config: StudyConfig) -> None:
    import optuna

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        study.set_metric_names([objective.metric for objective in config.objectives])


def _save_note(study: optuna.Study, note: str) -> None:
    from optuna_dashboard import get_note, save_note

    existing = get_note(study)
    fresh = merged(note, existing)
    if fresh != existing:
        save_note(study, fresh)


def _attach_best(study: optuna.Study, config: StudyConfig, state: StudyState, folder: RunFolder) -> list[str]:
    """Attach the best trial's files in place of those attached before; returns sentences on what was left out."""
    best = champion(state.records.values(), config.primary)
    left_out: list[str] = []
    fresh: dict[str, str] = {}
    if best is not None:
        files = _best_files(config, best, folder, left_out)
        trial_id = study._storage.get_trial_id_from_study_id_trial_number(study._study_id, best.number)
        fresh = dict(_stored(files, folder, trial_id))
    storage, known = study._storage, study._storage.get_study_system_attrs(study._study_id)
    before = known.get(_ATTACHED, [])
    for key in set(before) - set(fresh):
        storage.set_study_system_attr(study._study_id, key, json.dumps(None))  # as the dashboard deletes
        (artifact_folder(folder) / key.rpartition(":")[2]).unlink(missing_ok=True)
    for key, meta in fresh.items():
        if known.get(key) != meta:
            storage.set_study_system_attr(study._study_id, key, meta)
    if before != sorted(fresh):
        storage.set_study_system_attr(study._study_id, _ATTACHED, sorted(fresh))
    return left_out


def _best_files(config: StudyConfig, best: Record, folder: RunFolder, left_out: list[str]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    counted = confusion_counts(folder, best.number)
    if counted is not None:
        value = metric(value_of(best, config.primary.metric))
        title = f"{config.study}, trial {best.number}: {config.primary.metric} {value}"
        files["confusion_matrix.svg"] = confusion_svg(*counted, title).encode()
    if folder.best.is_dir():
        if sum(path.stat().st_size for path in folder.best.rglob("*") if path.is_file()) > ARCHIVE_LIMIT:
            left_out.append(f"The model is too large to be attached; it lies in {folder.best}.")
        else:
            files["best.zip"] = _archive(folder.best)
    return files


def _archive(folder: Path) -> bytes:
    """The folder as a zip file that depends on nothing but names and contents."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(f"best/{path.relative_to(folder).as_posix()}")
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _stored(files: Mapping[str, bytes], folder: RunFolder, trial_id: int) -> Iterator[tuple[str, str]]:
    """Write the files where the artifact store looks for them; yields attribute key and description of each.

    Optuna lets nobody write to a finished trial, so the study holds the link, under a key that the dashboard reads too.
    """
    target = artifact_folder(folder)
    target.mkdir(exist_ok=True)
    for name, content in files.items():
        identity = hashlib.sha256(f"{trial_id}/{name}/".encode() + content).hexdigest()[:32]
        path = target / identity
        if not path.is_file():
            fresh = path.with_suffix(".new")
            fresh.write_bytes(content)
            fresh.rename(path)
        meta = {"artifact_id": identity, "filename": name, "mimetype": _TYPES[Path(name).suffix], "encoding": None}
        yield f"dashboard:artifacts:{trial_id}:{identity}", json.dumps(meta)

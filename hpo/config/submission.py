"""A study that will run on other machines: whether it can, what goes along, and the command that runs it there."""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from hpo.config.document import read_text
from hpo.config.draft import Draft, Elsewhere, Key
from hpo.config.environment import names_in
from hpo.config.load import load, read_draft
from hpo.config.models import StudyConfig
from hpo.config.packing import LIMIT, Package, overridden, pack
from hpo.config.urls import masked
from hpo.errors import ConfigurationError, Fault

_CREDENTIALS = re.compile(r"://[^/\s@]*:([^/\s@]+)@")
_RELATIVE_SQLITE = re.compile(r"sqlite:///[^/]|journal:///?[^/]")
_RELATIVE_URL = re.compile(r"(file|local)://[^/]")
_WHY = "a job's working directory is a temporary copy that the cluster deletes"


@dataclass(frozen=True)
class Wanted:
    """What a person asks for.

    Args:
        study: the study file.
        overrides: as after ``--set``.
        forwarded: names of variables of this environment that the job is given.
        present: names of variables that the cluster sets itself.
        shared: folders that the cluster has under the same path; nothing in them is packed.
        include: files and folders to pack beside those that the study names.
        limit: largest size of all files, in bytes.
    """

    study: Path
    overrides: Sequence[str] = ()
    forwarded: Sequence[str] = ()
    present: Sequence[str] = ()
    shared: Sequence[str] = ()
    include: Sequence[str] = ()
    limit: int = LIMIT


@dataclass(frozen=True)
class Submission:
    """A checked study, ready to be sent.

    Args:
        study: its name.
        folder: its run folder, with ``${NAME}`` as written.
        package: the files that go along.
        overrides: for the packed study file.
    """

    study: str
    folder: str
    package: Package
    overrides: tuple[str, ...]

    def command(self, *options: str) -> str:
        """The command that runs the packed study, quoted for a shell."""
        words = ["python", "-m", "hpo.run", self.package.study]
        for override in self.overrides:
            words += ["--set", override]
        return shlex.join([*words, *options])


def prepare(wanted: Wanted) -> Submission:
    """Check a study for another machine, and list what goes along.

    Raises:
        ConfigurationError: every fault of the file; or it would not run there, or lose what it did.
    """
    elsewhere = Elsewhere(tuple(map(_folder, wanted.shared)), frozenset(wanted.present))
    _check_given(wanted)
    config = load(wanted.study, wanted.overrides, elsewhere)
    file = Path(os.path.expanduser(wanted.study))
    text = read_text(file, str(wanted.study))
    draft = read_draft(text, str(wanted.study), file.absolute().parent, wanted.overrides, elsewhere)
    _check_places(draft)
    package = pack(draft, file, include=wanted.include, limit=wanted.limit)
    _check_variables(config, wanted, overridden(package))
    runs = draft.templates.get(("runs",)) or str(draft.get("runs"))
    overrides = (*wanted.overrides, *package.overrides, *_for_workers(config, wanted.forwarded))
    return Submission(config.study, masked(f"{runs.rstrip('/')}/{config.study}"), package, overrides)


def _for_workers(config: StudyConfig, forwarded: Sequence[str]) -> list[str]:
    """``key=value`` that hands the workers what the job is given, but for what only the study file takes up.

    Workers never need the storage, so its password stays with the driver.
    """
    if config.runner.name == "local":  # whose one process is the job's own
        return []
    taken = {name for text, _ in config._templates.values() for name in names_in(text)}
    own = config.runner.environment
    more = [name for name in dict.fromkeys(forwarded) if name not in taken and name not in own]
    return [f"runner.environment={json.dumps([*own, *more])}"] if more else []


def _folder(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _check_given(wanted: Wanted) -> None:
    for name in wanted.forwarded:
        if name not in os.environ:
            what = f"the environment has no variable {name}"
            raise ConfigurationError(what, where=f"--env {name}", hint=f"export {name}=..., or --cluster-env {name}")


def _check_places(draft: Draft) -> None:
    """Where results are kept must outlive the job, and must not show a password on the way to the cluster."""
    for key in (("runs",), ("storage",)):
        _check_credentials(draft, key)
    runs = draft.get("runs")
    if not isinstance(runs, str) or not _outlives(runs):
        shown = draft.templates.get(("runs",), runs) or "runs"
        place = draft.at(("runs",)) if runs else draft.at(())
        raise ConfigurationError(
            f"the run folder must outlive the job, and `runs: {shown}` is not sure to: {_WHY}",
            where=str(place),
            hint="--set runs=/shared/runs, a folder that every node sees, or a URL such as s3://bucket/runs",
        )
    storage = draft.text("storage") or ""
    if _RELATIVE_SQLITE.match(storage):
        raise ConfigurationError(
            f"the storage must outlive the job, and a relative path does not: {_WHY}",
            where=str(draft.at(("storage",))),
            hint="an absolute path (sqlite:////shared/study.db), PostgreSQL, or leave it out",
        )


def _outlives(runs: str) -> bool:
    return os.path.isabs(runs) or ("://" in runs and not _RELATIVE_URL.match(runs))


def _check_credentials(draft: Draft, key: Key) -> None:
    written = draft.templates.get(key) or draft.get(*key)
    found = _CREDENTIALS.search(written) if isinstance(written, str) else None
    if found and not names_in(found[1]):
        raise ConfigurationError(
            f"`{key[0]}` holds a password, which the packed study would leave on the cluster's disks and in its logs",
            where=str(draft.at(key)),
            hint="write ${STORAGE_PASSWORD} in its place, and hand it over: --env STORAGE_PASSWORD",
        )


def _check_variables(config: StudyConfig, wanted: Wanted, replaced: set[str]) -> None:
    """Every ``${NAME}`` that the job will read must be there."""
    known = {*wanted.forwarded, *wanted.present}
    faults: dict[str, Fault] = {}
    for key, (text, _) in config._templates.items():
        where = ".".join(map(str, key))
        for name in names_in(text):
            if name not in known and not any(where == each or where.startswith(f"{each}.") for each in replaced):
                what = f"the study takes ${{{name}}} from the environment, which the job does not have"
                hint = f"--env {name} hands it over; --cluster-env {name} says that the cluster sets it itself"
                faults.setdefault(name, Fault(where, what, hint))
    for name in config.runner.environment:
        if name not in known:
            what = f"the workers are to have {name}, which the job does not have"
            hint = f"--env {name} hands it over; --cluster-env {name} says that the cluster sets it itself"
            faults.setdefault(name, Fault("runner.environment", what, hint))
    if faults:
        raise ConfigurationError.of(faults.values())

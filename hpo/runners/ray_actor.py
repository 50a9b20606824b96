"""What runs in a Ray worker process: one desk with one session, for as long as the process lives."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from hpo.config.models import StudyConfig
from hpo.errors import HpoError, StorageError
from hpo.objective import Resources, Trial
from hpo.records.folder import RunFolder
from hpo.runners.desk import Admit, Command, Desk, News, Refused, Terminated
from hpo.runners.own_files import with_files
from hpo.runners.protocol import Checkpointed, Ended

if TYPE_CHECKING:
    from hpo.data.rows import Splits
    from hpo.runners.worker import Worker

TERMINATED = 143
GRACE_SECONDS = 5.0  # from a SIGTERM to the end: time for the driver to fetch the notice
_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "NUMEXPR_NUM_THREADS")


@dataclass(frozen=True)
class Opening:
    """What every worker of a study is opened with; it travels once to each machine."""

    config: StudyConfig
    splits: Splits | None
    folder: RunFolder  # as the driver sees it
    resources: Resources
    environment: Mapping[str, str] = field(default_factory=dict)  # handed over beside Ray, which would show it
    files: Mapping[str, bytes] = field(default_factory=dict)  # the study's own Python files, by their path


class RayWorker:
    """An actor: its calls only pass things to and from the desk and return at once.

    Args:
        name: of this worker in the study.
        opening: what to open.
    """

    def __init__(self, name: str, opening: Opening) -> None:
        _prepare(opening)
        self._name = f"{socket.gethostname()}/{name}"
        self._opening = opening
        self._folder = _own_folder(opening.folder)
        self._meeting = _free_address() if opening.resources.processes > 1 else ""
        _join(self._meeting, 0, opening)
        self._desk = Desk(self._open, os.getpid())
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, self._terminate)

    def meeting(self) -> str:
        """Where the other processes of this worker's trials meet it, HOST:PORT."""
        return self._meeting

    def put(self, command: Command) -> None:
        """Hand a command in."""
        try:
            self._desk.put(Admit(self._received(command.trial)) if isinstance(command, Admit) else command)
        except HpoError as error:
            self._desk.report(Refused(error))

    def take(self, seconds: float) -> list[News]:
        """The news; waits at most so long for the first."""
        return [self._sent(news) for news in self._desk.take(seconds)]

    def _open(self) -> Worker:
        from hpo.runners.working import open_worker

        opening = self._opening
        config = with_files(opening.config, opening.files)
        return open_worker(self._name, config, opening.splits, self._folder, opening.resources)

    def _received(self, trial: Trial) -> Trial:
        """The trial with its folders where they are on this machine."""
        there, here = self._opening.folder, self._folder
        if here.root == there.root:
            if not trial.folder.is_dir():
                raise _not_shared(there.root)
            return trial
        folder = here.root / there.relative(trial.folder)
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = here.fetch(there.relative(trial.checkpoint)) if trial.checkpoint is not None else None
        return replace(trial, folder=folder, checkpoint=checkpoint)

    def _sent(self, news: News) -> News:
        """The news with its paths as the driver knows them, after what they name has been made to last."""
        there, here = self._opening.folder, self._folder
        if isinstance(news, Checkpointed) and here.root != there.root:
            here.publish(here.relative(news.path))
            shutil.rmtree(news.path, ignore_errors=True)  # it lasts elsewhere now
            return replace(news, path=there.root / here.relative(news.path))
        if isinstance(news, Ended) and here.root != there.root:
            artifact = news.artifact
            if artifact is not None:
                here.publish(here.relative(artifact))
                artifact = there.root / here.relative(artifact)
            shutil.rmtree(here.trial(news.number), ignore_errors=True)
            return replace(news, artifact=artifact)
        return news

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self._desk.report(Terminated())
        timer = threading.Timer(GRACE_SECONDS, os._exit, (TERMINATED,))
        timer.daemon = True
        timer.start()


class RayFollower:
    """A further process of a worker's trials: it trains in step with the first one and tells nothing.

    Args:
        opening: what to open; the first process has opened the same.
        rank: of this process, from 1.
        meeting: HOST:PORT of the first process.
    """

    def __init__(self, opening: Opening, rank: int, meeting: str) -> None:
        _prepare(opening)
        _join(meeting, rank, opening)
        self._opening = replace(opening, resources=replace(opening.resources, process=rank))
        self._folder = _own_folder(opening.folder)

    def follow(self) -> None:
        """Train in step until the first process ends."""
        from hpo.runners.working import follow

        opening = self._opening
        follow(with_files(opening.config, opening.files), opening.splits, self._folder, opening.resources)


def _prepare(opening: Opening) -> None:
    for variable in _THREADS:  # before the libraries that read them are imported
        os.environ[variable] = str(opening.resources.cpu_threads)
    os.environ.update(opening.environment)


def _join(meeting: str, rank: int, opening: Opening) -> None:
    """Tell torch where the processes of a trial meet; each sees only its own GPU, as number 0."""
    if not meeting:
        return
    host, _, port = meeting.rpartition(":")
    size = opening.resources.processes
    own = {"MASTER_ADDR": host, "MASTER_PORT": port, "RANK": rank, "WORLD_SIZE": size, "LOCAL_RANK": 0}
    os.environ.update({name: str(value) for name, value in own.items()})


def _free_address() -> str:
    import ray

    with socket.socket() as free:
        free.bind(("", 0))
        return f"{ray.util.get_node_ip_address()}:{free.getsockname()[1]}"


def _own_folder(there: RunFolder) -> RunFolder:
    """The driver's folder where it is shared; beside a remote one a folder of this machine."""
    if there.remote is None:
        return there
    return replace(there, root=Path(tempfile.mkdtemp(prefix="hpo-worker-")))


def _not_shared(root: Path) -> StorageError:
    return StorageError(
        f"the run folder is not on the machine {socket.gethostname()}",
        where=str(root),
        hint="name a folder that all machines share in runs:, or a URL such as s3://bucket/runs",
    )

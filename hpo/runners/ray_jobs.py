"""Jobs on a Ray cluster: reach it, submit, follow, tell how a job ended."""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import json
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from hpo.errors import ConfigurationError, HpoError, first_line
from hpo.runners.ray_token import SECONDS, TOKEN_HINT, headers_of_token

PATIENCE_SECONDS = 60.0  # without an answer, until following is given up
STOPPED_EXIT_CODE = 143
STUDY, FOLDER = "hpo_study", "hpo_run_folder"  # keys of a job's metadata
_ADDRESSES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
_ENDED = ("SUCCEEDED", "FAILED", "STOPPED")


@dataclass(frozen=True)
class Job:
    """A submitted job.

    Args:
        id: its submission id.
        status: ``PENDING``, ``RUNNING``, ``SUCCEEDED``, ``FAILED`` or ``STOPPED``.
        exit_code: of the study's command; None while it runs, and where it never came to run.
        message: what Ray says of its end.
        metadata: what it was submitted with.
    """

    id: str
    status: str
    exit_code: int | None
    message: str
    metadata: Mapping[str, str]

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.status in _ENDED


@dataclass(frozen=True)
class Request:
    """What is submitted.

    Args:
        command: the words of the command line, quoted for a shell.
        package: zip archive that becomes the working directory.
        study: name of the study.
        folder: the run folder, as it may be shown.
        variables: environment variables of the job, whose values Ray keeps where its users can read them.
        pip: requirements file to install on the cluster first.
    """

    command: str
    package: Path
    study: str
    folder: str
    variables: Mapping[str, str]
    pip: Path | None = None


def cluster_address(given: str | None) -> str:
    """The dashboard's URL, from ``--address`` or the environment.

    Raises:
        ConfigurationError: there is none, or it is no HTTP address.
    """
    hint = "--address http://HEAD:8265, the address of the cluster's dashboard"
    named = next((os.environ[name] for name in _ADDRESSES if os.environ.get(name, "").startswith("http")), None)
    address = (given or named or "").strip().rstrip("/")
    if not address:
        raise ConfigurationError("no cluster is named", where="--address", hint=hint)
    if "://" not in address and re.fullmatch(r"[^\s/]+:\d+", address):
        return f"http://{address}"
    if not address.startswith(("http://", "https://")):
        raise ConfigurationError(f"{address} is no HTTP address", where="--address", hint=hint)
    return address


class Jobs:
    """The jobs of one cluster.

    Args:
        address: URL of its dashboard.

    Raises:
        ConfigurationError: nothing answers there, it is no Ray cluster, or the token is missing or wrong.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        headers = headers_of_token()
        _check_reachable(address, headers)
        with _only(address), _explained(address):
            from ray.job_submission import JobSubmissionClient

            for module in ("dashboard_sdk", "job.sdk"):  # which set their own levels when they are imported
                logging.getLogger(f"ray.dashboard.modules.{module}").setLevel(logging.WARNING)
            self._client = JobSubmissionClient(address, headers=headers)

    def of_study(self, study: str, folder: str) -> list[Job]:
        """The jobs that were submitted for a study and its run folder."""
        wanted = {STUDY: study, FOLDER: folder}
        return [job for job in self._all() if wanted.items() <= job.metadata.items()]

    def submit(self, request: Request) -> Job:
        """Upload the package and submit the job under the study's next free name, such as ``tickets-3``."""
        environment: dict[str, Any] = {"working_dir": str(request.package), "env_vars": dict(request.variables)}
        if request.pip is not None:
            environment["pip"] = str(request.pip)
        number = len(self._numbered(request.study)) + 1
        while True:
            name = f"{request.study}-{number}"
            try:
                with _explained(self.address):
                    self._client.submit_job(
                        entrypoint=request.command,
                        submission_id=name,
                        runtime_env=environment,
                        metadata={STUDY: request.study, FOLDER: request.folder},
                    )
            except _NameTaken:
                number += 1
                continue
            return self.info(name)

    def info(self, name: str) -> Job:
        """A job as it is now."""
        with _explained(self.address):
            return _job(self._client.get_job_info(name))

    def follow(self, name: str, write: Callable[[str], None]) -> Job:
        """Pass on what the job prints until it ends; Ctrl-C ends the following, not the job."""
        return asyncio.run(self._follow(name, write))

    async def _follow(self, name: str, write: Callable[[str], None]) -> Job:
        seen, silent = 0, 0.0
        while True:
            position = 0
            try:
                async for text in self._client.tail_job_logs(name):
                    position += len(text)
                    if position > seen:  # after a broken connection the log comes from its beginning
                        write(text[max(0, len(text) - (position - seen)) :])
                        seen = position
                    silent = 0.0
                job = self.info(name)
            except (OSError, RuntimeError, HpoError, _client_error()) as error:
                if silent >= PATIENCE_SECONDS:
                    what = f"the connection is lost: {first_line(error)}; the job may go on"
                    raise ConfigurationError(
                        what, where=self.address, hint="hpo submit again, or ray job logs"
                    ) from error
            else:
                if job.ended:
                    return job
            await asyncio.sleep(1.0)
            silent += 1.0

    def _all(self) -> list[Job]:
        with _explained(self.address):
            return [_job(found) for found in self._client.list_jobs() if found.submission_id]

    def _numbered(self, study: str) -> list[str]:
        return [job.id for job in self._all() if re.fullmatch(rf"{re.escape(study)}-\d+", job.id)]


class _NameTaken(Exception):
    """A job of this name exists."""


def _job(details: Any) -> Job:
    status = str(getattr(details.status, "value", details.status))
    return Job(
        details.submission_id, status, details.driver_exit_code, details.message or "", dict(details.metadata or {})
    )


def _client_error() -> type[Exception]:
    from aiohttp import ClientError

    return ClientError


@contextlib.contextmanager
def _only(address: str) -> Iterator[None]:
    """Ray's client prefers these variables to the address that it is given."""
    kept = {name: os.environ.pop(name, None) for name in _ADDRESSES}
    os.environ["RAY_API_SERVER_ADDRESS"] = address
    try:
        yield
    finally:
        del os.environ["RAY_API_SERVER_ADDRESS"]
        os.environ.update({name: value for name, value in kept.items() if value is not None})


@contextlib.contextmanager
def _explained(address: str) -> Iterator[None]:
    """Ray's errors in one sentence."""
    try:
        yield
    except HpoError:
        raise
    except ImportError as error:
        hint = "pip install 'hpo[ray]'"
        raise ConfigurationError(f"Ray's job client is not installed: {first_line(error)}", hint=hint) from error
    except Exception as error:
        if "already exists" in str(error):
            raise _NameTaken from error
        if type(error).__name__ == "AuthenticationError":
            _refused(address)
        lines = str(error).strip().strip(".").splitlines() or [type(error).__name__]
        raise ConfigurationError(f"the cluster refuses: {lines[-1].strip()}", where=address) from error


def _check_reachable(address: str, headers: Mapping[str, str]) -> None:
    asked = urllib.request.Request(f"{address}/api/version", headers=dict(headers))
    try:
        with urllib.request.urlopen(asked, timeout=SECONDS) as answer:
            found = json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):
            _refused(address, sent=bool(headers))
        _not_ray(address, f"HTTP status {error.code}")
    except (json.JSONDecodeError, UnicodeDecodeError):
        _not_ray(address, "the answer is no JSON")
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        what = f"no Ray dashboard answers: {getattr(reason, 'strerror', None) or reason}"
        hint = "is it the dashboard's address (port 8265), and is the network open to it?"
        raise ConfigurationError(what, where=address, hint=hint) from error
    if not isinstance(found, dict) or "ray_version" not in found:
        _not_ray(address, "no version of Ray in the answer")


def _refused(address: str, *, sent: bool = True) -> NoReturn:
    what = "the cluster does not accept the token" if sent else "the cluster asks for a token, and none is given"
    raise ConfigurationError(what, where=address, hint=TOKEN_HINT) from None


def _not_ray(address: str, found: str) -> NoReturn:
    what = f"this is not the dashboard of a Ray cluster: {found}"
    raise ConfigurationError(what, where=address, hint="--address http://HEAD:8265") from None


def why(job: Job, tail: Sequence[str] = ()) -> HpoError | None:
    """What to tell of a job that ended before its study could say anything; None where the study spoke for itself."""
    if job.exit_code is None and job.status == "FAILED":
        return HpoError(f"the job never came to run: {first_line(Exception(job.message))}", where=job.id)
    if job.exit_code and any("No module named 'hpo" in line for line in (*tail, *job.message.splitlines())):
        hint = "build the cluster's image with scripts/cluster/Dockerfile, or send it along: --install"
        return ConfigurationError("hpo is not installed on the cluster", where=job.id, hint=hint)
    return None


def exit_code(job: Job) -> int:
    """The exit code of the study's command; 143 for a job that was stopped, 1 for one that never came to run."""
    if job.status == "STOPPED":
        return STOPPED_EXIT_CODE
    return job.exit_code if job.exit_code is not None else 0 if job.status == "SUCCEEDED" else 1

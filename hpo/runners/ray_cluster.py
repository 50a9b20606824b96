"""The Ray cluster of a study: joined where there is one, started on this machine where there is none."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from hpo.config.models import RunnerConfig
from hpo.errors import ConfigurationError, StorageError, first_line

OBJECT_STORE_BYTES = 2**28  # of a Ray of our own: it carries a study's rows, not its models
ANSWER_SECONDS = 10.0  # that a head at a given address may take to answer; Ray itself would try for many minutes
_TRIES = 3  # attempts of Ray to speak to a head that answers, a second apart; Ray's own default is 20


@dataclass(frozen=True)
class Demand:
    """What one process of a trial takes of a machine, and how many processes train a trial together."""

    cpus: float
    gpus: float
    processes: int = 1
    resources: Mapping[str, float] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def bundle(self) -> dict[str, float]:
        """Resources of one process under Ray's names."""
        own = {"CPU": self.cpus, "GPU": self.gpus, **self.resources}
        return {name: amount for name, amount in own.items() if amount}

    @property
    def options(self) -> dict[str, Any]:
        """The same as options of an actor."""
        return {
            "num_cpus": self.cpus,
            "num_gpus": self.gpus,
            "resources": dict(self.resources) or None,
            "label_selector": dict(self.labels) or None,
        }

    def __str__(self) -> str:
        words = [f"{amount:g} {name}" for name, amount in self.bundle.items()]
        return ", ".join([*words, *(f"label {name}={value}" for name, value in self.labels.items())])


class Cluster:
    """A connection to Ray; ``close`` ends it, and with it a Ray that was started here.

    Raises:
        ConfigurationError: there is no cluster at the address, or Ray is not installed.
    """

    def __init__(self, runner: RunnerConfig) -> None:
        self.address = runner.address or os.environ.get("RAY_ADDRESS") or ("auto" if in_job() else None)
        own = self.address in (None, "local")
        if own and "ray" not in sys.modules:  # Ray reads its token when it is imported
            _own_token()
        ray = imported()
        self.own = not ray.is_initialized() and own
        self._joined = not ray.is_initialized()
        if self._joined:
            _check_address(self.address)
            self._speak = _silence()
            _connect(self.address)

    def workers(self, demand: Demand) -> int:
        """How many trials' processes the machines that are up could hold, were they free."""
        per_process = sum(_fitting(node, demand) for node in imported().nodes() if node["Alive"])
        return per_process // demand.processes

    def gpus(self) -> float:
        """GPUs of the machines that are up."""
        return float(imported().cluster_resources().get("GPU", 0.0))

    def describe(self) -> str:
        """The cluster in words."""
        ray = imported()
        alive = sum(1 for node in ray.nodes() if node["Alive"])
        found = ray.cluster_resources()
        parts = [f"{found[name]:g} {name}" for name in ("CPU", "GPU") if found.get(name)]
        where = "on this machine" if self.own else f"at {ray.get_runtime_context().gcs_address}"
        return f"Ray {where}: {alive} node{'s' * (alive != 1)}, {', '.join(parts)}"

    def close(self) -> None:
        """Disconnect; a Ray that was started here ends."""
        if self._joined:
            imported().shutdown()
            self._speak()


def imported() -> Any:
    """Ray, imported when it is first used.

    Raises:
        ConfigurationError: it is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing is sent anywhere
    try:
        import ray
    except ImportError:
        raise ConfigurationError(
            "the Ray runner needs Ray, which is not installed",
            where="runner.name",
            hint="pip install -c constraints.txt '.[ray]', or runner: {name: local}",
        ) from None
    return ray


def in_job() -> bool:
    """Whether this process is the driver of a job that was submitted to a Ray cluster."""
    return "RAY_JOB_CONFIG_JSON_ENV_VAR" in os.environ or "RAY_JOB_SUBMISSION_ID" in os.environ


class Joining:
    """A cluster that is joined in a thread, while the driver reads its rows; a context manager."""

    def __init__(self, runner: RunnerConfig) -> None:
        self._pool = ThreadPoolExecutor(1)
        self._future: Future[Cluster] | None = self._pool.submit(Cluster, runner)

    def take(self) -> Cluster:
        """The cluster, which is the caller's from then on; waits for it.

        Raises:
            ConfigurationError, StorageError: see Cluster.
        """
        assert self._future is not None
        future, self._future = self._future, None
        return future.result()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown()
        if self._future is not None and self._future.exception() is None:  # nobody came for it
            self._future.result().close()


def _check_address(address: str | None) -> None:
    """Whether somebody listens there, where the address is one of a machine."""
    where = str(address)
    if "://" in where:
        raise ConfigurationError(
            "this is no address of a cluster's head, which is HOST:PORT",
            where=where,
            hint="on a machine of the cluster HOST:6379; from elsewhere: hpo submit study.yaml --address http://HEAD:8265",
        )
    host, _, port = where.rpartition(":")
    if not host or not port.isdigit():
        return
    until = time.monotonic() + ANSWER_SECONDS
    while True:
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWER_SECONDS).close()
            return
        except (OSError, OverflowError) as error:
            if time.monotonic() > until:
                raise StorageError(
                    f"the Ray cluster cannot be joined: nobody answers there ({error})",
                    where=where,
                    hint="is the head running (ray status --address ...), and can this machine reach it?",
                ) from error
            time.sleep(1.0)


def _connect(address: str | None) -> None:
    ray = imported()
    quiet = {"log_to_driver": False, "logging_level": "CRITICAL", "configure_logging": False}
    try:
        with _hushed(joined=address not in (None, "local")):
            if address in (None, "local"):
                ray.init("local", include_dashboard=False, object_store_memory=OBJECT_STORE_BYTES, **quiet)
            else:
                ray.init(address, **quiet)
    except (ConnectionError, RuntimeError, ValueError, OSError) as error:
        hint = "is the head running (ray status --address ...), and does RAY_AUTH_TOKEN hold its token?"
        raise StorageError(
            f"the Ray cluster cannot be joined: {first_line(error)}", where=str(address or "this machine"), hint=hint
        ) from error


@contextlib.contextmanager
def _hushed(*, joined: bool) -> Iterator[None]:
    """No log lines while Ray starts, and no waiting for the dashboard that is switched off (2 s of 4).

    A cluster that refuses the token is asked a few times only. The names are private to Ray; where a version has no
    such thing, it waits.
    """
    from ray._private import ray_constants

    logger = logging.getLogger("ray")
    level, changed = logger.level, {"RAY_DASHBOARD_STARTUP_TIMEOUT_S": 0}
    if joined:
        changed["NUM_REDIS_GET_RETRIES"] = _TRIES
    before = {name: getattr(ray_constants, name) for name in changed if hasattr(ray_constants, name)}
    logger.setLevel(logging.CRITICAL)
    for name in before:
        setattr(ray_constants, name, changed[name])
    try:
        yield
    finally:
        logger.setLevel(level)
        for name, value in before.items():
            setattr(ray_constants, name, value)


def _silence() -> Callable[[], None]:
    """Keep Ray's notices of dead workers off standard output, where ``log_to_driver=False`` does not; how to undo it.

    The study tells of them in its own words, and a reader of ``--json`` wants one object. The name is private to Ray;
    where a version has no such thing, it shows its notices.
    """
    from ray._private import worker

    name = "print_to_stdstream"
    spoken = getattr(worker, name, None)
    if spoken is None:
        return lambda: None
    setattr(worker, name, lambda *_, **__: None)
    return lambda: setattr(worker, name, spoken)


def _own_token() -> None:
    """A secret for a Ray of our own, in this process's environment only; Ray itself would keep one in the home."""
    os.environ.setdefault("RAY_AUTH_MODE", "token")
    if "RAY_AUTH_TOKEN_PATH" not in os.environ:
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))


def _fitting(node: Mapping[str, Any], demand: Demand) -> int:
    """Processes that fit on a machine."""
    labels = node.get("Labels") or {}
    if any(labels.get(name) != value for name, value in demand.labels.items()):
        return 0
    return min(
        (int(node["Resources"].get(name, 0.0) / amount + 1e-9) for name, amount in demand.bundle.items()), default=1
    )

"""Serves the Optuna dashboard of a study."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from hpo.config.models import StudyConfig
from hpo.errors import ConfigurationError
from hpo.records.folder import RunFolder
from hpo.report.dashboard import application, installed, opened

INSTALL = "pip install -c constraints.txt '.[dashboard]'"


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True  # a page that is still loading does not keep the command from ending


class _Server6(_Server):
    address_family = socket.AF_INET6


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the terminal shows the address and no request."""


@contextmanager
def dashboard_server(config: StudyConfig, folder: RunFolder, host: str, port: int) -> Iterator[tuple[WSGIServer, str]]:
    """A server bound to ``host`` and ``port`` (0: any free one), and the address of the study's page.

    Raises:
        ConfigurationError: optuna-dashboard is not installed, the address cannot be used, or there is no study.
        StorageError: the storage cannot be opened.
    """
    if not installed():
        raise ConfigurationError("the Optuna dashboard is not installed", hint=INSTALL)
    with opened(config, folder) as study:
        server = _bound(application(study, folder), host, port)
        try:
            yield server, f"http://{_shown(host)}:{server.server_port}/dashboard/studies/{study._study_id}"
        finally:
            server.server_close()


def _bound(served: Callable[..., Iterable[bytes]], host: str, port: int) -> WSGIServer:
    try:
        return make_server(host, port, served, server_class=_Server6 if ":" in host else _Server, handler_class=_Quiet)
    except OSError as error:
        raise _cannot_bind(error, host, port) from None


def _cannot_bind(error: OSError, host: str, port: int) -> ConfigurationError:
    if error.errno == errno.EADDRINUSE:
        hint = f"--port {port + 1}, or --port 0 for any free one"
        return ConfigurationError(f"port {port} is taken by another program", where="--port", hint=hint)
    if error.errno == errno.EACCES:
        return ConfigurationError(f"port {port} may not be used", where="--port", hint="name a port above 1023")
    return ConfigurationError(f"cannot listen on {host}: {error.strerror}", where="--host", hint="--host 127.0.0.1")


def _shown(host: str) -> str:
    if host in ("0.0.0.0", "::"):
        return socket.gethostname()
    return f"[{host}]" if ":" in host else host

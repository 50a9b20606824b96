"""Jobs as their end is told: exit codes, reasons, addresses; the cluster itself is in tests/commands/test_submit.py."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest

from hpo.errors import ConfigurationError
from hpo.runners.ray_jobs import Job, Jobs, cluster_address, exit_code, why

ADDRESSES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")


@pytest.fixture(autouse=True)
def nothing_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*ADDRESSES, "RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)


def job(status: str, code: int | None = None, message: str = "") -> Job:
    return Job("tickets-1", status, code, message, {})


@pytest.mark.parametrize(
    ("ended", "code"),
    [
        (job("SUCCEEDED", 0), 0),
        (job("FAILED", 3), 3),  # a data gate
        (job("FAILED", 4), 4),  # no trial completed
        (job("FAILED"), 1),  # never came to run
        (job("STOPPED"), 143),
    ],
)
def test_the_exit_code_is_that_of_the_study(ended: Job, code: int) -> None:
    assert exit_code(ended) == code


def test_a_job_that_never_came_to_run_tells_rays_reason() -> None:
    error = why(job("FAILED", None, "runtime_env setup failed: no such package\nmore lines"))
    assert error is not None and "never came to run: runtime_env setup failed: no such package" in str(error)


def test_a_study_that_failed_has_spoken_for_itself() -> None:
    assert why(job("FAILED", 4, "no trial completed")) is None


def test_a_cluster_without_hpo_is_recognised_by_what_python_says() -> None:
    said = "/usr/bin/python: Error while finding module specification for 'hpo.run' "
    said += "(ModuleNotFoundError: No module named 'hpo')"
    error = why(job("FAILED", 1), [said])
    assert error is not None and "--install" in str(error)
    # but not where a module of the user's own is missing
    assert why(job("FAILED", 1), ["No module named 'helper'"]) is None


@pytest.mark.parametrize(
    ("given", "environment", "address"),
    [
        ("http://head:8265/", {}, "http://head:8265"),
        ("head:8265", {}, "http://head:8265"),
        (None, {"RAY_API_SERVER_ADDRESS": "http://a:1", "RAY_ADDRESS": "http://b:1"}, "http://a:1"),
        (None, {"RAY_ADDRESS": "https://b:1"}, "https://b:1"),
        ("http://head:8265", {"RAY_API_SERVER_ADDRESS": "http://a:1"}, "http://head:8265"),
    ],
)
def test_the_address_is_what_is_given_or_else_the_environments(
    given: str | None, environment: dict[str, str], address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert cluster_address(given) == address


@pytest.mark.parametrize("given", [None, "auto", "ray://head:10001", "head"])
def test_what_is_no_dashboard_is_refused_with_an_example(given: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "head:6379")  # of the cluster, not of its dashboard
    with pytest.raises(ConfigurationError, match="--address http://HEAD:8265"):
        cluster_address(given)


class _Other(http.server.BaseHTTPRequestHandler):
    """A web server that is no Ray dashboard."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>" if self.server.server_name else b"")

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def other_server() -> Iterator[str]:
    with http.server.HTTPServer(("127.0.0.1", 0), _Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_a_web_server_that_is_no_cluster_is_told_apart(other_server: str) -> None:
    with pytest.raises(ConfigurationError, match="this is not the dashboard of a Ray cluster"):
        Jobs(other_server)

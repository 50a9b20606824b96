"""A Ray cluster of several nodes on this machine, started and ended by us alone; for measurements and tests.

Each node is a ``ray start --block`` in a process group of its own, so that a node can be killed as a machine fails:
at once, with everything that runs on it. A random token guards the cluster, and all addresses are on 127.0.0.1.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

START_SECONDS = 90
OBJECT_STORE_BYTES = 80 * 2**20


class RayCluster:
    """A head, and nodes that come and go; a context manager.

    Args:
        cpus: of the head.
        dashboard: whether the head takes jobs (and draws the dashboard).
    """

    def __init__(self, cpus: int = 0, *, dashboard: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # a short path: sockets lie in it
        self.token = secrets.token_hex(32)
        self.port, self.dashboard_port = free_port(), free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.dashboard = f"http://127.0.0.1:{self.dashboard_port}"
        self.nodes: list[subprocess.Popen[bytes]] = []
        self._head = ["--head", f"--port={self.port}", f"--include-dashboard={dashboard}"]
        self._head += [f"--dashboard-port={self.dashboard_port}", "--dashboard-host=127.0.0.1"]
        self._cpus = cpus

    @property
    def environment(self) -> dict[str, str]:
        """What a client needs: this process's environment, with the token."""
        own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": self.token, "RAY_USAGE_STATS_ENABLED": "0"}
        kept = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
        return {**kept, **own, "OMP_NUM_THREADS": "1"}

    def __enter__(self) -> Self:
        try:
            self._start([*self._head, f"--num-cpus={self._cpus}"])
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def add_node(self, cpus: int = 1) -> subprocess.Popen[bytes]:
        """Start a further node and wait until it has joined."""
        return self._start([f"--address={self.address}", f"--num-cpus={cpus}"])

    def kill_node(self, node: subprocess.Popen[bytes]) -> None:
        """SIGKILL a node and everything on it."""
        for process in _with_children(node.pid):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        node.wait()
        self.nodes.remove(node)

    def workers(self, kind: str = "RayWorker") -> list[psutil.Process]:
        """The processes of our actors (or of another class), on all nodes."""
        found = [process for node in self.nodes for process in _with_children(node.pid)]
        return [process for process in found if kind in _title(process)]

    def close(self) -> None:
        """Kill all nodes, the head last."""
        for node in reversed(list(self.nodes)):
            self.kill_node(node)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _start(self, options: list[str]) -> subprocess.Popen[bytes]:
        before = self._alive() if self.nodes else 0
        ports = ["--min-worker-port=0", "--max-worker-port=0", f"--dashboard-agent-listen-port={free_port()}"]
        common = ["--block", "--node-ip-address=127.0.0.1", f"--object-store-memory={OBJECT_STORE_BYTES}"]
        command = [str(Path(sys.executable).with_name("ray")), "start", *options, *common, *ports]
        log = (self.folder / f"node-{len(list(self.folder.glob('node-*')))}.log").open("wb")
        with log:
            node = subprocess.Popen(
                [*command, f"--temp-dir={self.folder}"] if "--head" in options else command,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.nodes.append(node)
        until = time.monotonic() + START_SECONDS
        while self._alive() <= before:
            if node.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"a Ray node did not start: {Path(log.name).read_text(errors='replace')[-2000:]}")
            time.sleep(0.3)
        return node

    def _alive(self) -> int:
        """Nodes that the head knows to be up; 0 while there is no head."""
        code = "import ray; from ray._raylet import GcsClient; import sys; c = GcsClient(sys.argv[1]); "
        code += "print(sum(n.state == 0 for n in c.get_all_node_info(timeout=5).values()))"
        asked = [sys.executable, "-c", code, self.address]
        if not _listens(self.port):
            return 0
        ended = subprocess.run(asked, env=self.environment, capture_output=True, text=True)
        return int(ended.stdout) if ended.returncode == 0 else 0


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes], number: int = signal.SIGKILL) -> int:
    """Send a signal to a process of ours and wait for its end; its exit code."""
    process.send_signal(number)
    return process.wait()


def _with_children(pid: int) -> list[psutil.Process]:
    try:
        parent = psutil.Process(pid)
        return [*parent.children(recursive=True), parent]
    except psutil.NoSuchProcess:
        return []


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.ZombieProcess):
        return ""


def _listens(port: int) -> bool:
    with socket.socket() as client:
        client.settimeout(1)
        return client.connect_ex(("127.0.0.1", port)) == 0

"""Workers of one machine that open the same hub model at once download it once, and never a pickle."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.conftest import clean_environment

NAME = "tiny/llama"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
WEIGHTS = "model.safetensors"
SLOW = 1.0  # seconds the weights take, so that the downloads overlap
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".ckpt")
LOAD = """
import sys
from pathlib import Path

import torch, transformers
from hpo.config.models import ModelConfig
from hpo.training.resident import Needs, load

print("ready", flush=True)
sys.stdin.readline()
resident = load(ModelConfig(name="tiny/llama"), Needs(1))
print(sum(float(p.double().abs().sum()) for p in resident.model.parameters()), flush=True)
"""


class Hub(ThreadingHTTPServer):
    """As much of the hub as a download needs: one model, its list of files, and a log of what was asked."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.files = {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}
        self.files["pytorch_model.bin"] = b"a pickle that nobody may ask for"
        self.log: list[tuple[str, str, float]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fetched(self) -> list[str]:
        """Names of the files that were fetched, once for each time."""
        marker = f"/{NAME}/resolve/"
        return [
            path.removeprefix(marker).split("/", 1)[1]
            for method, path, _ in self.log
            if method == "GET" and path.startswith(marker)
        ]


class _Answer(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on the screen."""

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.log.append((self.command, path, time.monotonic()))
        if path.startswith(f"/api/models/{NAME}/tree/"):
            self._send(json.dumps(self._entries("path")).encode(), "application/json")
        elif path in (f"/api/models/{NAME}", f"/api/models/{NAME}/revision/main"):
            info = {"id": NAME, "modelId": NAME, "sha": COMMIT, "private": False, "tags": []}
            self._send(json.dumps({**info, "siblings": self._entries("rfilename")}).encode(), "application/json")
        elif path.startswith(f"/{NAME}/resolve/"):
            self._file(path.removeprefix(f"/{NAME}/resolve/").split("/", 1)[1])
        else:
            self._absent("RepoNotFound")

    def _entries(self, key: str) -> list[dict[str, object]]:
        return [
            {key: name, "type": "file", "size": len(data), "oid": _digest(data), "blobId": _digest(data)}
            for name, data in self.server.files.items()
        ]

    def _file(self, name: str) -> None:
        data = self.server.files.get(name)
        if data is None:
            self._absent("EntryNotFound")
            return
        if name == WEIGHTS and self.command == "GET":
            time.sleep(SLOW)
        linked = {"X-Linked-Etag": f'"{_digest(data)}"', "X-Linked-Size": str(len(data))}
        self._send(data, "application/octet-stream", {"ETag": f'"{_digest(data)}"', **linked})

    def _absent(self, code: str) -> None:
        self.send_response(404)
        for key, value in {"X-Error-Code": code, "X-Repo-Commit": COMMIT, "Content-Length": "0"}.items():
            self.send_header(key, value)
        self.end_headers()

    def _send(self, data: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(200)
        general = {"Content-Type": kind, "Content-Length": str(len(data)), "X-Repo-Commit": COMMIT}
        for key, value in {**general, **(headers or {})}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(data)


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def hub(llama: Path) -> Iterator[Hub]:
    server = Hub(llama)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def _worker(hub: Hub, folder: Path) -> subprocess.Popen[str]:
    online = {"HF_ENDPOINT": hub.url, "HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "0"}
    plain = {"HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_XET": "1", "NO_PROXY": "127.0.0.1"}
    pipe = subprocess.PIPE
    environment = {**clean_environment(folder), **online, **plain}
    return subprocess.Popen(
        [sys.executable, "-c", LOAD], env=environment, cwd=folder, stdin=pipe, stdout=pipe, stderr=pipe, text=True
    )


def _load_together(hub: Hub, folder: Path, count: int) -> list[float]:
    """The absolute sum of the weights that each of ``count`` processes loaded, all let go at the same moment."""
    workers = [_worker(hub, folder) for _ in range(count)]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdout.readline() == "ready\n", worker.communicate(timeout=20)[1]
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        results = [worker.communicate(timeout=60) for worker in workers]
        assert [worker.returncode for worker in workers] == [0] * count, [errors[-2000:] for _, errors in results]
        return [float(output) for output, _ in results]
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


def test_two_workers_that_open_a_hub_model_at_once_fetch_its_weights_once(hub: Hub, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    first, second = _load_together(hub, tmp_path, 2)

    heads = [when for method, path, when in hub.log if method == "HEAD" and path.endswith(WEIGHTS)]
    fetches = [when for method, path, when in hub.log if method == "GET" and path.endswith(WEIGHTS)]
    assert len(heads) >= 2, "both found the weights absent and asked the hub for them"
    assert hub.fetched().count(WEIGHTS) == 1
    assert sorted(heads)[1] < fetches[0] + SLOW, "the second came while the first was still downloading"
    assert not [name for name in hub.fetched() if name.endswith(PICKLES)]
    (cached,) = (tmp_path / "hf").rglob(f"snapshots/{COMMIT}/{WEIGHTS}")
    stored = sum(float(tensor.double().abs().sum()) for tensor in load_file(cached).values())
    assert first == second == pytest.approx(stored, rel=1e-12)

    before = len(hub.fetched())
    assert _load_together(hub, tmp_path, 1) == [first]
    assert len(hub.fetched()) == before, "a later worker finds every file in the cache"

"""A run folder at a URL, through fsspec: files and folders put, got and removed, each whole or not at all.

An object store writes an object whole. Elsewhere a file is written beside its place and renamed. A folder carries a
list of its files, which is written last: a folder without it counts as absent.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpo.config.urls import masked
from hpo.errors import StorageError

FILES = ".files.json"  # inside a folder: its files, relative to it, in their order
_WHOLE = frozenset({"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "oci", "tos", "obs"})


@dataclass(frozen=True)
class Remote:
    """The run folder at ``url``. It pickles as its URL alone; paths are relative to it.

    Raises (all methods):
        StorageError: the place cannot be reached, read or written. No password is shown.
    """

    url: str

    @property
    def place(self) -> str:
        """The URL without secrets, to be shown."""
        return masked(self.url)

    def check(self) -> None:
        """Write and remove a small file: a place that cannot be written is found before the first trial."""
        name = f".probe-{uuid.uuid4().hex}"
        self.write(name, b"")
        self.remove(name)

    def put(self, local: Path, relative: str) -> None:
        """Copy a file or folder there; what is not here is left as it is there."""
        if local.is_dir():
            self._put_folder(local, relative)
        elif local.is_file():
            with self._talking(relative) as (fs, path):
                self._place(fs, path, lambda to: fs.put_file(str(local), to))

    def get(self, relative: str, local: Path) -> bool:
        """Copy a file or folder here, whole or not at all; False where there is none."""
        local.parent.mkdir(parents=True, exist_ok=True)
        fresh = local.with_name(f".{local.name}.{uuid.uuid4().hex[:8]}")
        try:
            listed = self._files(relative)
            if listed is None:
                return self._get_file(relative, fresh, local)
            for name in listed:
                (fresh / name).parent.mkdir(parents=True, exist_ok=True)
                self._fetch(f"{relative}/{name}", fresh / name)
            fresh.mkdir(parents=True, exist_ok=True)
            if local.exists():
                shutil.rmtree(local)
            fresh.rename(local)
            return True
        finally:
            shutil.rmtree(fresh, ignore_errors=True) if fresh.is_dir() else fresh.unlink(missing_ok=True)

    def exists(self, relative: str) -> bool:
        """Whether there is such a file, or such a folder as a whole."""
        with self._talking(relative) as (fs, path):
            return bool(fs.isfile(path) or fs.isfile(f"{path}/{FILES}"))

    def remove(self, relative: str) -> None:
        """Delete a file or folder; one that is not there is fine."""
        with self._talking(relative) as (fs, path):
            if fs.isfile(path):
                fs.rm_file(path)
            elif fs.exists(path):
                if fs.isfile(f"{path}/{FILES}"):
                    fs.rm_file(f"{path}/{FILES}")  # first: a folder that is half deleted is no folder
                fs.rm(path, recursive=True)

    def read(self, relative: str) -> bytes | None:
        """The content of a file; None where there is none."""
        with self._talking(relative) as (fs, path):
            try:
                return bytes(fs.cat_file(path))
            except (FileNotFoundError, NotADirectoryError):
                return None

    def write(self, relative: str, content: bytes) -> None:
        """Write a file whole."""
        with self._talking(relative) as (fs, path):
            self._place(fs, path, lambda to: fs.pipe_file(to, content))

    def names(self, relative: str) -> list[str]:
        """The names in a folder, sorted; none where there is no such folder. Files half written are left out."""
        with self._talking(relative) as (fs, path):
            try:
                found = fs.ls(path, detail=False)
            except (FileNotFoundError, NotADirectoryError):
                return []
            names = {str(name).rstrip("/").rpartition("/")[2] for name in found}
            return sorted(name for name in names if not name.startswith("."))

    def _put_folder(self, local: Path, relative: str) -> None:
        names = sorted(str(path.relative_to(local)) for path in local.rglob("*") if path.is_file())
        names = [name for name in names if name != FILES]
        old = self._files(relative) or []
        if old:
            self.remove(f"{relative}/{FILES}")
        for name in names:
            self.put(local / name, f"{relative}/{name}")
        self.write(f"{relative}/{FILES}", json.dumps(names).encode())
        for name in set(old) - set(names):
            self.remove(f"{relative}/{name}")

    def _files(self, relative: str) -> list[str] | None:
        """The files of a whole folder; None where it is none."""
        content = self.read(f"{relative}/{FILES}")
        return None if content is None else [str(name) for name in json.loads(content)]

    def _get_file(self, relative: str, fresh: Path, local: Path) -> bool:
        with self._talking(relative) as (fs, path):
            if not fs.isfile(path):
                return False
        self._fetch(relative, fresh)
        fresh.replace(local)
        return True

    def _fetch(self, relative: str, to: Path) -> None:
        with self._talking(relative) as (fs, path):
            fs.get_file(path, str(to))

    def _place(self, fs: Any, path: str, write: Any) -> None:
        if _protocols(fs) & _WHOLE:
            write(path)
            return
        folder, _, name = path.rpartition("/")
        fs.makedirs(folder, exist_ok=True)
        beside = f"{folder}/.{name}.{uuid.uuid4().hex[:8]}"
        try:
            write(beside)
            fs.mv(beside, path)
        except BaseException:
            if fs.exists(beside):
                fs.rm_file(beside)
            raise

    @contextmanager
    def _talking(self, relative: str) -> Iterator[tuple[Any, str]]:
        """The file system and the path in it; what goes wrong becomes one sentence."""
        try:
            from fsspec.core import url_to_fs

            fs, root = url_to_fs(self.url)
            fs.invalidate_cache()  # what other machines wrote counts
            yield fs, f"{root.rstrip('/')}/{relative}"
        except StorageError:
            raise
        except Exception as error:  # file systems raise what they like; the user needs one sentence
            said = str(error).strip().splitlines()
            what = masked(said[0]) if said else type(error).__name__
            raise StorageError(
                f"the run folder at the URL cannot be used: {what}",
                where=f"{self.place}/{relative}",
                hint="check the URL, the network and the credentials; the same command again goes on",
            ) from None


def _protocols(fs: Any) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)

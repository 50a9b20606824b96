"""The journal at a URL: numbered segments, since object stores cannot append; the last one is written again and again.

The file on this machine is written first, and so is never shorter than what its own driver has put there.
"""

from __future__ import annotations

from pathlib import Path

from hpo.errors import StorageError
from hpo.records.remote import Remote

FOLDER = "journal"
SEGMENT_BYTES = 256 * 1024  # a segment of this size is closed: what is written again at each event stays small


class Mirror:
    """Keeps the segments at ``remote`` in step with the journal file ``path``; ``join`` comes first."""

    def __init__(self, remote: Remote, path: Path) -> None:
        self._remote = remote
        self._path = path
        self._number, self._start = 1, 0
        for segment in _segments(remote)[:-1]:
            self._number += 1
            self._start += len(segment)

    def push(self) -> None:
        """Put what the file holds beyond the closed segments there.

        Raises:
            StorageError: the place cannot be written.
        """
        with self._path.open("rb") as file:
            file.seek(self._start)
            content = file.read()
        self._remote.write(_name(self._number), content)
        if len(content) >= SEGMENT_BYTES:
            self._number += 1
            self._start += len(content)


def join(remote: Remote, path: Path) -> None:
    """Bring the journal file up to the segments: the longer of the two counts, and must begin with the other.

    Raises:
        StorageError: two drivers wrote, or a segment is damaged.
    """
    segments = _segments(remote)
    for number, segment in enumerate(segments[:-1], 1):
        if not segment.endswith(b"\n"):
            raise StorageError(
                "a segment of the journal lacks its end",
                where=f"{remote.place}/{_name(number)}",
                hint="restore it from a copy, or go on from a machine that has the whole journal",
            )
    there = _whole_lines(b"".join(segments))
    here = _whole_lines(path.read_bytes()) if path.exists() else b""
    if not there.startswith(here) and not here.startswith(there):
        raise StorageError(
            f"two drivers wrote this study: the copy in {path.parent} and the journal at the URL differ",
            where=f"{remote.place}/{FOLDER}",
            hint=f"where the URL is right, delete the copy: rm -r {path.parent}",
        )
    if len(there) > len(here):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.write_bytes(there)
        fresh.replace(path)


def _segments(remote: Remote) -> list[bytes]:
    found: list[bytes] = []
    while (content := remote.read(_name(len(found) + 1))) is not None:
        found.append(content)
    return found


def _whole_lines(content: bytes) -> bytes:
    """Without a last line that a killed writer left half written."""
    return content[: content.rfind(b"\n") + 1]


def _name(number: int) -> str:
    return f"{FOLDER}/{number:05d}.jsonl"

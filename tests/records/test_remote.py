"""A run folder at a URL: files and folders whole or not at all, a journal in segments."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from hpo.config.urls import url_fault
from hpo.errors import ConfigurationError, StorageError
from hpo.records import Journal, RunFolder, read, segments
from hpo.records.place import folder_at
from hpo.records.remote import FILES, Remote
from hpo.records.segments import Mirror, join


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The folder behind the URL."""
    return tmp_path / "there" / "study"


@pytest.fixture
def folder(tmp_path: Path, there: Path) -> RunFolder:
    """This machine's copy."""
    return RunFolder(tmp_path / "here", Remote(f"file://{there}"))


def write(path: Path, text: str) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_what_was_published_is_fetched_by_another_machine(folder: RunFolder, tmp_path: Path) -> None:
    write(folder.root / "a/b/weights", "w")
    write(folder.root / "a/trial.json", "{}")
    write(folder.root / "one.csv", "1")
    folder.publish("a")
    folder.publish("one.csv")
    other = pickle.loads(pickle.dumps(RunFolder(tmp_path / "other", folder.remote)))
    assert (other.fetch("a") / "b/weights").read_text() == "w"
    assert sorted(p.name for p in (other.root / "a").rglob("*") if p.is_file()) == ["trial.json", "weights"]
    assert other.fetch("one.csv").read_text() == "1"
    assert len(pickle.dumps(folder)) < 500


def test_a_folder_published_anew_has_no_file_of_the_old_one(folder: RunFolder, there: Path) -> None:
    old = write(folder.root / "best/old", "x")
    folder.publish("best")
    old.unlink()
    write(folder.root / "best/new", "y")
    folder.publish("best")
    assert sorted(path.name for path in (there / "best").iterdir()) == [FILES, "new"]


def test_a_folder_whose_upload_was_cut_off_is_absent(folder: RunFolder, there: Path, tmp_path: Path) -> None:
    write(there / "step-3/weights", "half")
    other = RunFolder(tmp_path / "other", folder.remote)
    assert not other.fetch("step-3").exists()
    assert folder.remote is not None
    assert not folder.remote.exists("step-3")


def test_what_is_removed_is_gone_here_and_there(folder: RunFolder, there: Path) -> None:
    write(folder.root / "a/b", "x")
    folder.publish("a")
    folder.remove("a")
    folder.remove("a")  # again: fine
    assert not (folder.root / "a").exists()
    assert not (there / "a").exists()


def test_no_half_written_file_is_left_behind(folder: RunFolder, there: Path) -> None:
    write(folder.root / "one.csv", "1")
    folder.publish("one.csv")
    folder.publish("one.csv")
    assert [path.name for path in there.iterdir()] == ["one.csv"]


def journal(folder: RunFolder) -> Journal:
    """The journal with its mirror, as a driver opens it."""
    assert folder.remote is not None
    join(folder.remote, folder.journal)
    folder.root.mkdir(parents=True, exist_ok=True)
    return Journal(folder.journal, Mirror(folder.remote, folder.journal))


def test_segments_joined_are_the_journal(
    folder: RunFolder, there: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "SEGMENT_BYTES", 300)
    for begin in (0, 20):  # a second driver goes on with the same segments
        writer = journal(folder)
        for number in range(begin, begin + 20):
            writer.append({"event": "tell", "number": number})
        writer.close()
    parts = sorted((there / "journal").iterdir())
    assert len(parts) > 3
    assert b"".join(path.read_bytes() for path in parts) == folder.journal.read_bytes()
    assert folder.remote is not None
    join(folder.remote, tmp_path / "other/journal.jsonl")
    events = [event["number"] for event in read(tmp_path / "other/journal.jsonl") if event["event"] == "tell"]
    assert events == list(range(40))


def test_a_segment_that_lacks_its_tail_loses_only_the_torn_event(
    folder: RunFolder, there: Path, tmp_path: Path
) -> None:
    writer = journal(folder)
    for number in range(3):
        writer.append({"event": "tell", "number": number})
    segment = there / "journal/00001.jsonl"
    segment.write_bytes(segment.read_bytes()[:-5])
    other = RunFolder(tmp_path / "other", folder.remote)
    again = journal(other)
    assert [event["number"] for event in read(other.journal) if event["event"] == "tell"] == [0, 1]
    again.append({"event": "tell", "number": 2})
    assert segment.read_bytes() == other.journal.read_bytes()


def test_two_journals_that_part_are_refused(folder: RunFolder, there: Path, tmp_path: Path) -> None:
    journal(folder).append({"event": "tell", "number": 0})
    other = RunFolder(tmp_path / "other", folder.remote)
    second = journal(other)
    second.append({"event": "tell", "number": 1})
    with folder.journal.open("a") as file:
        file.write('{"event": "tell", "number": 7}\n')
    with pytest.raises(StorageError, match="two drivers wrote"):
        journal(folder)


def test_a_url_that_cannot_be_used_is_one_error(tmp_path: Path) -> None:
    assert url_fault("nothing://x") == (
        "the protocol nothing:// is not known",
        "such as s3://bucket/runs or gs://bucket/runs",
    )
    assert url_fault("memory://x") is not None
    with pytest.raises(ConfigurationError, match="package paramiko, which is not installed"):
        folder_at("sftp://ana:secret@host/runs/x")
    write(tmp_path / "file", "")
    with pytest.raises(StorageError, match="cannot be used"):
        Remote(f"file://{tmp_path}/file/x").check()


def test_no_password_is_shown() -> None:
    remote = Remote("nothing://ana:secret@host/runs/x")
    with pytest.raises(StorageError) as raised:
        remote.check()
    assert "secret" not in str(raised.value)
    assert remote.place == "nothing://ana:***@host/runs/x"

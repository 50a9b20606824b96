"""The journal survives its writer, and the state is nothing but its fold."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hpo.errors import StorageError
from hpo.records import Journal, StudyState, load_state, read
from hpo.records.journal import finite

OPEN = {"event": "open", "study": "s", "identity": {"space": "1"}, "pid": 1, "lookahead": 1}
ASK = {"event": "ask", "number": 0, "params": {"x": 0.1}, "settings": {"x": 0.1}, "source": "default"}


def progress(fraction: float, loss: float) -> dict[str, object]:
    return {
        "event": "progress", "number": 0, "attempt": 1, "examples": int(fraction * 100), "fraction": fraction,
        "metrics": {"loss": loss}, "measurements": {},
    }  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_the_first_line_names_the_schema(path: Path) -> None:
    Journal(path).close()
    assert json.loads(path.read_text())["schema"] == 1


def test_a_half_written_last_line_is_cut_off_and_the_rest_is_kept(path: Path) -> None:
    journal = Journal(path)
    journal.append(OPEN)
    journal.close()
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"event": "ask", "num')
    assert [e["event"] for e in read(path)] == ["journal", "open"]
    Journal(path).close()
    assert path.read_bytes() == whole


def test_a_journal_torn_in_its_first_line_begins_anew(path: Path) -> None:
    path.write_bytes(b'{"event": "jour')
    Journal(path).close()
    assert [e["event"] for e in read(path)] == ["journal"]


def test_numbers_that_json_has_not_become_null(path: Path) -> None:
    journal = Journal(path)
    journal.append({"event": "x", "a": float("nan"), "b": [float("inf"), 1.5], "c": {"d": float("-inf")}})
    *_, last = read(path)
    assert (last["a"], last["b"], last["c"]) == (None, [None, 1.5], {"d": None})
    assert finite({"n": __import__("numpy").float32(0.5)}) == {"n": 0.5}


def test_floats_come_back_bit_for_bit(path: Path) -> None:
    values = [0.1 + 0.2, 1e-308, 3.0000000000000004, 2 / 3]
    journal = Journal(path)
    journal.append({"event": "x", "values": values})
    *_, last = read(path)
    assert last["values"] == values


def test_damage_inside_is_an_error_that_names_the_line(path: Path) -> None:
    journal = Journal(path)
    journal.append(OPEN)
    path.write_bytes(path.read_bytes().replace(b'"open"', b"\xff\xfe", 1))
    with pytest.raises(StorageError, match="not a line of a journal") as caught:
        list(read(path))
    assert caught.value.faults[0].where == f"{path}:2"


def test_a_later_schema_is_refused(path: Path) -> None:
    path.write_text('{"event": "journal", "schema": 99}\n')
    with pytest.raises(StorageError, match="schema 99"):
        load_state(path)


def test_a_full_disk_is_an_error_that_says_so_and_leaves_what_was_written(path: Path) -> None:
    journal = Journal(path)
    journal._file = Path("/dev/full").open("ab")  # noqa: SIM115 (every write fails with ENOSPC)
    with pytest.raises(StorageError, match="No space left") as caught:
        journal.append(OPEN)
    assert "nothing told so far is lost" in caught.value.faults[0].hint
    assert [e["event"] for e in read(path)] == ["journal"]


def test_a_trial_that_runs_again_replaces_the_evaluations_it_repeats(path: Path) -> None:
    state = StudyState()
    for event in [OPEN, ASK, progress(0.25, 4.0), progress(0.5, 3.0), progress(0.25, 4.0), progress(0.75, 2.0)]:
        state.apply({"time": 1.0, **event})
    assert [(p.fraction, p.metrics["loss"]) for p in state.records[0].curve] == [(0.25, 4.0), (0.75, 2.0)]


def test_time_of_a_call_that_died_counts_up_to_its_last_event() -> None:
    state = StudyState()
    state.apply({"time": 100.0, **OPEN})
    state.apply({"time": 160.0, **ASK})
    state.apply({"time": 900.0, **OPEN})
    assert state.seconds == 60.0
    state.apply({"time": 930.0, "event": "close", "reason": "finished", "seconds": 30.0})
    assert state.seconds == 90.0


def test_an_event_of_a_later_version_is_passed_over() -> None:
    state = StudyState()
    state.apply({"time": 1.0, "event": "something_new", "number": 7})
    assert state.records == {}

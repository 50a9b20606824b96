"""Rows are checked before the first trial: a leak stops a study, a person may accept it, and that stands on record."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.checks import study as checks
from hpo.config import load
from hpo.data import prepare
from hpo.errors import GateFailed
from hpo.records import load_state
from hpo.search.data_checks import Checked, checked_data

WORDS = {"animal": "horse cow goat barn feather hoof meadow", "music": "violin choir chord tempo opera drum melody"}
STUDY = """
study: topics
task: classification
objective: sklearn_classifier
data: {train: train.jsonl, validation: validation.jsonl, split: {test: 0}}
search_space:
  C: {type: log_uniform, low: 0.1, high: 100, default: 10}
objectives: [{metric: accuracy, direction: maximize}]
budget: {trials: 2}
loggers: {tensorboard: false}
"""


def rows(prefix: str, n: int) -> list[dict[str, str]]:
    made = []
    for i in range(n):
        label = list(WORDS)[i % 2]
        own = WORDS[label].split()
        words = [own[(i * 3 + k * k) % 7] for k in range(5)] + [f"{prefix}{i}{k}" for k in range(5)]
        made.append({"id": f"{prefix}{i}", "text": " ".join(words), "label": label})
    return made


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Path]:
    """Write the study; with ``leaks`` so many validation rows are training rows too."""

    def write(leaks: int = 0, gates: str = "") -> Path:
        train, held = rows("t", 40), rows("v", 20)
        for i in range(leaks):
            held[i]["text"] = train[2 * i + i % 2]["text"].upper()
        for name, part in (("train", train), ("validation", held)):
            (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in part))
        text = STUDY.replace("split: {test: 0}", f"split: {{test: 0}}, gates: {{{gates}}}")
        (tmp_path / "study.yaml").write_text(text)
        return tmp_path / "study.yaml"

    return write


def data_events(study: Path) -> list[dict[str, Any]]:
    journal = (study.parent / "runs/topics/journal.jsonl").read_text().splitlines()
    return [event for event in map(json.loads, journal) if event["event"] == "data_checks"]


def test_a_leak_stops_a_study_before_anything_is_made(study: Callable[..., Path], run_study: Any) -> None:
    study(leaks=3)
    done = run_study("study.yaml")
    assert done.returncode == 3
    for words in (
        "data.gates.max_leakage_ratio: max_leakage_ratio 0.15 (at most 0)",
        "row t0 is like row v0 of validation",
        "hpo check-data",
        "train.jsonl --against",
        "--fix",
        '--accept-data "reason"',
    ):
        assert words in done.stderr
    assert not (study(leaks=3).parent / "runs").exists()


def test_what_stops_a_study_can_be_read_by_a_program_too(study: Callable[..., Path], run_study: Any) -> None:
    study(leaks=3)
    done = run_study("study.yaml", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["exit_code"]) == (3, 3)
    assert found["error"][0]["where"] == "data.gates.max_leakage_ratio"


def test_a_dry_run_tells_it_too(study: Callable[..., Path], run_study: Any) -> None:
    study(leaks=1)
    assert run_study("study.yaml", "--dry-run").returncode == 3
    accepted = run_study("study.yaml", "--dry-run", "--accept-data", "known")
    assert accepted.returncode == 0 and "data: accepted as it is: known" in accepted.stdout


def test_an_accepted_leak_stands_on_record_and_holds_on_resume(
    study: Callable[..., Path], run_study: Any, run_hpo: Any
) -> None:
    file = study(leaks=3)
    done = run_study("study.yaml", "--accept-data", "the copies are meant", "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)["data_checks"]
    assert (told["failed"], told["accepted"]) == (["max_leakage_ratio"], "the copies are meant")
    again = run_study("study.yaml", "--set", "budget.trials=3")
    assert again.returncode == 0, again.stderr
    for words in ("data: gate failed: max_leakage_ratio 0.15 (at most 0)", "accepted as it is: the copies are meant"):
        assert words in again.stdout
    assert "the copies are meant" in run_hpo("status", "runs/topics").stdout
    assert [event["accepted"] for event in data_events(file)] == ["the copies are meant"]
    kept = json.loads((file.parent / "runs/topics/data_checks.json").read_text())
    assert kept["checks"]["leakage"]["value"] == 0.15
    assert {finding["partner"] for finding in kept["findings"] if finding["check"] == "leakage"} == {"v0", "v1", "v2"}


def test_a_reason_must_be_given(study: Callable[..., Path], run_study: Any) -> None:
    study(leaks=1)
    done = run_study("study.yaml", "--accept-data", " ")
    assert done.returncode == 2 and "needs a reason" in done.stderr


def test_clean_rows_pass_in_a_few_lines(study: Callable[..., Path], run_study: Any) -> None:
    study(gates="max_empty_ratio: 0, min_rows_per_class: 10")
    done = run_study("study.yaml")
    assert done.returncode == 0, done.stderr
    for stream in (done.stdout, done.stderr):
        kept = "max_leakage_ratio 0 (at most 0); max_empty_ratio 0 (at most 0); min_rows_per_class 20 (at least 10)"
        assert f"data: 3 gates kept: {kept}" in stream


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Checked | None, int]]:
    """Check a study's rows; gives what was found, and how often rows were looked at so far."""
    seen: list[int] = []
    real = checks.check_splits

    def spied(*args: Any, **options: Any) -> Any:
        seen.append(1)
        return real(*args, **options)

    monkeypatch.setattr(checks, "check_splits", spied)
    monkeypatch.chdir(tmp_path)

    def run(file: Path, accept: str | None = None) -> tuple[Checked | None, int]:
        config = load(file)
        return checked_data(config, prepare(config), accept), len(seen)

    return run


def keep(checked: Checked | None) -> None:
    """What a study leaves behind, its journal but for the one event."""
    assert checked is not None
    folder = Path("runs/topics")
    folder.mkdir(parents=True, exist_ok=True)
    checked.write(folder / "data_checks.json")
    lines = [{"event": "journal", "time": 1.0, "schema": 1}, {"event": "data_checks", "time": 2.0, **checked.event}]
    (folder / "journal.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def test_the_same_rows_under_the_same_gates_are_looked_at_once(study: Callable[..., Path], check: Any) -> None:
    checked, looked = check(study(), None)
    keep(checked)
    again, still = check(study())
    assert (looked, still) == (1, 1) and again == checked
    assert not again.is_news(load_state(Path("runs/topics/journal.jsonl")).data_checks)
    assert check(study(gates="max_empty_ratio: 0"))[1] == 2
    (study().parent / "runs/topics/data_checks.json").write_text('{"torn')
    assert check(study())[1] == 3


def test_what_was_accepted_does_not_hold_for_other_rows(study: Callable[..., Path], check: Any) -> None:
    keep(check(study(leaks=2), "two are known")[0])
    checked, _ = check(study(leaks=2, gates="max_leakage_ratio: 0.05"))
    assert checked.event["accepted"] == "two are known"
    with pytest.raises(GateFailed) as caught:
        check(study(leaks=4))
    assert "and 1 more" in caught.value.faults[0].what and caught.value.exit_code == 3


def test_what_was_accepted_does_not_hold_for_a_gate_that_did_not_fail_then(study: Callable[..., Path], check: Any):
    keep(check(study(leaks=2), "two are known")[0])
    with pytest.raises(GateFailed) as caught:
        check(study(leaks=2, gates="min_words_per_sample: 12"))
    assert [fault.where for fault in caught.value.faults] == [
        "data.gates.min_words_per_sample",
        "data.gates.max_leakage_ratio",
    ]


def test_the_hint_names_the_file_with_the_leaks(study: Callable[..., Path], check: Any) -> None:
    file = study(leaks=0)
    leaky = [{"id": f"x{i}", "text": row["text"], "label": row["label"]} for i, row in enumerate(rows("t", 3))]
    (file.parent / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in [*leaky, *rows("u", 20)]))
    file.write_text(file.read_text().replace("split: {test: 0}", "test: test.jsonl"))
    with pytest.raises(GateFailed) as caught:
        check(file)
    assert f"--against {file.parent / 'test.jsonl'}`" in caught.value.faults[0].hint


def test_a_gate_that_is_off_or_looser_lets_the_rows_pass(study: Callable[..., Path], check: Any) -> None:
    for gates in ("max_leakage_ratio: null", "max_leakage_ratio: 0.1"):
        checked, _ = check(study(leaks=2, gates=gates))
        assert checked.found["checks"]["leakage"]["value"] == 0.1


def test_all_failed_gates_are_told_at_once(study: Callable[..., Path], check: Any) -> None:
    with pytest.raises(GateFailed) as caught:
        check(study(leaks=1, gates="min_words_per_sample: 12, min_rows_per_class: 30, max_duplicate_ratio: 0.5"))
    names = [fault.where for fault in caught.value.faults]
    assert names == [
        f"data.gates.{name}" for name in ("min_words_per_sample", "max_leakage_ratio", "min_rows_per_class")
    ]


@pytest.mark.parametrize(("length", "passes"), [("{max_length: 64}", True), ("{max_length: 8}", False)])
def test_rows_that_the_model_would_cut_can_be_gated(
    length: str, passes: bool, study: Callable[..., Path], check: Any, llama: Path
) -> None:
    file = study(gates="max_truncated_ratio: 0.1")
    text = file.read_text().replace("objective: sklearn_classifier", f"model: {llama}\ntraining: {length}")
    file.write_text(text.replace("C: {type: log_uniform, low: 0.1", "learning_rate: {type: log_uniform, low: 0.1"))
    if passes:
        assert check(file)[0].found["checks"]["truncated"]["value"] == 0
    else:
        with pytest.raises(GateFailed, match="max_truncated_ratio 1"):
            check(file)


def test_wrong_labels_are_looked_for_where_they_are_gated(study: Callable[..., Path], check: Any) -> None:
    file = study(gates="max_label_noise: 0.05")
    assert check(file)[0].found["checks"]["label_noise"]["value"] == 0
    lines = [json.loads(line) for line in (file.parent / "train.jsonl").read_text().splitlines()]
    for row in lines[::4]:
        row["label"] = "music"  # of a row on animals
    (file.parent / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in lines))
    with pytest.raises(GateFailed, match="max_label_noise") as caught:
        check(file)
    assert "(music, or rather animal)" in caught.value.faults[0].what

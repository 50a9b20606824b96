"""`hpo validate` as a person types it: tables, verdicts, files, one JSON object, one clear message."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FILE = """\
name: v
baseline: old
models:
  - {name: new, predictions: new.csv}
  - {name: old, predictions: old.csv}
datasets:
  - {name: mails, data: rows.csv, subgroups: [channel]}
statistics: {resamples: 500}
metrics: [macro_f1]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hundred mails and what two models say of them: one is right in 180, the other in 120."""
    generator = np.random.default_rng(0)
    labels = [("spam", "ham")[i % 2] for i in range(200)]
    rows = [{"id": f"m{i}", "text": f"<script>alert({i})</script>", "label": label, "channel": "ab"[i % 3 == 0]}
            for i, label in enumerate(labels)]  # fmt: skip
    write(tmp_path / "rows.csv", rows)
    for name, wrong in (("new", 20), ("old", 80)):
        flipped = set(generator.choice(200, wrong, replace=False).tolist())
        said = [("ham" if label == "spam" else "spam") if i in flipped else label for i, label in enumerate(labels)]
        lines = [
            {"id": row["id"], "label": row["label"], "prediction": each} for row, each in zip(rows, said, strict=True)
        ]
        write(tmp_path / f"{name}.csv", lines)
    (tmp_path / "v.yaml").write_text(FILE)
    return tmp_path


def write(path: Path, rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_it_ends_with_tables_verdicts_and_the_next_commands(folder: Path, run_hpo: Any) -> None:
    done = run_hpo("validate", "v.yaml", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "mails: 200 rows, classification, decided by accuracy" in done.stdout
    assert "0.9000" in done.stdout and "0.6000" in done.stdout
    assert "new is better than old on mails: accuracy +.3" in done.stdout
    assert "hpo validate v.yaml --rating-sheet 50" in done.stdout
    out = folder / "validations" / "v"
    assert {path.name for path in out.iterdir()} >= {
        "validation.json", "scores.csv", "comparisons.csv", "errors.csv", "report.html",
    }  # fmt: skip
    # and a script in a row is text in the page
    page = (out / "report.html").read_text()
    assert "new is better than old on mails" in page
    assert "<script>alert(" not in page


def test_json_is_one_object_with_everything(folder: Path, run_hpo: Any) -> None:
    done = run_hpo("validate", "v.yaml", "--json", "--set", "statistics.confidence=0.9", cwd=folder)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found) >= {
        "name", "baseline", "settings", "models", "datasets", "scores", "comparisons", "ranks", "confidence", "roc",
        "confusion", "reliability", "cost", "front", "errors", "errors_total", "ratings", "refused", "warnings",
        "verdict", "environment",
    }  # fmt: skip
    assert found["settings"]["confidence"] == 0.9
    (score,) = [r for r in found["scores"] if (r["model"], r["metric"], r["subgroup"]) == ("new", "accuracy", None)]
    assert score["value"] == 0.9
    (matrix,) = [each for each in found["confusion"] if each["model"] == "new"]
    assert np.trace(np.array(matrix["counts"])) == 180
    assert json.loads((folder / "validations" / "v" / "validation.json").read_text()) == found


def test_a_rating_sheet_is_written_on_request(folder: Path, run_hpo: Any) -> None:
    done = run_hpo("validate", "v.yaml", "--rating-sheet", "7", cwd=folder)
    assert done.returncode == 0, done.stderr
    assert "do not hand out rating_key.csv" in done.stderr
    with (folder / "validations" / "v" / "rating_sheet.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 14


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("baseline: old", "baseline: odl", "v.yaml:2: no model is called odl"),
        ("new.csv", "rows.csv", "there is no column `prediction`"),
        ("rows.csv", "missing.csv", "v.yaml:7: the data file missing.csv does not exist"),
        ("rows.csv", "v.pkl", "pickle"),
    ],
)
def test_what_is_wrong_is_told_without_a_traceback(folder: Path, run_hpo: Any, old: str, new: str, told: str) -> None:
    (folder / "v.pkl").write_bytes(b"\x80\x04.")
    (folder / "v.yaml").write_text(FILE.replace(old, new))
    done = run_hpo("validate", "v.yaml", cwd=folder)
    assert done.returncode == 2
    assert told in done.stderr and "Traceback" not in done.stderr
    assert not (folder / "validations").exists()


@pytest.mark.parametrize("out", ["rows.csv", "rows.csv/below"])
def test_a_folder_that_cannot_be_written_is_told_before_the_work(out: str, folder: Path, run_hpo: Any) -> None:
    before = (folder / "rows.csv").read_bytes()
    done = run_hpo("validate", "v.yaml", "--set", f"out={folder / out}", "--json", cwd=folder)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    (fault,) = json.loads(done.stdout)["error"]
    assert fault["where"] == str(folder / out) and "out: FOLDER" in fault["hint"]
    assert (folder / "rows.csv").read_bytes() == before


def test_a_sheet_of_no_rows_is_refused(folder: Path, run_hpo: Any) -> None:
    done = run_hpo("validate", "v.yaml", "--rating-sheet", "0", cwd=folder)
    assert done.returncode == 2 and "nothing to rate" in done.stderr


def test_a_full_disk_is_one_clear_message_and_leaves_no_half_file(folder: Path, tmp_path: Path) -> None:
    # a limit on the size of files is what a process can be given of a full disk
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
        "from hpo.commands import main; sys.exit(main(sys.argv[1:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "validate", "v.yaml", "--json"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 2 and "Traceback" not in done.stderr
    (fault,) = json.loads(done.stdout)["error"]
    assert "cannot be written: File too large" in fault["what"] and "space" in fault["hint"]
    assert not [path for path in (folder / "validations").rglob("*") if path.is_file()]

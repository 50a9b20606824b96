"""The dashboard's note says what was found in the rows, and why a failed gate was accepted."""

from __future__ import annotations

from pathlib import Path

from hpo.config.models import StudyConfig
from hpo.records import RunFolder, StudyState
from hpo.report.note import study_note


def config() -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "study": "tickets",
            "search_space": {"x": {"type": "uniform", "low": 0.0, "high": 1.0}},
            "objectives": [{"metric": "loss", "direction": "minimize"}],
        }
    )


def test_what_was_found_stands_in_the_note_and_foreign_text_is_no_markdown() -> None:
    gate = {"name": "max_leakage_ratio", "threshold": 0.0, "value": 0.02, "passed": False, "check": "leakage"}
    state = StudyState()
    state.apply(
        {
            "event": "data_checks",
            "fingerprint": "f",
            "gates": [gate],
            "flagged": {"near_duplicates": 7},
            "accepted": "copies *are* <b>meant</b>",
        }
    )
    note = study_note(config(), state, RunFolder(Path("runs/tickets")))
    assert "data: gate failed: max\\_leakage\\_ratio 0.02 \\(at most 0\\)" in note
    assert "accepted as it is: copies \\*are\\* &lt;b&gt;meant&lt;/b&gt;" in note
    assert "rows flagged: near duplicates 7" in note


def test_nothing_is_said_where_nothing_was_checked() -> None:
    assert "data:" not in study_note(config(), StudyState(), RunFolder(Path("runs/tickets")))

"""The first thing a user runs, as it is: examples/quickstart.yaml."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from hpo.commands import main

EXAMPLE = Path(__file__).resolve().parent.parent / "examples" / "quickstart.yaml"


@pytest.mark.slow
def test_the_quickstart_beats_the_default_by_far(
    minilm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # given the file as it is, on one thread, since other tests share the cores
    monkeypatch.chdir(tmp_path)
    assert main(["run", str(EXAMPLE), "--set", "runner.cpus_per_trial=1"]) == 0
    # then at least sixteen trials ran, and some were stopped early
    trials = pd.read_csv(tmp_path / "runs" / "quickstart" / "trials.csv")
    assert len(trials) >= 16
    assert {"complete", "pruned"} <= set(trials["state"])
    # and the search was worth it
    complete = trials[trials["state"] == "complete"]
    assert complete["accuracy"].max() > trials["accuracy"][0] + 0.15
    # and the table shows what it is compared with
    shown = capsys.readouterr().out
    assert all(row in shown for row in ("base (untuned)", "default", "classical baseline", "best"))

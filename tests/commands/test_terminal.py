"""What a person sees while a search runs and when it ends."""

import io
import json
import math
from pathlib import Path
from typing import Any

import pytest

from hpo.commands.closing import print_summary
from hpo.commands.terminal import Terminal, ended_line, view
from hpo.config.models import StudyConfig
from hpo.records.champion import champion
from hpo.records.folder import RunFolder
from hpo.records.record import StudyState
from hpo.records.summary import closing_table, conclusion, cost, forecast, summary


class Screen(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


def replay(tickets: Any, stream: io.StringIO, **changes: Any) -> tuple[StudyConfig, StudyState]:
    config, state = tickets.config(**changes), StudyState()
    with Terminal(config, state, stream=stream) as terminal:
        for event in tickets.events():
            state.apply(event)
            terminal.show(event)
    return config, state


def printed(config: StudyConfig, state: StudyState, folder: Path) -> str:
    stream = io.StringIO()
    print_summary(config, state, RunFolder(folder), study_file="my study.yaml", stream=stream)
    return stream.getvalue()


def test_without_a_terminal_each_event_is_one_plain_line(tickets: Any) -> None:
    stream = io.StringIO()
    replay(tickets, stream)
    lines = stream.getvalue().splitlines()
    assert "base  reference  accuracy=0.1010" in lines
    assert "trial 1  start  learning_rate=3e-3 batch_size=16" in lines
    assert "trial 1  complete  accuracy=0.7512  learning_rate=3e-3 batch_size=16  11.5 s  best" in lines
    assert (
        "trial 3  pruned  accuracy=0.1100  asha at 25% of its length  learning_rate=5e-5 batch_size=32  3.0 s" in lines
    )
    infeasible = "trial 4  complete  accuracy=0.7900  infeasible (latency_ms <= 20 by 3.5)"
    assert f"{infeasible}  learning_rate=4e-3 batch_size=8  13.0 s" in lines
    assert lines[-1] == "study tickets  stopped  budget of 6 trials used"


def test_a_message_of_an_exception_is_one_line_without_control_characters(tickets: Any) -> None:
    stream = io.StringIO()
    replay(tickets, stream)
    line = next(line for line in stream.getvalue().splitlines() if line.startswith("trial 2  failed"))
    assert line == "trial 2  failed  diverged: loss is NaN [31mat step 3 [bold]  learning_rate=0.01 batch_size=8  3.0 s"


def test_best_is_said_of_new_bests_only(tickets: Any) -> None:
    stream = io.StringIO()
    replay(tickets, stream)
    best = [line.split("  ")[0] for line in stream.getvalue().splitlines() if line.endswith("  best")]
    assert best == ["trial 0", "trial 1"]


def test_a_resumed_study_does_not_call_a_lower_trial_the_best(tickets: Any) -> None:
    config, state = tickets.config(), tickets.folded(tickets.events())
    stream = io.StringIO()
    terminal = Terminal(config, state, stream=stream)
    terminal.show({"event": "tell", "number": 0})
    assert not stream.getvalue().rstrip().endswith("best")


def test_in_a_terminal_the_display_shows_best_running_counts_and_cost(
    tickets: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "160")
    screen = Screen()
    replay(tickets, screen)
    text = screen.getvalue()
    for part in ("5 of 6 trials", "running  trial 5", "50%  accuracy=0.6100", "best     trial 1", "[bold]"):
        assert part in text
    assert "3 complete  1 pruned  1 failed  1 infeasible" in text and "$0.0425" in text


def test_view_tells_the_time_left_from_the_trials_so_far(tickets: Any) -> None:
    config, state = tickets.config(), tickets.folded(tickets.events(close=None))
    best = champion(state.records.values(), config.primary)
    seen = view(config, state, best, tickets.START + 60)
    assert seen["seconds"] == 60 and seen["limit"] == "trials"
    assert seen["fraction"] == pytest.approx(5 / 6) and seen["seconds_left"] == pytest.approx(12)


def test_the_nearest_limit_of_the_budget_is_forecast(tickets: Any) -> None:
    state = tickets.folded(tickets.events())
    budget = {"trials": 100, "device_hours": 85 / 3600}
    ahead = forecast(tickets.config(budget=budget), state)
    assert ahead["limit"] == "device_hours" and ahead["fraction"] == pytest.approx(0.5)


def test_table_holds_base_default_classical_and_best(tickets: Any) -> None:
    config, state = tickets.config(), tickets.folded(tickets.events())
    rows = closing_table(config, state)
    assert [(row["name"], row["trial"], row["primary"]) for row in rows] == [
        ("base", None, 0.1010),
        ("default", 0, 0.2310),
        ("classical", None, 0.77),
        ("best", 1, 0.7512),
    ]
    assert rows[3]["settings"] == {"learning_rate": 3e-3, "batch_size": 16} and rows[3]["seconds"] == 11.5


def test_several_objectives_give_the_front_instead_of_one_best(tickets: Any) -> None:
    objectives = [{"metric": "accuracy", "direction": "maximize"}, {"metric": "train_seconds", "direction": "minimize"}]
    config, state = tickets.config(objectives=objectives), tickets.folded(tickets.events())
    front = [row["trial"] for row in closing_table(config, state) if row["name"] == "pareto"]
    assert front == [1]  # it beats the default in both
    text = printed(config, state, Path("runs/tickets"))
    assert "Pareto front" in text and "Best by accuracy, the primary objective, is trial 1" in text


def test_cost_counts_device_hours_money_and_what_pruning_saved(tickets: Any) -> None:
    spent = cost(tickets.config(), tickets.folded(tickets.events()))
    assert spent["device_hours"] == pytest.approx(42.5 / 3600)
    assert spent["cost_usd"] == pytest.approx(42.5 / 1000)
    assert spent["saved_device_hours"] == pytest.approx(9 / 3600)  # 3 s were a quarter of it
    assert cost(tickets.config(price_per_device_hour=None), tickets.folded(tickets.events()))["cost_usd"] is None


def test_conclusion_places_the_best_and_claims_no_significance(tickets: Any) -> None:
    text = conclusion(tickets.config(), tickets.folded(tickets.events()))
    assert "Best is trial 1, accuracy 0.7512" in text
    assert "0.5202 ahead of the default configuration (0.2310)" in text
    assert "0.0188 behind the classical baseline (0.7700)" in text
    assert "on the validation rows; not yet tested: the best of 3 noisy scores is optimistic" in text
    assert "significan" not in text


def test_conclusion_says_when_the_default_won(tickets: Any) -> None:
    events = [event for event in tickets.events() if event.get("number", 0) == 0]
    text = conclusion(tickets.config(), tickets.folded(iter(events)))
    assert "the default configuration itself: the search found nothing ahead of it" in text


def test_lower_is_ahead_where_the_objective_is_minimised(tickets: Any) -> None:
    config = tickets.config(objectives=[{"metric": "accuracy", "direction": "minimize"}])
    text = conclusion(config, tickets.folded(tickets.events()))
    assert "Best is trial 0" in text and "0.1300 behind the untuned base" in text


def test_summary_is_json_without_nan(tickets: Any) -> None:
    state = tickets.folded(tickets.events())
    found = json.loads(json.dumps(summary(tickets.config(), state), allow_nan=False))
    assert found["best"] == 1 and found["trials"]["infeasible"] == 1 and found["trials"]["total"] == 6
    broken = json.dumps(summary(tickets.config(objectives=[{"metric": "absent", "direction": "maximize"}]), state))
    assert "NaN" not in broken and json.loads(broken)["best"] is None


def test_a_study_without_any_trial_has_an_empty_summary(tickets: Any) -> None:
    found = summary(tickets.config(), StudyState())
    assert found["table"] == [] and found["trials"]["total"] == 0 and not math.isnan(found["cost"]["seconds"])
    assert "nothing to recommend" in printed(tickets.config(), StudyState(), Path("runs/tickets"))


def test_the_end_names_the_next_commands(tickets: Any, tmp_path: Path) -> None:
    text = printed(tickets.config(), tickets.folded(tickets.events()), tmp_path / "runs" / "tickets")
    assert f"hpo status {tmp_path}/runs/tickets" in text and f"hpo dashboard {tmp_path}/runs/tickets" in text
    assert "python -m hpo.run 'my study.yaml' --set budget.trials=12" in text
    assert "6 trials: 3 complete, 1 pruned, 1 failed, 1 unfinished (1 of the complete ones infeasible)" in text
    assert "$0.0425 at $3.60 a device hour; pruning saved about 9.0 device seconds" in text


def test_in_a_job_whose_directory_is_gone_the_end_is_told_all_the_same(
    tickets: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # given a job, whose directory the cluster has replaced
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    (tmp_path / "package").mkdir()
    monkeypatch.chdir(tmp_path / "package")
    (tmp_path / "package").rmdir()
    text = printed(tickets.config(), tickets.folded(tickets.events()), tmp_path / "runs" / "tickets")
    # then paths are absolute, and no command is made up whose options are not known here
    assert f"hpo status {tmp_path}/runs/tickets" in text
    assert "the same command again, with --set budget.trials=12" in text and "hpo.run" not in text


def test_settings_cannot_inject_markup(tickets: Any) -> None:
    state = tickets.folded(tickets.events())
    state.records[1].settings["batch_size"] = "[red]x\x1b[0m"  # type: ignore[index]
    text = printed(tickets.config(), state, Path("runs/tickets"))
    assert "[red]x [0m" in text and "\x1b" not in text
    assert "[red]x [0m" in ended_line(tickets.config(), state.records[1], best=False)

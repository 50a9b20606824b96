"""A function, a generator or a class in a file of one's own is an objective."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.config.knowledge import ready_objectives
from hpo.errors import ObjectiveError
from hpo.objective import Failed, Finished, Progressed, SessionEvent, Task, Trial
from hpo.sessions import open_session


def events(tmp_path: Path, source: str, name: str = "") -> list[SessionEvent]:
    file = tmp_path / "mine.py"
    file.write_text(source)
    session = open_session(f"{file}{name}", Task(seed=7))
    session.admit(Trial(0, {"x": 3}, 5, tmp_path, searched={"x": 3}))
    return list(session.events())


def test_a_plain_function_returns_its_metrics(tmp_path: Path) -> None:
    progressed, finished = events(tmp_path, "def objective(params):\n    return {'loss': params['x'] ** 2}\n")
    assert isinstance(progressed, Progressed) and progressed.progress.metrics == {"loss": 9.0}
    assert progressed.progress.fraction == 1.0
    assert isinstance(finished, Finished)


def test_a_function_gets_the_task_and_the_trial_where_it_names_them(tmp_path: Path) -> None:
    source = "def mine(params, task, trial):\n    return task.seed + trial.seed\n"
    progressed, _ = events(tmp_path, source, ":mine")
    assert isinstance(progressed, Progressed) and progressed.progress.metrics == {"value": 12.0}


def test_a_generator_yields_progress(tmp_path: Path) -> None:
    source = (
        "from hpo.objective import Progress\n"
        "def objective(params):\n"
        "    for i in (1, 2):\n"
        "        yield Progress(examples=i, fraction=i / 2, metrics={'loss': 1 / i})\n"
    )
    seen = events(tmp_path, source)
    assert [e.progress.fraction for e in seen if isinstance(e, Progressed)] == [0.5, 1.0]


def test_an_exception_is_a_failure_with_its_traceback(tmp_path: Path) -> None:
    [failed] = events(tmp_path, "def objective(params):\n    return params['y']\n")
    assert isinstance(failed, Failed) and failed.message == "KeyError: 'y'" and "params['y']" in failed.traceback


@pytest.mark.parametrize(
    ("source", "name", "words"),
    [
        ("x = 1\n", "", "has no 'objective'"),
        ("objective = 3\n", "", "is not a function"),
        ("import no_such_module\n", "", "No module named 'no_such_module'"),
        ("def objective(params:\n", "", "SyntaxError"),
        ("class objective:\n    def __init__(self, task): pass\n", "", "is not an Objective"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_clear_error(tmp_path: Path, source: str, name: str, words: str) -> None:
    with pytest.raises(ObjectiveError, match=words) as caught:
        events(tmp_path, source, name)
    assert "mine.py" in str(caught.value)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ObjectiveError, match="no such file"):
        open_session(str(tmp_path / "nowhere.py"), Task())


def test_ready_objectives_are_found_by_entry_point() -> None:
    assert {"lora", "full_finetune", "sklearn_classifier", "sklearn_regressor"} <= set(ready_objectives())

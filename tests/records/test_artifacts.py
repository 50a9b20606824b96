"""Only the best models stay on disk, best/ is whole at every moment, and nothing else fills the disk."""

from __future__ import annotations

from pathlib import Path

from hpo.config import StudyConfig
from hpo.records import Record, RunFolder, StudyState
from hpo.records.artifacts import Artifacts

SPACE = {"x": {"type": "uniform", "low": 0.0, "high": 1.0}}


def config(keep: int) -> StudyConfig:
    return StudyConfig.model_validate(
        {
            "study": "s",
            "objective": "own",
            "search_space": SPACE,
            "objectives": [{"metric": "accuracy", "direction": "maximize"}],
            "keep_models": keep,
        }
    )


def told(folder: RunFolder, state: StudyState, number: int, accuracy: float, *, feasible: bool = True) -> None:
    artifact = folder.trial(number) / "artifact"
    artifact.mkdir(parents=True)
    (artifact / "weights").write_text(str(number))
    (folder.trial(number) / "step-10").mkdir()
    state.records[number] = Record(
        number, {"x": 0.5}, {"x": 0.5}, "random", 0.0, state="complete", feasible=feasible, told=True,
        metrics={"accuracy": accuracy}, artifact=folder.relative(artifact),
    )  # fmt: skip


def on_disk(folder: RunFolder) -> list[str]:
    return sorted(str(p.relative_to(folder.root)) for p in (folder.root / "checkpoints").rglob("*") if p.is_file())


def test_the_best_models_stay_beside_the_default_and_best_holds_the_best_of_them(tmp_path: Path) -> None:
    folder, state = RunFolder(tmp_path), StudyState()
    artifacts = Artifacts(folder, config(2))
    for number, accuracy in enumerate([0.3, 0.5, 0.7, 0.6, 0.4]):
        told(folder, state, number, accuracy)
        artifacts.settle(state)
    assert on_disk(folder) == [f"checkpoints/0000{number}/artifact/weights" for number in (0, 2, 3)]
    assert (folder.best / "weights").read_text() == "2"
    assert not list(tmp_path.glob("best.*"))


def test_an_infeasible_trial_is_never_best(tmp_path: Path) -> None:
    folder, state = RunFolder(tmp_path), StudyState()
    told(folder, state, 0, 0.5)
    told(folder, state, 1, 0.9, feasible=False)
    Artifacts(folder, config(1)).settle(state)
    assert (folder.best / "weights").read_text() == "0"


def test_a_kill_between_two_steps_is_mended_by_the_next_call(tmp_path: Path) -> None:
    folder, state = RunFolder(tmp_path), StudyState()
    told(folder, state, 0, 0.5)
    Artifacts(folder, config(1)).settle(state)
    told(folder, state, 1, 0.9)
    folder.best.rename(tmp_path / "best.old")  # killed while best/ was being replaced
    Artifacts(folder, config(1)).settle(state)
    assert (folder.best / "weights").read_text() == "1"
    assert not (tmp_path / "best.old").exists()


def test_the_card_says_of_how_many_trials_it_is_the_best(tmp_path: Path) -> None:
    folder, state = RunFolder(tmp_path), StudyState()
    artifacts = Artifacts(folder, config(1))
    for number, accuracy in enumerate([0.9, 0.5, 0.4]):
        told(folder, state, number, accuracy)
        artifacts.settle(state)
    before = (folder.best / "README.md").read_text()
    artifacts.finish(state)
    after = (folder.best / "README.md").read_text()
    assert before != after and "3" in after

"""What the TensorBoard logger writes, read back with TensorBoard's own reader."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hpo.config.models import StudyConfig
from hpo.loggers.tensorboard import TensorBoardLogger

CONFIG = StudyConfig.model_validate(
    {
        "study": "tickets",
        "search_space": {"learning_rate": {"type": "uniform", "low": 0, "high": 1}},
        "objectives": [{"metric": "accuracy", "direction": "maximize"}],
    }
)
SETTINGS = {"learning_rate": 0.003, "batch_size": 16, "bf16": True, "target_modules": ["q", "v"], "limit": None}
ASK = {"event": "ask", "time": 100.0, "number": 3, "settings": SETTINGS}
TELL = {"event": "tell", "time": 130.0, "number": 3, "state": "complete", "metrics": {"accuracy": 0.7}}


def start(attempt: int) -> dict[str, Any]:
    return {"event": "start", "time": 101.0, "number": 3, "attempt": attempt, "worker": "cpu"}


def progress(examples: int, accuracy: float | None) -> dict[str, Any]:
    measured = {"train_tokens": examples * 10.0}
    return {
        "event": "progress",
        "time": 110.0,
        "number": 3,
        "examples": examples,
        "metrics": {"accuracy": accuracy},
        "measurements": measured,
    }


def log_all(folder: Path, *events: dict[str, Any]) -> None:
    logger = TensorBoardLogger(folder, CONFIG)
    for event in events:
        logger.log(event)
    logger.close()


def read(folder: Path) -> Any:
    reader = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    accumulator = reader.EventAccumulator(str(folder))
    accumulator.Reload()
    return accumulator


def points(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(point.step, round(point.value, 6)) for point in read(folder).Scalars(tag)]


def test_curves_stand_over_training_examples(tmp_path: Path) -> None:
    log_all(tmp_path, ASK, start(1), progress(200, 0.5), progress(400, None), progress(800, 0.7))
    assert points(tmp_path / "00003", "accuracy") == [(200, 0.5), (800, 0.7)]
    assert points(tmp_path / "00003", "measurements/train_tokens") == [(200, 2000.0), (400, 4000.0), (800, 8000.0)]


def test_tell_writes_final_metrics_and_the_settings_are_on_the_hparams_page(tmp_path: Path) -> None:
    log_all(tmp_path, ASK, start(1), {**TELL, "examples": 800, "measurements": {"train_seconds": 12.5}})
    assert points(tmp_path / "00003", "final/accuracy") == [(800, 0.7)]
    assert points(tmp_path / "00003", "final/train_seconds") == [(800, 12.5)]
    from tensorboard.plugins.hparams import api_pb2, metadata

    content = read(tmp_path / "00003").PluginTagToContent("hparams")
    begun = metadata.parse_session_start_info_plugin_data(content[metadata.SESSION_START_INFO_TAG])
    assert begun.hparams["learning_rate"].number_value == 0.003
    assert begun.hparams["bf16"].bool_value is True
    assert begun.hparams["target_modules"].string_value == "q,v"
    assert begun.hparams["limit"].string_value == "None"
    ended = metadata.parse_session_end_info_plugin_data(content[metadata.SESSION_END_INFO_TAG])
    assert ended.status == api_pb2.STATUS_SUCCESS


def test_the_hparams_page_shows_the_space_and_the_objectives(tmp_path: Path) -> None:
    opened = {"event": "open", "time": 1.0, "study": "tickets"}
    log_all(tmp_path, opened, opened)
    from tensorboard.plugins.hparams import metadata

    content = read(tmp_path).PluginTagToContent("hparams")[metadata.EXPERIMENT_TAG]
    experiment = metadata.parse_experiment_plugin_data(content)
    assert [info.name for info in experiment.hparam_infos] == ["learning_rate"]
    assert [info.name.tag for info in experiment.metric_infos] == ["final/accuracy"]


def test_a_later_attempt_replaces_the_points_after_its_checkpoint(tmp_path: Path) -> None:
    log_all(tmp_path, ASK, start(1), progress(200, 0.5), progress(400, 0.6))
    log_all(tmp_path, start(2), progress(400, 0.65), progress(600, 0.7))  # a new process, the same file
    assert points(tmp_path / "00003", "accuracy") == [(200, 0.5), (400, 0.65), (600, 0.7)]
    assert len(list((tmp_path / "00003").iterdir())) == 1


def test_references_have_a_folder_of_their_own(tmp_path: Path) -> None:
    log_all(
        tmp_path, {"event": "reference", "time": 1.0, "name": "base", "metrics": {"accuracy": 0.1}, "measurements": {}}
    )
    assert points(tmp_path / "base", "final/accuracy") == [(0, 0.1)]


def test_torch_is_not_loaded(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from hpo.config.models import StudyConfig;"
        "from hpo.loggers.tensorboard import TensorBoardLogger;"
        f"TensorBoardLogger(Path({str(tmp_path)!r}), None).log({ASK!r}); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_library_it_is_off_and_says_so_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    log_all(tmp_path / "logs", ASK, start(1), progress(200, 0.5))
    assert not (tmp_path / "logs").exists()
    assert capsys.readouterr().err.count("TensorBoard curves are not written") == 1


def test_a_folder_that_cannot_be_written_does_not_stop_the_search(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    log_all(tmp_path / "logs", ASK, start(1), progress(200, 0.5))
    assert capsys.readouterr().err.count("cannot be written") == 1

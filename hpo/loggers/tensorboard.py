"""Curves and settings of every trial as TensorBoard event files, one folder a trial.

Written with ``tensorboard``'s own messages: ``torch.utils.tensorboard`` and ``tensorboardX`` both load torch, which the
driver does not need.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hpo.config.models import StudyConfig
from hpo.records.record import Event
from hpo.records.wording import setting

FILE = "events.out.tfevents.0.hpo"  # one name, so that a resumed study goes on in the same file


class TensorBoardLogger:
    """Takes the driver's events and writes scalars (over training examples), settings and final metrics.

    Without the library, or when the disk refuses, it says so once on standard error and is off: the journal holds all.

    Args:
        folder: where the event files go, one folder a trial below it.
        config: the study.
    """

    def __init__(self, folder: Path, config: StudyConfig) -> None:
        self._folder = folder
        self._config = config
        self._again: set[str] = set()  # runs whose next point follows an earlier attempt's
        self._messages = self._load()

    def log(self, event: Event) -> None:
        """Take in one event."""
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler is None or self._messages is None:
            return
        try:
            handler(event)
        except OSError as error:
            self._off(f"{self._folder} cannot be written ({error.strerror})")

    def close(self) -> None:
        """Nothing stays open between events."""

    def _on_open(self, event: Event) -> None:
        if not (self._folder / FILE).exists():
            metrics = [f"final/{objective.metric}" for objective in self._config.objectives]
            self._write(event, self._messages.experiment(list(self._config.search_space), metrics), step=0)

    def _on_ask(self, event: Event) -> None:
        values = {name: _plain(value) for name, value in event["settings"].items()}
        self._write(event, self._messages.session_start(values, _run(event), event["time"]), step=0)

    def _on_start(self, event: Event) -> None:
        if event["attempt"] > 1:
            self._again.add(_run(event))

    def _on_progress(self, event: Event) -> None:
        if _run(event) in self._again:  # readers drop what the earlier attempt wrote from this step on
            self._again.discard(_run(event))
            self._write(event, self._messages.restart(), step=event["examples"])
        named = {**event["metrics"], **{f"measurements/{name}": v for name, v in event["measurements"].items()}}
        self._write(event, self._messages.scalars(_finite(named)), step=event["examples"])

    def _on_tell(self, event: Event) -> None:
        named = {f"final/{name}": value for name, value in {**event["measurements"], **event["metrics"]}.items()}
        self._write(event, self._messages.scalars(_finite(named)), step=event["examples"])
        self._write(
            event, self._messages.session_end(event["state"] != "failed", event["time"]), step=event["examples"]
        )

    def _on_reference(self, event: Event) -> None:
        named = {f"final/{name}": value for name, value in event["metrics"].items()}
        self._write(event, self._messages.scalars(_finite(named)), step=0)

    def _write(self, event: Event, fields: Mapping[str, Any], *, step: int) -> None:
        path = self._folder / _run(event) / FILE
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab", buffering=0) as file:  # one write a record: a kill leaves whole records
            if file.tell() == 0:
                file.write(self._messages.record(wall_time=event["time"], file_version="brain.Event:2"))
            file.write(self._messages.record(wall_time=event["time"], step=step, **fields))

    def _load(self) -> Any:
        try:
            return _Messages()
        except ImportError:
            self._off("the package tensorboard is not installed (pip install -c constraints.txt '.[dashboard]')")
            return None

    def _off(self, why: str) -> None:
        self._messages = None
        print(f"TensorBoard curves are not written: {why}", file=sys.stderr)


class _Messages:
    """TensorBoard's protocol buffers, imported when first needed."""

    def __init__(self) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event, self._summary, self._hparams = event_pb2, summary_pb2, plugin_data_pb2
        self._metadata, self._api, self._writer = metadata, api_pb2, RecordWriter

    def record(self, **fields: Any) -> bytes:
        """One event in TensorFlow's record format."""
        from io import BytesIO

        buffer = BytesIO()
        self._writer(buffer).write(self._event.Event(**fields).SerializeToString())
        return buffer.getvalue()

    def scalars(self, values: Mapping[str, float]) -> dict[str, Any]:
        """Scalar summaries by tag."""
        entries = [self._summary.Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
        return {"summary": self._summary.Summary(value=entries)}

    def restart(self) -> dict[str, Any]:
        """The mark of a new attempt."""
        return {"session_log": self._event.SessionLog(status=self._event.SessionLog.START)}

    def experiment(self, settings: Sequence[str], metrics: Sequence[str]) -> dict[str, Any]:
        """The columns of the HParams page."""
        described = self._api.Experiment(
            hparam_infos=[self._api.HParamInfo(name=name) for name in settings],
            metric_infos=[self._api.MetricInfo(name=self._api.MetricName(tag=tag)) for tag in metrics],
        )
        return self._plugin(self._metadata.EXPERIMENT_TAG, experiment=described)

    def session_start(self, values: Mapping[str, Any], group: str, started: float) -> dict[str, Any]:
        """The settings of a trial, for the HParams page."""
        info = self._hparams.SessionStartInfo(group_name=group, start_time_secs=started)
        for name, value in values.items():
            kind = {bool: "bool_value", str: "string_value"}.get(type(value), "number_value")
            setattr(info.hparams[name], kind, value)
        return self._plugin(self._metadata.SESSION_START_INFO_TAG, session_start_info=info)

    def session_end(self, success: bool, ended: float) -> dict[str, Any]:
        """How a trial ended, for the HParams page."""
        status = self._api.Status.Value("STATUS_SUCCESS" if success else "STATUS_FAILURE")
        info = self._hparams.SessionEndInfo(status=status, end_time_secs=ended)
        return self._plugin(self._metadata.SESSION_END_INFO_TAG, session_end_info=info)

    def _plugin(self, tag: str, **content: Any) -> dict[str, Any]:
        described = self._metadata.create_summary_metadata(self._hparams.HParamsPluginData(**content))
        entry = self._summary.Summary.Value(tag=tag, metadata=described, tensor=self._metadata.NULL_TENSOR)
        return {"summary": self._summary.Summary(value=[entry])}


def _run(event: Event) -> str:
    """The folder of the trial or reference an event is about; the top one for the study's own."""
    return f"{event['number']:05d}" if "number" in event else str(event.get("name", "."))


def _finite(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(value) for name, value in values.items() if value is not None and math.isfinite(value)}


def _plain(value: Any) -> bool | float | str:
    """A value as the HParams page can hold it; lists and null become text."""
    return value if isinstance(value, (bool, int, float)) else setting(value)

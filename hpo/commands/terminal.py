"""What a person sees while a search runs: a live display in a terminal, one plain line an event elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from hpo.commands.closing import print_summary
from hpo.config.models import StudyConfig
from hpo.records import data_checks
from hpo.records.champion import champion, value_of
from hpo.records.record import Event, Record, StudyState
from hpo.records.summary import closing_table, cost, counts, forecast, reference_record, summary, train_seconds
from hpo.records.wording import clean, device_time, duration, metric, money, searched, settings

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

__all__ = ["Terminal", "closing_table", "draw", "ended_line", "print_summary", "started_line", "summary", "view"]

REFRESH_PER_SECOND = 2
SHOWN_RUNNING = 4


class Terminal:
    """Shows a search to a person; a context manager.

    Args:
        config: the study.
        state: the study's state, kept up to date by the driver; it is only read.
        stream: where to write; None: standard error.
    """

    def __init__(self, config: StudyConfig, state: StudyState, *, stream: TextIO | None = None) -> None:
        self._config = config
        self._state = state
        self._stream = stream if stream is not None else sys.stderr
        self._best = champion(state.records.values(), config.primary)
        self._live = _Live(self._draw, self._stream) if _is_terminal(self._stream) else None

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def show(self, event: Event) -> None:
        """Take in one event of the driver, after the state has taken it in."""
        line = self._line(event)
        if line and self._live is not None:
            self._live.print(line)
        elif line:
            print(line, file=self._stream, flush=True)

    def close(self) -> None:
        """Take the live display off the screen; calling it again does nothing."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _line(self, event: Event) -> str:
        kind = event["event"]
        if kind == "tell":
            record = self._state.records[event["number"]]
            candidates = [record] if self._best is None else [self._best, record]
            before, self._best = self._best, champion(candidates, self._config.primary)
            return ended_line(self._config, record, best=self._best is record and before is not record)
        if kind == "start" and self._live is None:
            return started_line(self._config, self._state.records[event["number"]])
        if kind == "lost":
            return lost_line(event)
        if kind == "data_checks":
            return "\n".join(data_checks.lines(event))
        if kind == "reference":
            record = reference_record(event)
            return _joined(event["name"], "reference", _scores(self._config, record))
        if kind == "close":
            return _joined(f"study {self._config.study}", "stopped", clean(event["reason"]))
        return ""

    def _draw(self) -> RenderableType:
        return draw(view(self._config, self._state, self._best, time.time()))


def started_line(config: StudyConfig, record: Record) -> str:
    """The plain line of a trial that starts: ``trial 3  start  learning_rate=3e-3 batch_size=16``."""
    attempt = f"attempt {record.attempts}" if record.attempts > 1 else ""
    return _joined(f"trial {record.number}", "start", settings(searched(config, record.settings)), attempt)


def lost_line(event: Event) -> str:
    """The plain line of a worker that is gone: ``trial 3  worker died  its machine is gone``."""
    why = f"worker {event['reason']}"
    return _joined(f"trial {event['number']}", why, clean(event["message"], 160))


def ended_line(config: StudyConfig, record: Record, *, best: bool) -> str:
    """The plain line of a trial that has ended: number, state, scores, why, settings, seconds, ``best``."""
    why = record.reason if record.state != "complete" else ""
    if record.state == "failed" and record.message:
        why = f"{why}: {clean(record.message, 160)}"
    if record.feasible is False:
        why = f"infeasible ({clean(record.violation, 120)})"
    if record.state == "pruned" and record.curve:
        why = f"{why} at {record.curve[-1].fraction:.0%} of its length"
    return _joined(
        f"trial {record.number}",
        record.state,
        _scores(config, record),
        clean(why),
        settings(searched(config, record.settings)),
        duration(train_seconds(record)),
        "best" if best else "",
    )


def view(config: StudyConfig, state: StudyState, best: Record | None, now: float) -> dict[str, Any]:
    """The numbers of the live display at the moment ``now`` (seconds since the epoch)."""
    records = list(state.records.values())  # one step under the interpreter's lock: the driver may be adding
    return {
        "study": config.study,
        "trials": counts(records),
        "budget_trials": config.budget.trials,
        "best": None if best is None else best.number,
        "best_scores": "" if best is None else _scores(config, best),
        "best_settings": "" if best is None else settings(searched(config, best.settings)),
        "running": [_running(config, record, now) for record in records if record.running and not record.ended],
        **cost(config, state, now),
        **forecast(config, state, now),
    }


def draw(seen: dict[str, Any]) -> RenderableType:
    """The live display of a ``view``."""
    from rich.console import Group
    from rich.progress_bar import ProgressBar
    from rich.table import Table
    from rich.text import Text

    trials = seen["trials"]
    ended = trials["total"] - trials["running"]
    of = f" of {seen['budget_trials']}" if seen["budget_trials"] else ""
    head = Table.grid(padding=(0, 1))
    left = "" if seen["seconds_left"] is None else f"about {duration(seen['seconds_left'])} left"
    bar = ProgressBar(total=1.0, completed=seen["fraction"] or 0.0, width=30)
    head.add_row(Text(seen["study"], style="bold"), bar, Text(f"{ended}{of} trials  {left}"))
    lines = [Text(f"running  trial {r['number']}  {r['text']}", style="cyan") for r in seen["running"][:SHOWN_RUNNING]]
    if len(seen["running"]) > SHOWN_RUNNING:
        lines.append(Text(f"         and {len(seen['running']) - SHOWN_RUNNING} more"))
    if seen["best"] is not None:
        text = f"best     trial {seen['best']}  {seen['best_scores']}  {seen['best_settings']}"
        lines.append(Text(text, style="green"))
    spent = money(seen["cost_usd"]) if seen["cost_usd"] is not None else device_time(seen["device_hours"])
    tally = "  ".join(f"{trials[name]} {name}" for name in ("complete", "pruned", "failed", "infeasible"))
    lines.append(Text(f"so far   {tally}  {duration(seen['seconds'])}  {spent}"))
    for line in lines:
        line.no_wrap, line.overflow = True, "ellipsis"
    return Group(head, *lines)


def _running(config: StudyConfig, record: Record, now: float) -> dict[str, Any]:
    started = record.started
    parts = [settings(searched(config, record.settings))]
    if record.curve:
        point = record.curve[-1]
        value = point.metrics.get(config.primary.metric)
        parts = [f"{point.fraction:.0%}", f"{config.primary.metric}={metric(value)}", *parts]
    since = "waiting" if started is None else duration(max(0.0, now - started))
    return {"number": record.number, "text": "  ".join([since, *parts])}


def _scores(config: StudyConfig, record: Record) -> str:
    values = {objective.metric: value_of(record, objective.metric) for objective in config.objectives}
    return " ".join(f"{name}={metric(value)}" for name, value in values.items() if value is not None)


def _joined(*parts: str) -> str:
    return "  ".join(part for part in parts if part)


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty()


class _Live:
    """Rich's live display: lines above, a few changing lines below."""

    def __init__(self, render: Any, stream: TextIO) -> None:
        from rich.console import Console
        from rich.live import Live

        self._console: Console = Console(file=stream, highlight=False)
        self._live = Live(
            get_renderable=render,
            console=self._console,
            refresh_per_second=REFRESH_PER_SECOND,
            transient=True,
            redirect_stdout=False,
        )

    def start(self) -> None:
        self._live.start()

    def stop(self) -> None:
        self._live.stop()

    def print(self, line: str) -> None:
        from rich.text import Text

        self._console.print(Text(line), soft_wrap=True)  # Text: brackets in data are no markup

"""A study's events, or a validation's scores, at Weights & Biases: off unless asked for, and never in the way.

A missing package, a missing key or a service that does not answer is told in one line on standard error, and the rest
goes on without it. With ``mode: offline`` nothing is sent: the files wait in ``wandb/`` below the folder for
``wandb sync``.
"""

from __future__ import annotations

import hashlib
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from hpo.config.models import StudyConfig, WandbConfig
from hpo.records.champion import better
from hpo.records.record import Event
from hpo.records.wording import clean, searched

MOST_ROWS = 10_000  # of a table


class WandbRun:
    """One run at Weights & Biases; after the first fault it takes everything and does nothing.

    Args:
        settings: project, tags, mode.
        name: of the run.
        folder: where its files lie, and what it is known by: a later run of the same folder goes on with it.
        config: what is shown beside the run.
    """

    def __init__(self, settings: WandbConfig, name: str, folder: Path, config: Mapping[str, Any]) -> None:
        self._run: Any = None
        self._library: Any = None
        self._guarded(lambda: self._open(settings, name, folder, config))

    def log(self, values: Mapping[str, Any]) -> None:
        """Log numbers; those that are missing or not finite are left out."""
        kept = _finite(values)
        if kept:
            self._guarded(lambda: self._run.log(kept))

    def summary(self, values: Mapping[str, Any]) -> None:
        """Set final values of the run."""
        self._guarded(lambda: self._run.summary.update(_finite(values)))

    def table(self, name: str, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Log rows as a table; further ones than MOST_ROWS are left out."""
        data = [[_plain(row.get(column)) for column in columns] for row in rows[:MOST_ROWS]]
        self._guarded(lambda: self._run.log({name: self._library.Table(columns=list(columns), data=data)}))

    def close(self) -> None:
        """Finish the run; waits until what was logged is sent or written."""
        self._guarded(lambda: self._run.finish())
        self._run = None

    @property
    def on(self) -> bool:
        """Whether anything is logged."""
        return self._run is not None

    def _open(self, settings: WandbConfig, name: str, folder: Path, config: Mapping[str, Any]) -> None:
        import wandb

        folder.mkdir(parents=True, exist_ok=True)
        self._library = wandb
        self._run = wandb.init(
            project=settings.project,
            name=name,
            id=hashlib.blake2b(f"{settings.project}/{folder.resolve()}".encode(), digest_size=8).hexdigest(),
            resume="allow" if settings.mode == "online" else None,
            tags=list(settings.tags) or None,
            mode=settings.mode,
            dir=str(folder),
            config={key: _plain(value) for key, value in config.items()},
            settings=wandb.Settings(  # numbers alone: no code, no console, no facts about the machine
                silent=True,
                console="off",
                disable_git=True,
                save_code=False,
                x_disable_meta=True,
                x_disable_stats=True,
                init_timeout=30,
            ),
        )

    def _guarded(self, work: Callable[[], Any]) -> None:
        if self._run is None and self._library is not None:
            return
        try:
            work()
        except ImportError:
            self._off("the package wandb is not installed (pip install -c constraints.txt '.[wandb]')")
        except Exception as error:  # the service, its client and the network raise of every kind
            self._off(f"{type(error).__name__}: {clean(error, 160)}")

    def _off(self, why: str) -> None:
        self._run, self._library = None, self._library or False
        print(f"nothing is logged to Weights & Biases: {why}", file=sys.stderr)


class WandbLogger:
    """Takes a study's events: a trial's metrics as it goes on, its settings and final numbers, a table at the end.

    Args:
        settings: project, tags, mode.
        folder: the run folder.
        config: the study.
    """

    def __init__(self, settings: WandbConfig, folder: Path, config: StudyConfig) -> None:
        self._config = config
        facts = {"study": config.study, "task": config.task, "objective": config.objective}
        model = {"model": config.model.name if config.model else None}
        aims = {"objectives": [f"{each.direction} {each.metric}" for each in config.objectives]}
        self._run = WandbRun(settings, config.study, folder, {**facts, **model, **aims})
        self._settings: dict[int, Mapping[str, Any]] = {}
        self._rows: list[dict[str, Any]] = []
        self._best: float | None = None

    def log(self, event: Event) -> None:
        """Take in one event; those of other kinds are passed over."""
        handler = getattr(self, f"_on_{event['event']}", None)
        if handler is not None and self._run.on:
            handler(event)

    def close(self) -> None:
        """Log the table of trials and finish the run."""
        if self._rows and self._run.on:
            columns = list(dict.fromkeys(name for row in self._rows for name in row))
            self._run.table("trials", columns, self._rows)
        self._run.close()

    def _on_ask(self, event: Event) -> None:
        self._settings[event["number"]] = searched(self._config, event["settings"])

    def _on_progress(self, event: Event) -> None:
        curves = {f"curves/{event['number']:05d}/{name}": value for name, value in event["metrics"].items()}
        self._run.log({"trial": event["number"], "examples": event["examples"], **curves})

    def _on_tell(self, event: Event) -> None:
        number, settings = event["number"], self._settings.get(event["number"], {})
        measured = {f"measurements/{name}": value for name, value in event["measurements"].items()}
        final = {f"final/{name}": value for name, value in event["metrics"].items()}
        self._rows.append({"trial": number, "state": event["state"], "reason": event["reason"], "feasible":
                           event["feasible"], **settings, **event["metrics"]})  # fmt: skip
        self._run.log({"trial": number, **final, **measured, **{f"params/{k}": v for k, v in settings.items()}})
        value = event["metrics"].get(self._config.primary.metric)
        if event["state"] == "complete" and event["feasible"] and self._ahead(value):
            self._best = value
            self._run.summary({"best/trial": number, f"best/{self._config.primary.metric}": value})

    def _on_reference(self, event: Event) -> None:
        self._run.summary({f"{event['name']}/{name}": value for name, value in event["metrics"].items()})

    def _ahead(self, value: float | None) -> bool:
        if value is None or not math.isfinite(value):
            return False
        return self._best is None or better(value, self._best, self._config.primary)


def log_validation(settings: WandbConfig, folder: Path, found: Mapping[str, Any]) -> None:
    """Log what a validation has found: scores as final values, and the tables of scores and comparisons."""
    config = {"baseline": found["baseline"], **{f"statistics/{k}": v for k, v in found["settings"].items()}}
    run = WandbRun(settings, found["name"], folder, config)
    if not run.on:
        return
    whole = [row for row in found["scores"] if row["subgroup"] is None]
    run.summary({f"{row['dataset']}/{row['model']}/{row['metric']}": row["value"] for row in whole})
    for name, columns in (("scores", _SCORES), ("comparisons", _COMPARISONS), ("cost", _COST)):
        if found[name]:
            run.table(name, columns, found[name])
    run.close()


_SCORES = ("dataset", "model", "metric", "subgroup", "value", "ci_low", "ci_high", "n", "method", "reason")
_COMPARISONS = ("dataset", "a", "b", "metric", "subgroup", "role", "difference", "ci_low", "ci_high", "p_value",
                "p_adjusted", "verdict", "winner", "reason")  # fmt: skip
_COST = ("dataset", "model", "seconds", "peak_memory_gb", "tokens_per_second", "latency_p50_ms", "latency_p95_ms",
         "latency_p99_ms", "cost_usd")  # fmt: skip


def _finite(values: Mapping[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in values.items():
        if isinstance(value, (bool, str)) or (isinstance(value, (int, float)) and math.isfinite(value)):
            kept[name] = value
        elif isinstance(value, (list, tuple)):
            kept[name] = _plain(value)
    return kept


def _plain(value: Any) -> Any:
    """A value as the service can hold it; lists become text."""
    if isinstance(value, (list, tuple, dict)):
        return ", ".join(map(str, value))
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value

"""Data checks of a file or a table from end to end: read, check, fix, check again; what ``hpo check-data`` runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.checks.advice import next_commands
from hpo.checks.curve import learning_curve
from hpo.checks.drift import drift
from hpo.checks.fix import fix, write_fixed
from hpo.checks.gates import evaluate_gates, judged, parse_gate
from hpo.checks.label_noise import label_noise
from hpo.checks.load import Loaded, alike, alike_frame, check_labels, from_frame, load_rows
from hpo.checks.options import CheckOptions, Model, quiet
from hpo.checks.out_of_fold import Learner
from hpo.checks.preprocessing import DEFAULTS, SETTINGS, Asked, effects
from hpo.checks.run import check_rows
from hpo.checks.values import Check, DataReport
from hpo.config.draft import did_you_mean
from hpo.data.rows import Rows
from hpo.errors import ConfigurationError, DataError
from hpo.evaluators.content import content
from hpo.statistics.values import Settings

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What is asked of rows beside the fast checks.

    Attributes:
        gates: thresholds by name.
        columns: our column to the file's; those that are not named are guessed.
        strategies: preprocessing strategies to try, name to transforms; empty: none.
        label_noise: whether to look for wrong labels; a gate on them asks for it too.
        learning_curve: whether to measure score against data size.
        drift: whether to hold the other rows against these.
        fix: whether to write a cleaned copy.
        model: tokenizer and length of the model that rows are meant for.
        learner: what is trained for label noise, strategies and curve; None: the classical baseline.
        settings: confidence, margin of equivalence, resamples, seed.
        progress: told what is being done.
    """

    gates: Mapping[str, float] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    strategies: Mapping[str, Sequence[str]] = field(default_factory=dict)
    label_noise: bool = False
    learning_curve: bool = False
    drift: bool = False
    fix: bool = False
    model: Model | None = None
    learner: Learner | None = None
    settings: Settings = SETTINGS
    progress: Progress = quiet


@dataclass(frozen=True)
class Named:
    """Rows, and what reports call them."""

    loaded: Loaded
    name: str


def check_data(
    data: str | Path | pd.DataFrame, against: str | Path | pd.DataFrame | None = None, **wanted: Any
) -> DataReport:
    """Check the rows of a data file or of a table.

    Args:
        data: file or table: what a model learns from.
        against: file or table: rows that it is judged by (leakage), or that it will meet (``drift=True``).
        **wanted: fields of ``Wanted``: ``gates={"max_leakage_ratio": 0}``, ``columns={"text": "body"}``,
            ``strategies=True`` (four sensible ones) or a mapping, ``label_noise=True``, ``learning_curve=True``,
            ``drift=True``, ``fix=True`` (files only), ...

    Returns:
        The report; ``.as_dict()`` is what ``hpo check-data --json`` prints.

    Raises:
        DataError: a file cannot be read, or has no column to check.
        ConfigurationError: there is no such field, or what is asked for needs something that is not there.
    """
    asked = _asked(wanted)
    first, second = load(data, against, asked)
    return check(first, second, asked, Path(data) if isinstance(data, str | Path) else None)


def _asked(wanted: dict[str, Any]) -> Wanted:
    """What a person has typed as keyword arguments, each looked at."""
    known = [each.name for each in fields(Wanted)]
    if wanted.get("strategies") is True:
        wanted["strategies"] = DEFAULTS
    given = {name: value for name, value in wanted.items() if value is not None and value is not False}
    for name, value in given.items():
        if name not in known:
            raise ConfigurationError(f"there is no `{name}`", where="check_data", hint=did_you_mean(name, known))
        if name in ("gates", "columns", "strategies") and not isinstance(value, Mapping):
            found = type(value).__name__
            raise ConfigurationError(f"`{name}` is a mapping, not {found}", where="check_data", hint=f"{name}={{...}}")
    if "gates" in given:
        kept = {name: value for name, value in given["gates"].items() if value is not None}
        given["gates"] = dict(parse_gate(f"{name}={value}") for name, value in kept.items())
    return Wanted(**given)


def _refuse_other(data: Any, name: str) -> None:
    import pandas as pd

    if not isinstance(data, str | Path | pd.DataFrame):
        hint = "a path, or pandas.DataFrame(...)"
        raise DataError(f"neither a file nor a table, but {type(data).__name__}", where=name, hint=hint)


def load(data: Any, against: Any, wanted: Wanted) -> tuple[Named, Named | None]:
    """Read what is to be checked, and what it is held against.

    Raises:
        DataError: see ``check_data``.
    """
    _refuse_other(data, "data")
    if isinstance(data, str | Path):
        first = Named(load_rows(data, wanted.columns), str(data))
    else:
        first = Named(from_frame(data, wanted.columns), "table")
    if against is None:
        if wanted.drift:
            raise DataError("drift needs other rows to hold against these", hint="name them: --against FILE")
        return first, None
    _refuse_other(against, "against")
    if isinstance(against, str | Path):
        second = Named(alike(against, first.loaded), str(against))
    else:
        second = Named(alike_frame(against, first.loaded, "against"), "against")
    if not wanted.drift:  # with it, a new class is something to be found
        check_labels(first.loaded.rows, second.loaded.rows, second.name)
    return first, second


def check(first: Named, second: Named | None, wanted: Wanted, path: Path | None) -> DataReport:
    """Everything that is wanted of rows; see ``check_data``.

    Args:
        first: the rows.
        second: what they are held against.
        wanted: what to do.
        path: the file of the first, which a fix is written beside; None: there is none.
    """
    report = _checked(first, second, wanted)
    report = _deep(report, first, second, wanted)
    if wanted.fix:
        if path is None:
            raise DataError("only a file can be fixed, since the fix is written beside it")
        report = replace(report, fixed=_fixed(report, first, second, (wanted, path)))
    return replace(report, next=next_commands(report, wanted.drift, wanted.fix))


def _checked(first: Named, second: Named | None, wanted: Wanted) -> DataReport:
    options = CheckOptions(
        file=first.name,
        reference="" if second is None else second.name,
        thresholds=wanted.gates,
        classes=first.loaded.task == "classification",
        model=wanted.model,
        progress=wanted.progress,
        faults=first.loaded.faults,
    )
    return check_rows(first.loaded.rows, None if second is None else second.loaded.rows, options)


def _deep(report: DataReport, first: Named, second: Named | None, wanted: Wanted) -> DataReport:
    """What takes longer: everything that trains a model."""
    sound = first.loaded.rows.take(first.loaded.sound)
    asked = Asked(wanted.learner, wanted.settings, progress=wanted.progress)
    found: dict[str, Any] = {}
    if wanted.label_noise or "max_label_noise" in wanted.gates:
        check, found["label_noise"] = _noise(sound, wanted)
        checks = (*report.checks, check)
        gates = tuple(evaluate_gates(checks, wanted.gates))
        found |= {"checks": judged(checks, gates), "gates": gates}
    if wanted.strategies:
        found["preprocessing"] = effects(sound, wanted.strategies, asked)
    if wanted.learning_curve:
        found["learning_curve"] = learning_curve(sound, asked)
    if wanted.drift and second is not None:
        new = second.loaded.rows.take(second.loaded.sound)
        found["drift"] = drift(sound, new, wanted.settings, wanted.learner, wanted.progress)
    return replace(report, **found)


def _noise(rows: Rows, wanted: Wanted) -> tuple[Check, dict[str, Any]]:
    noise = label_noise(rows, wanted.learner, wanted.settings, wanted.progress)
    return noise.check(), noise.as_dict(rows, content(rows))


def _fixed(report: DataReport, first: Named, second: Named | None, how: tuple[Wanted, Path]) -> dict[str, Any]:
    """Write the cleaned copy, check it as the input was checked, and tell both."""
    wanted, path = how
    wanted.progress("fixing")
    fixed = fix(first.loaded, None if second is None else second.loaded)
    target, log = write_fixed(fixed, path)
    again = _checked(Named(load_rows(target, first.loaded.columns), str(target)), second, wanted)
    return {
        "file": str(target),
        "log": str(log),
        "rows_before": len(first.loaded.rows),
        "rows_after": len(fixed.loaded.rows),
        "changes": fixed.counts(),
        "before": {check.name: check.value for check in report.checks if check.name != "label_noise"},
        "after": {check.name: check.value for check in again.checks},
        "gates": [gate.as_dict() for gate in again.gates],
    }

"""Checks of a study's rows before its first trial: run once for each version of them, and stopped by a gate."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpo.config.models import StudyConfig
from hpo.data.whole import write_text
from hpo.errors import Fault, GateFailed
from hpo.records import Event, RunFolder, load_state
from hpo.records.data_checks import gate_words, record
from hpo.records.journal import finite
from hpo.records.place import place_of, refreshed

if TYPE_CHECKING:
    from hpo.checks.options import Model
    from hpo.data.rows import Splits

SHOWN = 3  # pairs of rows in a message


@dataclass(frozen=True)
class Checked:
    """What was found, and whether the study may go on.

    Attributes:
        found: as in data_checks.json.
        event: the fields of the journal's event.
    """

    found: Mapping[str, Any]
    event: Mapping[str, Any]

    def is_news(self, known: Event | None) -> bool:
        """Whether the journal does not say so yet."""
        return known is None or any(known.get(name) != value for name, value in self.event.items())

    def write(self, path: Path) -> None:
        """Write data_checks.json."""
        write_text(path, json.dumps(self.found, indent=1, allow_nan=False))


def checked_data(config: StudyConfig, splits: Splits | None, accept: str | None = None) -> Checked | None:
    """Check the rows; what an earlier call found is used again where neither the rows nor the gates have changed.

    Args:
        config: the study.
        splits: its rows; None where it has none.
        accept: why to go on though a gate fails; a reason that an earlier call recorded for the same rows holds too.

    Returns:
        What was found; None where there are no rows.

    Raises:
        GateFailed: the rows do not keep a gate, and nobody has accepted that.
    """
    if splits is None or config.data is None:
        return None
    folder = refreshed(place_of(config))
    thresholds = config.data.gates.thresholds
    cut = _cut_at(config) if "max_truncated_ratio" in thresholds else None
    key = {"fingerprint": splits.fingerprint, "thresholds": thresholds, "task": config.task, "cut_at": cut}
    found = _known(folder.data_checks, key)
    if found is None:
        from hpo.checks.study import check_splits

        report = check_splits(splits, thresholds, config.task, _model(config, cut))
        found = finite({**report.as_dict(), **key})
    failed = [gate for gate in found["gates"] if not gate["passed"]]
    accept = accept or _accepted(folder, splits.fingerprint, failed)
    if failed and not accept:
        raise _failure(config, found, failed)
    return Checked(found, record(found, splits.fingerprint, accept))


def _cut_at(config: StudyConfig) -> int | None:
    """Tokens at which the trial that reads most cuts a row; None where there is no model to read it."""
    if config.model is None:
        return None
    searched = config.search_space.get("max_length")
    if searched is None:
        return config.training.max_length
    ends = [getattr(searched, name, None) for name in ("value", "high")]
    return max(int(end) for end in (*ends, *getattr(searched, "choices", ())) if isinstance(end, int | float))


def _model(config: StudyConfig, cut_at: int | None) -> Model | None:
    if config.model is None or cut_at is None:
        return None
    from hpo.checks.options import Model
    from hpo.training.tokenizer import open_tokenizer

    tokenize, unknown = open_tokenizer(config.model)
    return Model(tokenize, cut_at, unknown)


def _known(path: Path, key: Mapping[str, Any]) -> dict[str, Any] | None:
    """What an earlier call found of the same rows under the same gates."""
    try:
        found = json.loads(path.read_text(encoding="utf8"))
    except (OSError, ValueError):  # none, or not whole: checked anew
        return None
    same = isinstance(found, dict) and all(found.get(name) == value for name, value in key.items())
    return found if same else None


def _accepted(folder: RunFolder, fingerprint: str, failed: list[Mapping[str, Any]]) -> str | None:
    """The reason that the journal holds for rows of this fingerprint; a gate that did not fail then asks anew."""
    event = load_state(folder.journal).data_checks
    if event is None or event["fingerprint"] != fingerprint:
        return None
    if {gate["name"] for gate in failed} - {gate["name"] for gate in event["gates"] if not gate["passed"]}:
        return None
    reason: str | None = event["accepted"]
    return reason


def _failure(config: StudyConfig, found: Mapping[str, Any], failed: list[Mapping[str, Any]]) -> GateFailed:
    faults = [Fault(f"data.gates.{gate['name']}", _words(found, gate), _hint(config, found, gate)) for gate in failed]
    return GateFailed.of(faults)


def _words(found: Mapping[str, Any], gate: Mapping[str, Any]) -> str:
    """The gate, and the first rows that speak against it."""
    seen = [finding for finding in found["findings"] if finding["check"] == gate["check"]]
    rows = [_pair(finding) for finding in seen[:SHOWN]]
    total = found.get("findings_total", {}).get(gate["check"], len(seen))
    more = f" and {total - len(rows)} more" if total > len(rows) else ""
    return f"{gate_words(gate)}: {gate['what']}" + (f"; {', '.join(rows)}{more}" if rows else "")


def _pair(finding: Mapping[str, Any]) -> str:
    """Two rows by their ids, each with the split it lies in where that is told."""
    if finding.get("partner") is None:
        suggested = finding["evidence"].get("suggested")
        return f"row {finding['id']}" + (f" ({finding['label']}, or rather {suggested})" if suggested else "")
    where = f" of {finding['partner_file']}" if finding.get("partner_file") else ""
    return f"row {finding['id']} is like row {finding['partner']}{where}"


def _hint(config: StudyConfig, found: Mapping[str, Any], gate: Mapping[str, Any]) -> str:
    data = config.data
    assert data is not None
    held = {"validation": data.validation, "test": data.test}
    of = Counter(each.get("partner_file") for each in found["findings"] if each["check"] == gate["check"])
    most = sorted((name for name in held if held[name] is not None), key=lambda name: -of[name])
    files = [shlex.quote(file) for file in (data.train, held[most[0]] if most else None) if file is not None]
    command = f"hpo check-data {' --against '.join(files) if files else 'FILE'}"
    return (
        f"`{command}` shows every finding, and with --fix writes a cleaned copy; or change data.gates.{gate['name']}; "
        'or go on with it: --accept-data "reason"'
    )

"""Gates: the thresholds of a study or a command line, held against what the checks measured."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hpo.checks.values import Check, Gate
from hpo.config.draft import did_you_mean
from hpo.config.gates import GATES as SPECS
from hpo.errors import ConfigurationError


@dataclass(frozen=True)
class Bound:
    """What a gate stands on; its side and its words are those of ``hpo.config.gates``.

    Attributes:
        check: name of the check.
        measure: the number of the check, ``value`` or one of its measures.
    """

    check: str
    measure: str


GATES: Mapping[str, Bound] = {
    "min_words_per_sample": Bound("length", "least_words"),
    "max_words_per_sample": Bound("length", "most_words"),
    "max_duplicate_ratio": Bound("duplicates", "value"),
    "max_near_duplicate_ratio": Bound("near_duplicates", "value"),
    "max_leakage_ratio": Bound("leakage", "value"),
    "min_vocabulary_richness": Bound("vocabulary", "value"),
    "max_special_character_ratio": Bound("special_characters", "value"),
    "max_label_noise": Bound("label_noise", "value"),
    "max_class_imbalance": Bound("class_balance", "value"),
    "max_contradictory_label_ratio": Bound("contradictory_labels", "value"),
    "max_encoding_damage_ratio": Bound("encoding", "value"),
    "max_personal_data_ratio": Bound("personal_data", "value"),
    "max_truncated_ratio": Bound("truncated", "value"),
    "max_empty_ratio": Bound("empty", "value"),
    "max_outlier_ratio": Bound("outliers", "value"),
    "min_rows_per_class": Bound("class_balance", "least_rows"),
}
ESTIMATES = frozenset({"label_noise"})  # judged on the interval; everything else is a census, judged on the value


def parse_gate(text: str) -> tuple[str, float]:
    """Name and threshold of ``NAME=VALUE``.

    Raises:
        ConfigurationError: there is no such gate, or the value is no number that makes sense.
    """
    name, sign, value = (part.strip() for part in text.partition("="))
    where = f"--gate {text}"
    if name not in SPECS:
        raise ConfigurationError(f"unknown gate `{name}`", where=where, hint=did_you_mean(name, SPECS))
    spec = SPECS[name]
    try:
        threshold = float(value) if sign else math.nan
    except ValueError:
        threshold = math.nan
    end = math.inf if spec.high is None else spec.high
    if not math.isfinite(threshold) or not spec.low <= threshold <= end:
        ends = f"at least {spec.low:g}" if spec.high is None else f"in [{spec.low:g}, {spec.high:g}]"
        raise ConfigurationError(f"`{name}` needs a number {ends}", where=where, hint=f"--gate {name}={spec.low:g}")
    return name, threshold


def evaluate_gates(checks: Sequence[Check], thresholds: Mapping[str, float]) -> list[Gate]:
    """Every threshold held against its check, in the order of ``GATES``.

    A count is a census: its value decides. An estimate fails only where its whole interval lies beyond the threshold,
    since anything less says that the rows may well keep it. A gate whose check was not run fails: nobody knows.
    """
    named = {check.name: check for check in checks}
    return [_gate(name, thresholds[name], named.get(GATES[name].check)) for name in GATES if name in thresholds]


def judged(checks: Sequence[Check], gates: Sequence[Gate]) -> tuple[Check, ...]:
    """The checks, those with a failed gate marked ``failed``."""
    failed = {gate.check for gate in gates if not gate.passed}
    return tuple(replace(check, verdict="failed") if check.name in failed else check for check in checks)


def _gate(name: str, threshold: float, check: Check | None) -> Gate:
    bound, spec = GATES[name], SPECS[name]
    value = math.nan if check is None else check.measure(bound.measure)
    at_best = value
    if check is not None and bound.check in ESTIMATES and bound.measure == "value":
        end = check.low if spec.side == "max" else check.high
        at_best = value if math.isnan(end) else end
    if check is None or math.isnan(value):
        why = "it was not run"
        if check is not None and check.verdict == "not run":
            why = check.what.rpartition(": not run, ")[2]
        return Gate(name, threshold, math.nan, False, bound.check, f"{spec.what}: not measured ({why})")
    return Gate(name, threshold, value, spec.passes(at_best, threshold), bound.check, spec.what)

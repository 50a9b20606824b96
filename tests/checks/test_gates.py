"""Gates: a count is judged on its value, an estimate only where its whole interval lies beyond the threshold."""

from __future__ import annotations

import math

import pytest

from hpo.checks.gates import GATES, evaluate_gates, judged, parse_gate
from hpo.checks.values import Check
from hpo.config.gates import GATES as SPECS
from hpo.errors import ConfigurationError


def check(name: str, value: float, low: float = math.nan, high: float = math.nan, **measures: float) -> Check:
    return Check(name, value, low, high, 0, "ok", "what", measures)


def test_every_gate_of_a_study_stands_on_a_check() -> None:
    assert list(GATES) == list(SPECS)


@pytest.mark.parametrize(("value", "passed"), [(0.0, True), (0.05, True), (0.0500001, False)])
def test_a_count_is_a_census_judged_on_its_value(value: float, passed: bool) -> None:
    gate = evaluate_gates([check("duplicates", value)], {"max_duplicate_ratio": 0.05})[0]
    assert gate.passed is passed
    assert gate.value == value


@pytest.mark.parametrize(
    ("value", "low", "high", "passed"),
    [(0.08, 0.04, 0.12, True), (0.08, 0.05, 0.12, True), (0.08, 0.0501, 0.12, False), (0.02, 0.01, 0.12, True)],
)
def test_an_estimate_fails_only_with_its_whole_interval(value: float, low: float, high: float, passed: bool) -> None:
    gate = evaluate_gates([check("label_noise", value, low, high)], {"max_label_noise": 0.05})[0]
    assert gate.passed is passed


def test_least_and_most_words_stand_on_the_shortest_and_the_longest_row() -> None:
    measured = check("length", 20.0, least_words=3.0, most_words=40.0)
    gates = evaluate_gates([measured], {"min_words_per_sample": 3, "max_words_per_sample": 39})
    assert [(gate.name, gate.value, gate.passed) for gate in gates] == [
        ("min_words_per_sample", 3.0, True),
        ("max_words_per_sample", 40.0, False),
    ]


def test_what_was_not_measured_does_not_pass() -> None:
    gate = evaluate_gates([], {"max_leakage_ratio": 0.1})[0]
    assert not gate.passed
    assert math.isnan(gate.value)
    assert gate.as_dict()["value"] is None


def test_a_check_with_a_failed_gate_is_marked() -> None:
    checks = [check("duplicates", 0.1), check("empty", 0.0)]
    gates = evaluate_gates(checks, {"max_duplicate_ratio": 0.0, "max_empty_ratio": 0.0})
    assert [each.verdict for each in judged(checks, gates)] == ["failed", "ok"]


def test_a_gate_is_read_from_a_word() -> None:
    assert parse_gate("max_leakage_ratio=0.5") == ("max_leakage_ratio", 0.5)


@pytest.mark.parametrize(
    "word", ["max_leakage_ratio", "max_leakage_ratio=", "max_leakage_ratio=2", "max_leakage_ratio=nan", "max_leak=1"]
)
def test_a_word_that_is_no_gate_is_refused(word: str) -> None:
    with pytest.raises(ConfigurationError):
        parse_gate(word)

"""Metrics are found by name, and whoever misspells one is told what there is."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows
from hpo.errors import ConfigurationError, ObjectiveError
from hpo.evaluators.measurements import DESCRIPTIONS
from hpo.evaluators.ratings import DIMENSIONS
from hpo.evaluators.registry import EVALUATORS, MEASUREMENTS, REPRODUCIBLE, STANDARD, direction, find, metric_names
from hpo.evaluators.user import load_evaluator
from hpo.objective import Outputs

OWN = """
import numpy as np
from hpo.evaluators.protocol import ExampleScores, Metric

class Length:
    name = "length"
    needs = frozenset({"prediction"})
    metrics = (Metric("mean_length", "minimize", lambda stats, weights: np.average(stats["n"], weights=weights)),)

    def prepare(self, reference):
        return None

    def score(self, data, outputs, state):
        return ExampleScores(data.ids, {"n": np.array([len(text) for text in outputs.prediction], dtype=float)})
"""


@pytest.fixture
def own(tmp_path):
    """Writes a file of the user's own and gives its path."""

    def write(text, name="mine.py"):
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        return str(file)

    return write


def test_what_the_tasks_can_measure():
    time = {"seconds_p50", "seconds_p95", "seconds_p99", "rows_per_second"}
    likelihood = {"loss", "perplexity", "bits_per_byte"}
    assert {"accuracy", "macro_f1", "mcc", "roc_auc", "log_loss", "brier", "ece", "f1", "aurc"} <= metric_names(
        "classification"
    )
    assert metric_names("regression") == {"mae", "rmse", "rmsle", "r2"} | time
    assert metric_names("language_modeling") == likelihood | time
    text = {"exact_match", "token_f1", "numeric_accuracy", "rouge_1", "rouge_2", "rouge_l", "bleu", "chrf"}
    choices = {"multiple_choice_accuracy", "multiple_choice_accuracy_normalized"}
    candidates = {"pass_at_1", "pass_at_5", "pass_at_10", "pass_at_100"}
    rated = {f"{dimension}{part}" for dimension in DIMENSIONS for part in ("", "_majority")}
    assert metric_names("instruction") == (
        text | choices | candidates | rated | likelihood | time | {"chrf_plus_plus", "mean_score"}
    )
    assert metric_names("custom") == frozenset()


@pytest.mark.parametrize("task", EVALUATORS)
def test_every_name_finds_its_metric_and_no_two_metrics_share_one(task):
    names = [metric.name for evaluator in EVALUATORS[task] for metric in evaluator.metrics]
    assert len(names) == len(set(names))
    assert not set(names) & set(MEASUREMENTS)
    assert set(STANDARD[task]) <= set(names)
    for name in names:
        evaluator, metric = find(name, task)
        assert metric.name == name
        assert metric in evaluator.metrics
        assert direction(name) == metric.direction


@pytest.mark.parametrize(
    ("wrong", "right"), [("acuracy", "accuracy"), ("f1_macro", "macro_f1"), ("macro_recall", "recall_macro")]
)
def test_a_misspelt_metric_is_answered_with_the_right_one(wrong, right):
    with pytest.raises(ConfigurationError, match=wrong) as error:
        find(wrong, "classification")
    assert f"did you mean {right}?" in str(error.value)
    assert "weighted_f1" in str(error.value)


def test_a_metric_of_another_task_is_unknown_here():
    with pytest.raises(ConfigurationError, match="there are: mae, r2, rmse, rmsle"):
        find("accuracy", "regression")
    with pytest.raises(ConfigurationError, match=r"mine\.py:name"):
        find("accuracy", "custom")


def test_directions():
    assert direction("accuracy") == direction("tokens_per_second") == "maximize"
    assert direction("ece") == direction("cost_usd") == "minimize"
    assert direction("no such thing") is None


def test_only_what_a_seed_reproduces_is_called_reproducible():
    assert {"train_tokens", "train_flops", "trainable_parameters", "examples"} <= REPRODUCIBLE
    assert not REPRODUCIBLE & {
        "train_seconds",
        "device_seconds",
        "peak_memory_gb",
        "tokens_per_second",
        "latency_ms",
        "latency_p99_ms",
        "cost_usd",
    }


def test_every_measurement_has_a_unit_and_a_sentence():
    for name, each in DESCRIPTIONS.items():
        assert each.unit, name
        assert each.doc.endswith("."), name


def test_an_evaluator_of_ones_own_by_its_metric(own):
    path = own(OWN + "\nEVALUATOR = Length()\n")
    evaluator, metric = find(f"{path}:mean_length", "classification")
    assert (evaluator.name, metric.name) == ("length", "mean_length")
    assert find(f"{path}:mean_length", "custom")[0] is evaluator  # the file runs once
    assert direction(f"{path}:mean_length") == "minimize"


def test_an_evaluator_of_ones_own_by_its_variable(own):
    assert find(own(OWN + "\nwords = Length()\n") + ":words", "instruction")[1].name == "mean_length"


def test_an_evaluator_of_ones_own_scores_outside_a_study(own):
    path = own(OWN + "\nEVALUATOR = Length()\nwords = Length()\n")
    for reference in (path, f"{path}:words", f"{path}:mean_length"):
        evaluator = load_evaluator(reference)
        rows = Rows(pd.DataFrame({"id": ["a", "b"]}), "custom")
        outputs = Outputs(rows.ids, np.array(["yes", "no"], dtype=object))
        scores = evaluator.score(rows, outputs, evaluator.prepare(None))
        assert evaluator.metrics[0].reduce(scores.stats, np.ones(2)) == 2.5


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("x = 1\n", "", "the file has no EVALUATOR"),
        (OWN + "\nEVALUATOR = Length()\n", ":median", "it has: mean_length"),
        ("x = 1\n", ":x", "no evaluator for 'x'"),
    ],
)
def test_an_evaluator_that_is_not_there_is_named(own, text, name, said):
    path = own(text)
    with pytest.raises(ObjectiveError, match=said) as error:
        load_evaluator(f"{path}{name}")
    assert path in str(error.value)


def test_a_file_that_changed_is_read_again(own):
    path = own(OWN + "\nEVALUATOR = Length()\n")
    first, _ = find(f"{path}:mean_length", "custom")
    own(OWN.replace('"length"', '"size"') + "\nEVALUATOR = Length()\n")
    os.utime(path, ns=(1, 1))
    assert (first.name, find(f"{path}:mean_length", "custom")[0].name) == ("length", "size")


@pytest.mark.parametrize(
    ("text", "metric", "said"),
    [
        ("x = 1\n", "x", "no evaluator for 'x'"),
        (OWN, "Length", "no evaluator for 'Length'"),  # a class, not an object
        (OWN + "\nEVALUATOR = Length()\n", "median", "it has: mean_length"),
        ("import nowhere\n", "x", "mine.py:1: the file fails when run: ModuleNotFoundError"),
        ("\n\nraise ValueError('no')\n", "x", "mine.py:3: the file fails when run: ValueError: no"),
        ("def f(:\n", "x", "mine.py:1: the file fails when run: SyntaxError"),
        ("raise SystemExit(3)\n", "x", "SystemExit: 3"),
    ],
)
def test_what_is_wrong_with_a_file_of_ones_own_is_said(own, text, metric, said):
    path = own(text)
    with pytest.raises(ObjectiveError) as error:
        find(f"{path}:{metric}", "classification")
    assert said in str(error.value)
    assert path in str(error.value)
    assert "hint:" in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ObjectiveError, match="no such file"):
        find(f"{tmp_path}/none.py:x", "classification")


def test_names_are_known_without_loading_anything_heavy():
    code = (
        "import sys, hpo.evaluators.score;"
        "print([m for m in ('pandas', 'sklearn', 'scipy', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

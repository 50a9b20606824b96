"""A scorecard chooses the evaluators, matches outputs to rows, and its table gives every metric again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from hpo.errors import ConfigurationError, DataError, ObjectiveError
from hpo.evaluators.registry import STANDARD, metric_names
from hpo.evaluators.score import Scorecard, aggregate
from hpo.objective import Outputs


def card_for(outputs, *wanted):
    return Scorecard("classification", outputs.labels, wanted)


def test_standard_metrics_come_unasked_and_wanted_ones_too(build):
    rows, outputs = build.classified(30, 3, seed=0)
    scored = card_for(outputs, "roc_auc", "train_seconds").score(rows, outputs)
    assert set(scored.metrics) == {*STANDARD["classification"], "roc_auc"}
    right = np.mean(outputs.prediction == rows.frame["label"].to_numpy(dtype=object))
    assert scored.metrics["accuracy"] == pytest.approx(right)


def test_the_table_has_a_row_an_example_and_a_column_a_statistic(three_rows):
    outputs = Outputs(three_rows.ids, np.array(["ant", "bee", "bee"], dtype=object), labels=("ant", "bee", "cat"))
    table = card_for(outputs).score(three_rows, outputs).table
    assert table.to_dict("list") == {
        "id": ["row0", "row1", "row2"],
        "group": ["g1", "g1", "g2"],
        "classification.label": [0, 1, 2],
        "classification.prediction": [0, 1, 1],
    }


def test_every_metric_comes_again_from_the_stored_table(build, tmp_path):
    rows, outputs = build.classified(40, 2, seed=1)
    rows = replace(rows, frame=rows.frame.assign(label=[name[-1] for name in rows.frame["label"]]))
    choices = {"choice_scores": np.log(outputs.probabilities), "choice_bytes": np.full((40, 2), [3.0, 7.0])}
    outputs = replace(outputs, labels=("0", "1"), score=np.arange(40.0) % 7, seconds=np.arange(40.0) + 1, **choices)
    outputs = replace(outputs, prediction=np.array([str(each)[-1:] for each in outputs.prediction], dtype=object))
    names = sorted(metric_names("classification"))
    scored = card_for(outputs, *names).score(rows, outputs)
    scored.table.to_parquet(tmp_path / "scores.parquet")
    table = pd.read_parquet(tmp_path / "scores.parquet")
    for name in names:
        assert aggregate(table, name, "classification") == scored.metrics[name], name


def test_weights_of_the_table_are_repeated_rows(build):
    rows, outputs = build.classified(20, 2, seed=2)
    table = card_for(outputs).score(rows, outputs).table
    weights = np.random.default_rng(0).integers(0, 3, 20)
    repeated = table.loc[np.repeat(table.index, weights)]
    assert aggregate(table, "macro_f1", "classification", weights) == pytest.approx(
        aggregate(repeated, "macro_f1", "classification")
    )


def test_outputs_in_another_order_are_matched_by_id(build):
    rows, outputs = build.classified(25, 3, seed=3)
    order = np.random.default_rng(0).permutation(25)
    shuffled = Outputs(outputs.ids[order], outputs.prediction[order], outputs.probabilities[order], outputs.labels)
    first, second = (card_for(outputs).score(rows, each) for each in (outputs, shuffled))
    pd.testing.assert_frame_equal(first.table, second.table)
    assert first.metrics == second.metrics


def test_probabilities_of_labels_in_another_order_are_put_right(build):
    rows, outputs = build.classified(25, 3, seed=4)
    turned = replace(outputs, labels=outputs.labels[::-1], probabilities=outputs.probabilities[:, ::-1])
    card = card_for(outputs)
    pd.testing.assert_frame_equal(card.score(rows, outputs).table, card.score(rows, turned).table)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["row0", "row1"], r"1 ids missing \(row2\)"),
        (["row0", "row1", "row2", "row9"], r"1 ids unknown \(row9\)"),
        (["row0", "row1", "row1"], r"1 ids missing \(row2\); 1 ids twice"),
    ],
)
def test_outputs_of_other_rows_are_refused_by_name(three_rows, ids, said):
    outputs = Outputs(np.array(ids, dtype=object), np.array(["ant"] * len(ids), dtype=object))
    with pytest.raises(ObjectiveError, match=said):
        Scorecard("classification", ("ant", "bee", "cat")).score(three_rows, outputs)


def test_outputs_of_other_labels_or_lengths_are_refused(three_rows):
    card = Scorecard("classification", ("ant", "bee", "cat"))
    answers = np.array(["ant", "bee", "cat"], dtype=object)
    with pytest.raises(ObjectiveError, match=r"other labels.*: cat, dog"):
        card.score(three_rows, Outputs(three_rows.ids, answers, labels=("ant", "bee", "dog")))
    with pytest.raises(ObjectiveError, match="2 values of prediction for 3 rows"):
        card.score(three_rows, Outputs(three_rows.ids, answers[:2]))


def test_without_probabilities_only_their_metrics_are_left_out(build):
    rows, outputs = build.classified(20, 3, seed=5)
    plain = replace(outputs, probabilities=None)
    assert set(card_for(plain).score(rows, plain).metrics) == {"accuracy", "macro_f1", "mcc"}
    with pytest.raises(ObjectiveError, match="metric ece needs probabilities"):
        card_for(plain, "ece").score(rows, plain)
    with pytest.raises(ObjectiveError, match="no columns probabilities"):
        aggregate(card_for(plain).score(rows, plain).table, "ece", "classification")


def test_outputs_needed_are_those_of_the_wanted_metrics():
    def needed(task, *wanted):
        return Scorecard(task, (), wanted).outputs_needed

    assert needed("classification", "macro_f1") == {"prediction"}
    assert needed("classification", "ece") == {"prediction", "probabilities"}
    assert needed("regression", "rmse", "cost_usd") == {"prediction"}
    assert needed("instruction", "perplexity") == {"likelihood"}  # nothing needs to be generated
    assert needed("instruction", "exact_match", "loss") == {"prediction", "likelihood"}
    assert needed("instruction", "train_seconds") == {"prediction"}
    assert needed("language_modeling") == {"likelihood"}
    assert needed("custom", "a_metric_of_its_own") == frozenset()


def test_answers_in_no_class_are_counted(three_rows):
    outputs = Outputs(three_rows.ids, np.array(["ant", "dog", None], dtype=object))
    scored = Scorecard("classification", ("ant", "bee", "cat")).score(three_rows, outputs)
    assert scored.metrics["accuracy"] == pytest.approx(1 / 3)
    assert scored.measurements == {"unscored": 0, "unmatched": 2}
    assert scored.unscored == {}


def test_rows_without_a_number_are_counted_and_named_and_not_zero(build):
    rows = build.rows([float(i) for i in range(100)])
    answers = rows.frame["label"].to_numpy(dtype=object) + 1
    answers[:5] = "many"
    scored = Scorecard("regression").score(rows, Outputs(rows.ids, answers))
    assert scored.metrics["mae"] == pytest.approx(1)
    assert scored.measurements == {"unscored": 5}
    assert scored.unscored == {"regression": 5}
    assert scored.table["regression.prediction"].isna().sum() == 5


def test_a_model_that_answers_few_rows_has_no_metric(build):
    rows = build.rows([float(i) for i in range(100)])
    answers = rows.frame["label"].to_numpy(dtype=object)
    answers[:6] = None  # right wherever it answers, and still not to be compared with one that answers all
    scored = Scorecard("regression", (), ["mae"]).score(rows, Outputs(rows.ids, answers))
    assert np.isnan(scored.metrics["mae"])
    assert np.isnan(aggregate(scored.table, "mae", "regression"))
    assert scored.unscored == {"regression": 6}


def test_binary_metrics_of_more_classes_are_refused_with_the_one_to_take():
    with pytest.raises(ConfigurationError, match="f1 is of two classes, the data have 3") as error:
        Scorecard("classification", ("ant", "bee", "cat"), ["f1"])
    assert "macro_f1" in str(error.value)
    Scorecard("classification", ("ant", "bee"), ["f1"])


def test_a_label_the_study_does_not_have_is_refused(three_rows):
    outputs = Outputs(three_rows.ids, np.array(["ant"] * 3, dtype=object))
    with pytest.raises(DataError, match="cat"):
        Scorecard("classification", ("ant", "bee")).score(three_rows, outputs)


OWN = """
import numpy as np
from hpo.evaluators.protocol import ExampleScores, Metric

class Own:
    name = {name!r}
    needs = frozenset({{"prediction"}})
    metrics = (Metric("share", "maximize", lambda stats, weights: float(np.average(stats["right"], weights=weights))),)

    def prepare(self, reference):
        return 0 if reference is None else len(reference)

    def score(self, data, outputs, state):
        return ExampleScores(data.ids, {{"right": {value}}})

EVALUATOR = Own()
"""


@pytest.fixture
def own(tmp_path):
    def write(value, name="own"):
        file = tmp_path / "mine.py"
        file.write_text(OWN.format(value=value, name=name), encoding="utf-8")
        return f"{file}:share"

    return write


def test_an_evaluator_of_ones_own_scores_beside_ours(three_rows, own):
    metric = own("np.full(len(data), 0.25 * state)")
    outputs = Outputs(three_rows.ids, np.array(["ant"] * 3, dtype=object))
    scored = Scorecard("classification", ("ant", "bee", "cat"), [metric], reference=three_rows).score(
        three_rows, outputs
    )
    assert scored.metrics[metric] == pytest.approx(0.75)
    assert scored.table["own.right"].tolist() == [0.75] * 3
    assert aggregate(scored.table, metric, "classification") == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("1 / 0", "mine.py:14: evaluator 'own' failed: ZeroDivisionError"),
        ("np.ones(2)", "one value a row: right"),
        ("np.array(['x'] * 3)", "mine.py:8: evaluator 'own' failed"),
    ],
)
def test_what_fails_in_an_evaluator_of_ones_own_is_named_with_its_file(three_rows, own, value, said):
    card = Scorecard("classification", ("ant", "bee", "cat"), [own(value)])
    with pytest.raises(ObjectiveError) as error:
        card.score(three_rows, Outputs(three_rows.ids, np.array(["ant"] * 3, dtype=object)))
    assert said in str(error.value)


def test_an_evaluator_of_ones_own_may_not_take_our_names(own):
    with pytest.raises(ObjectiveError, match="two evaluators are called 'classification'"):
        Scorecard("classification", ("ant", "bee", "cat"), [own("0", name="classification")])

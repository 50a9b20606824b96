"""A predictions file is read as rows and outputs, or refused with the line that is wrong; what is written is read."""

from __future__ import annotations

import gzip
import json

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.evaluators.align import arrays
from hpo.evaluators.predictions import read_predictions
from hpo.evaluators.score import Scorecard
from hpo.evaluators.write_predictions import write_predictions
from hpo.objective import Outputs


@pytest.fixture
def csv(tmp_path):
    def write(text):
        file = tmp_path / "said.csv"
        file.write_text(text, encoding="utf-8")
        return file

    return write


def refusal(path, **options):
    with pytest.raises(DataError) as error:
        read_predictions(path, **options)
    return str(error.value)


def test_classes_and_probabilities(csv):
    found = read_predictions(
        csv(
            "id,label,prediction,probability_no,probability_yes,group\na,yes,yes,.3,.7,g\nb,no,maybe,1,0,g\nc,no,,.5,.5,h\n"
        )
    )
    assert found.task == "classification"
    assert found.outputs.labels == ("no", "yes")
    assert found.outputs.prediction.tolist() == ["yes", "maybe", None]
    assert found.outputs.probabilities.tolist() == [[0.3, 0.7], [1, 0], [0.5, 0.5]]
    assert found.rows.ids.tolist() == ["a", "b", "c"]
    assert found.rows.groups.tolist() == ["g", "g", "h"]
    assert found.seeds == (0,)
    scored = Scorecard("classification", found.outputs.labels).score(found.rows, found.outputs)
    assert scored.metrics["accuracy"] == pytest.approx(1 / 3)


def test_without_a_prediction_the_likeliest_class_is_it(csv):
    found = read_predictions(csv("id,label,probability_no,probability_yes\na,yes,.3,.7\nb,no,,\n"))
    assert found.outputs.prediction.tolist() == ["yes", None]
    assert np.isnan(found.outputs.probabilities[1]).all()


def test_classes_spelled_as_numbers_are_the_same_in_every_format(tmp_path):
    frame = pd.DataFrame({"id": [1, 2], "label": [0, 1], "prediction": [0.0, 1.0]})
    frame.to_parquet(tmp_path / "said.parquet")
    frame.to_csv(tmp_path / "said.csv", index=False)
    numbers = read_predictions(tmp_path / "said.parquet")
    assert numbers.outputs.prediction.tolist() == ["0", "1"] == numbers.rows.frame["label"].tolist()
    assert numbers.outputs.labels == ("0", "1")
    assert read_predictions(tmp_path / "said.csv").rows.frame["label"].tolist() == ["0", "1"]


def test_numbers_answers_and_likelihoods(csv):
    numbers = read_predictions(csv("id,label,prediction\na,1.5,2\nb,3,\n"))
    assert numbers.task == "regression"
    assert numbers.rows.frame["label"].tolist() == [1.5, 3.0]
    assert numbers.outputs.prediction.tolist() == [2.0, None]
    texts = read_predictions(csv('id,reference,prediction\na,Paris," Paris "\nb,Rome,\n'))
    assert texts.task == "instruction"
    assert texts.outputs.prediction.tolist() == [" Paris ", None]
    likelihoods = read_predictions(csv("id,nll_sum,n_tokens,n_bytes\na,2.5,2,8\n"))
    assert likelihoods.task == "language_modeling"
    assert likelihoods.outputs.n_tokens.tolist() == [2]
    assert likelihoods.outputs.n_bytes.tolist() == [8]


def test_seeds_are_runs_in_the_order_of_the_rows(csv):
    found = read_predictions(csv("id,label,prediction,seed\na,x,x,7\nb,y,x,7\nb,y,y,3\na,x,y,3\n"))
    assert found.seeds == (3, 7)
    assert found.rows.ids.tolist() == ["b", "a"]
    assert found.runs[3].prediction.tolist() == ["y", "y"]
    assert found.runs[7].ids.tolist() == ["b", "a"]
    assert found.runs[7].prediction.tolist() == ["x", "x"]


def test_columns_of_ones_own_stay_with_the_rows(csv):
    found = read_predictions(csv("id,label,prediction,channel,text\na,x,x,mail,hello\nb,y,x,phone,\n"))
    assert found.rows.frame["channel"].tolist() == ["mail", "phone"]
    assert found.rows.frame["text"].tolist() == ["hello", None]
    assert "prediction" not in found.rows.frame


def test_candidates_and_choices(tmp_path, csv):
    found = read_predictions(csv("id,passed,group\ns1,true,p\ns2,0,p\ns3,False,q\n"))
    assert found.outputs.n_samples.tolist() == [1, 1, 1]
    assert found.outputs.n_passed.tolist() == [1, 0, 0]
    counts = read_predictions(csv("id,n,c\np,10,3\nq,10,0\n"))
    assert counts.outputs.n_passed.tolist() == [3, 0]
    file = tmp_path / "choices.jsonl"
    lines = [
        {"id": "a", "label": 1, "choice_scores": [-3.0, -1.5], "choices": ["so", "nö"]},
        {"id": "b", "label": 0, "choice_scores": [-1.0, -2.0, -2.5], "choices": ["a", "bc", "def"]},
    ]
    file.write_text("\n".join(map(json.dumps, lines)))
    choices = read_predictions(file)
    assert choices.task == "instruction"
    np.testing.assert_array_equal(choices.outputs.choice_scores, [[-3, -1.5, np.nan], [-1, -2, -2.5]])
    np.testing.assert_array_equal(choices.outputs.choice_bytes, [[2, 3, np.nan], [1, 2, 3]])
    classes = read_predictions(file, "classification", ("0", "1", "2"))
    assert classes.outputs.prediction.tolist() == ["1", "0"]
    scored = Scorecard("classification", ("0", "1", "2"), ["multiple_choice_accuracy"]).score(
        classes.rows, classes.outputs
    )
    assert (scored.metrics["multiple_choice_accuracy"], scored.metrics["accuracy"]) == (1, 1)
    written = read_predictions(csv('id,label,choice_scores\na,1,"[-3.0, -1.5]"\n'))
    assert written.outputs.choice_scores.tolist() == [[-3, -1.5]]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("label,prediction\nx,x\n", "there is no column `id`"),
        ("id,prediction\na,x\n", "no column `reference`; the columns are id, prediction"),
        ("id,label,predicted\na,x,x\n", "no column `prediction`; the columns are id, label, predicted"),
        ("id,label,prediction\na,x,x\n,x,x\n", "1 row (line 3) have no id"),
        (
            "id,label,prediction\na,x,x\nb,x,x\na,x,x\n",
            "1 row (line 4) repeat an id that was there before, the first of them 'a'",
        ),
        ("id,label,prediction,seed\na,x,x,1\na,x,x,1\n", "repeat an id that was there before with the same seed"),
        ("id,label,prediction,seed\na,x,x,1.5\n", "1 row (line 2) have no whole number in `seed`"),
        ("id,label,prediction,seed\na,x,x,one\n", "have no finite number in `seed`"),
        (
            "id,label,prediction,seed\na,x,x,1\nb,x,x,1\na,x,x,2\n",
            "the seeds 1 and 2 are of different rows: 1 ids, the first of them 'b'",
        ),
        ("id,label,prediction,seed\na,x,x,1\na,y,x,2\n", "1 row (line 3) have another `label` than the same id"),
        ("id,label,prediction\na,x,x\nb,,x\n", "1 row (line 3) have no label"),
        (
            "id,label,probability_x,probability_y\na,x,.5,.5\nb,x,1.2,-.2\n",
            "1 row (line 3) have a probability outside [0, 1] in `probability_x`",
        ),
        (
            "id,label,probability_x,probability_y\na,x,.5,.498\nb,x,.5,.4\n",
            "2 rows (lines 2, 3) have probabilities that do not sum to 1, the first of them to 0.998",
        ),
        ("id,label,probability_x,probability_y\na,x,.5,half\n", "1 row (line 2) have no number in `probability_y`"),
        ("id,label,probability_x,probability_y\na,x,.5,\n", "1 row (line 2) have no number in `probability_y`"),
        (
            "id,label,probability_x,probability_y\na,x,1,0\nb,z,1,0\n",
            "1 row (line 3) have a label that is none of the classes: 'z'",
        ),
        ("id,label,prediction\na,1.5,2\nb,3,many\n", "1 row (line 3) have no finite number as prediction"),
        ("id,nll_sum,n_tokens\na,inf,3\n", "have no finite number in `nll_sum`"),
        ("id,nll_sum,n_tokens\na,1,-3\n", "have less than 0 in `n_tokens`"),
        ("id,passed\na,perhaps\n", "1 row (line 2) have neither true nor false in `passed`"),
        ("id,n,c\na,3,4\n", "more passed candidates (`c`) than candidates (`n`)"),
        ("id,n,c\na,0,0\n", "have less than 1 in `n`"),
        ("id,label,choice_scores\na,0,-1\n", "have no list in `choice_scores`"),
        ('id,label,choice_scores\na,0,"[-1, null]"\n', "something in the list `choice_scores` that cannot be used"),
        ('id,label,choice_scores,choice_bytes\na,0,"[-1, -2]","[3]"\n', "not as many choices"),
        ("id,label,prediction,group\na,x,x,\n", "have no group"),
    ],
)
def test_what_is_wrong_with_a_file_is_said_with_its_line(csv, text, said):
    path = csv(text)
    found = refusal(path)
    assert said in found
    assert "said.csv" in found


def test_what_the_caller_knows_is_demanded(csv):
    path = csv("id,label,prediction\na,x,x\nb,z,z\n")
    assert "label that is none of the classes: 'z'" in refusal(path, labels=("x", "y"))
    assert "have no finite number as prediction" in refusal(path, task="regression")
    assert read_predictions(csv("id,prediction\na,x\n"), "classification", ("x", "y")).outputs.labels == ("x", "y")
    probable = csv("id,label,probability_x,probability_q\na,x,.5,.5\n")
    assert "of other classes than the labels: q, y" in refusal(probable, labels=("x", "y"))


def test_probabilities_come_in_the_order_of_the_labels_that_are_known(csv):
    path = csv("id,label,probability_y,probability_x\na,x,.9,.1\n")
    found = read_predictions(path, labels=("x", "y"))
    assert found.outputs.labels == ("x", "y")
    assert found.outputs.probabilities.tolist() == [[0.1, 0.9]]
    assert found.outputs.prediction.tolist() == ["y"]


def test_lists_where_text_is_meant_are_text(tmp_path):
    file = tmp_path / "said.jsonl"
    lines = [{"id": i, "reference": ["a", "b"], "prediction": said} for i, said in enumerate([["a", "b"], ["c", "d"]])]
    file.write_text("\n".join(map(json.dumps, lines)))
    found = read_predictions(file)
    scored = Scorecard("instruction").score(found.rows, found.outputs)
    assert scored.metrics["exact_match"] == 0.5


def test_a_pickle_is_never_opened(tmp_path):
    file = tmp_path / "said.pkl"
    file.write_bytes(b"\x80\x04N.")
    assert "a pickle can run code" in refusal(file)


@pytest.mark.parametrize("ending", [".csv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.zst", ".parquet.gz"])
def test_what_is_written_is_read_again_to_the_last_bit(build, tmp_path, ending):
    rows, outputs = build.classified(30, 3, seed=1)
    rows = Rows(rows.frame.assign(text=[f'line "{i}",\nof Ünïcode' for i in range(30)], group="g"), "text_label")
    seconds = np.random.default_rng(0).random(30)
    said = Outputs(outputs.ids[::-1], outputs.prediction, outputs.probabilities, outputs.labels, seconds=seconds)
    path = write_predictions(tmp_path / "deep" / f"said{ending}", rows, said)
    found = read_predictions(path)
    pd.testing.assert_frame_equal(found.rows.frame, rows.frame, check_like=True, check_dtype=False)
    assert found.outputs.labels == said.labels
    for name, values in arrays(said).items():
        np.testing.assert_array_equal(arrays(found.outputs)[name], values[::-1], err_msg=name)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_several_seeds_choices_and_counts_are_read_again(tmp_path):
    rows = Rows(pd.DataFrame({"id": ["a", "b"], "label": ["0", "2"]}), "custom")
    scores = np.array([[-1.0, -2.0, np.nan], [-1.0, -0.5, -0.1]])
    one = Outputs(rows.ids, choice_scores=scores, n_samples=np.array([5, 5]), n_passed=np.array([0, 3]))
    two = Outputs(rows.ids, choice_scores=scores - 1, n_samples=np.array([5, 5]), n_passed=np.array([1, 1]))
    for ending in (".csv", ".jsonl", ".parquet"):
        found = read_predictions(write_predictions(tmp_path / f"said{ending}", rows, {1: one, 2: two}))
        assert found.seeds == (1, 2)
        np.testing.assert_array_equal(found.runs[2].choice_scores, scores - 1)
        assert found.runs[1].n_passed.tolist() == [0, 3]


def test_the_same_rows_give_the_same_bytes(build, tmp_path):
    rows, outputs = build.classified(5, 2, seed=2)
    first, second = (write_predictions(tmp_path / f"{n}.jsonl.gz", rows, outputs).read_bytes() for n in "ab")
    assert first == second
    assert b"NaN" not in gzip.decompress(first)


def test_another_ending_is_refused(build, tmp_path):
    rows, outputs = build.classified(5, 2, seed=2)
    with pytest.raises(DataError, match=r"`\.xlsx` is not a format of predictions"):
        write_predictions(tmp_path / "said.xlsx", rows, outputs)


def test_a_column_that_mixes_kinds_of_values_is_written_as_text(tmp_path):
    rows = Rows(pd.DataFrame({"id": ["a", "b"], "label": ["x", "y"], "note": ["n", 3]}), "custom")
    said = Outputs(rows.ids, np.array(["x", None], dtype=object))
    found = read_predictions(write_predictions(tmp_path / "said.parquet", rows, said))
    assert found.rows.frame["note"].tolist() == ["n", "3"]
    assert found.outputs.prediction.tolist() == ["x", None]

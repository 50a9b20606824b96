"""Claims about the checks of labels and of form."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from hpo.data.rows import Rows
from hpo.evaluators.check_format import FormatFaults, faults
from hpo.evaluators.check_labels import Labels, variants


def labelled(texts, labels):
    frame = pd.DataFrame({"id": [f"row{i}" for i in range(len(texts))], "text": texts})
    return Rows(frame.assign(label=pd.Series(labels, dtype=object)), "text_label")


def test_copies_with_another_label_contradict_each_other():
    scores = Labels().score(labelled(["A cat", "a cat!", "dog", "A cat", ""], ["x", "y", "y", "x", "x"]))
    assert scores.flags["contradictory_label"].tolist() == [True, True, False, True, False]
    assert scores.evidence["partner"] == ["row1", "row0", None, "row1", None]
    assert scores.evidence["labels"][1] == ["y", "x"]


def test_spellings_of_one_label_do_not_contradict_each_other():
    scores = Labels().score(labelled(["a cat", "a cat", "dog"], ["Sports", "sports ", "Sports"]))
    assert scores.stats["contradictory"].sum() == 0
    assert scores.evidence["canonical"] == [None, "Sports", None]


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"Sports": 90, "sports ": 5, "sport": 2, "news": 60}, {"sports ": "Sports", "sport": "Sports"}),
        (
            {"real-estate": 9, "Real Estate": 8, "real_estate": 1},
            {"Real Estate": "real-estate", "real_estate": "real-estate"},
        ),
        ({"politics": 100, "polotics": 1, "politcs": 2}, {"polotics": "politics", "politcs": "politics"}),
        ({"sport": 50, "sports": 50}, {}),
        ({"c": 50, "c++": 2, "c#": 1, "C": 3}, {"C": "c"}),
        ({"class1": 99, "class2": 1, "1": 99, "-1": 2, "2": 1}, {}),
        ({"cat": 99, "car": 1}, {}),
    ],
)
def test_variants_of_labels(counts, expected):
    assert variants(counts, 0.05) == expected


def test_imbalance_is_the_largest_class_over_the_smallest():
    scores = Labels().score(labelled(["a", "b", "c", "d"], ["x", "x", "x", "y"]))
    assert Labels().metrics[0].reduce(scores.stats, np.ones(4)) == 3.0


USER = {"role": "user", "content": "What?"}
ANSWER = {"role": "assistant", "content": "That."}
SYSTEM = {"role": "system", "content": "Be brief."}


@pytest.mark.parametrize(
    ("turns", "fault"),
    [
        ([USER, ANSWER], ""),
        ([SYSTEM, USER, ANSWER, USER, ANSWER], ""),
        ('[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]', ""),
        ([USER], "does not end with an answer"),
        ([ANSWER, USER], "does not end with an answer"),
        ([ANSWER], "has no question"),
        ([ANSWER, USER, ANSWER], "begins with an answer"),
        ([USER, USER, ANSWER], "two turns of the user"),
        ([USER, ANSWER, ANSWER], "two turns of the assistant"),
        ([USER, SYSTEM, ANSWER], "in the middle"),
        ([{**USER, "role": "human"}, ANSWER], "role 'human'"),
        ([USER, {"role": "assistant", "content": " "}], "empty in turn 2"),
        ([USER, {"role": "assistant"}], "missing in turn 2"),
        ([USER, {"role": "assistant", "content": ["a"]}], "no text but a list in turn 2"),
        ("What is it?", "no list of turns"),
        ([], "empty list"),
        (None, "no list of turns"),
    ],
)
def test_faults_of_conversations(turns, fault):
    told = faults(pd.DataFrame({"messages": pd.Series([turns], dtype=object)}))[0]
    assert (told == "") if not fault else (fault in told)


def test_faults_of_columns():
    frame = pd.DataFrame(
        {
            "id": ["a", "b", "c", "d"],
            "instruction": ["Say it.", None, " ", "Say it."],
            "input": ["", None, "x", ["x"]],
            "output": ["It.", "It.", {"text": "x"}, ""],
        },
        dtype=object,
    )
    scores = FormatFaults().score(Rows(frame, "instruction"))
    assert scores.flags["format_fault"].tolist() == [False, True, True, True]
    assert scores.evidence["reason"] == [
        None,
        "`instruction` is missing",
        "`instruction` is empty; `output` is no text but an object",
        "`input` is no text but a list; `output` is empty",
    ]


def test_rows_in_our_form_have_an_answer_of_their_own():
    frame = pd.DataFrame({"id": ["a", "b"], "messages": [[USER], [USER, ANSWER]], "reference": ["yes", "no"]})
    assert FormatFaults().score(Rows(frame, "messages")).flags["format_fault"].tolist() == [False, True]

"""pass@k is the chance that a draw of k candidates holds one that passes."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.evaluators.pass_at_k import PassAtK, pass_at_k
from hpo.evaluators.predictions import read_predictions
from hpo.evaluators.score import Scorecard
from hpo.objective import Outputs

REDUCE = {metric.name: metric.reduce for metric in PassAtK.metrics}


def one(n, c, k):
    return pass_at_k(np.array([float(n)]), np.array([float(c)]), k)[0]


@pytest.mark.parametrize("n", range(1, 8))
def test_it_is_the_share_of_draws_that_hold_a_right_one(n):
    for c, k in itertools.product(range(n + 1), range(1, n + 1)):
        draws = list(itertools.combinations([True] * c + [False] * (n - c), k))
        assert one(n, c, k) == pytest.approx(np.mean([any(draw) for draw in draws]))


@given(st.integers(1, 300), st.data())
def test_it_is_the_formula_of_the_paper_in_whole_numbers(n, data):
    """Chen et al. (2021), eq. 1, with exact binomials, where floating point would overflow."""
    c, k = data.draw(st.integers(0, n)), data.draw(st.integers(1, min(n, 100)))
    exact = 1 - math.comb(n - c, k) / math.comb(n, k)
    assert one(n, c, k) == pytest.approx(exact, abs=1e-12)


def test_it_is_the_papers_own_program():
    """Chen et al. (2021), figure 3: 1 - prod(1 - k / i) for i from n - c + 1 to n, at n = 200 as for HumanEval."""
    for c, k in itertools.product((0, 1, 7, 100, 150, 200), (1, 10, 100)):
        printed = 1.0 if 200 - c < k else 1 - np.prod(1 - k / np.arange(200 - c + 1, 201))
        assert one(200, c, k) == pytest.approx(printed, abs=1e-12)
    assert one(200, 3, 1) == pytest.approx(3 / 200)  # pass@1 is the share that passes


def test_too_few_candidates_are_undefined():
    assert np.isnan(one(4, 1, 5))
    stats = {"n": np.array([10.0, 4.0]), "c": np.array([3.0, 1.0]), "share": np.ones(2)}
    assert np.isnan(REDUCE["pass_at_5"](stats, np.ones(2)))
    assert REDUCE["pass_at_1"](stats, np.ones(2)) == pytest.approx((0.3 + 0.25) / 2)
    assert REDUCE["pass_at_5"](stats, np.array([1.0, 0.0])) == pytest.approx(one(10, 3, 5))


HUMAN_EVAL = """task_id,id,passed,group
HumanEval/0,a,true,HumanEval/0
HumanEval/0,b,false,HumanEval/0
HumanEval/0,c,true,HumanEval/0
HumanEval/0,d,false,HumanEval/0
HumanEval/1,e,false,HumanEval/1
HumanEval/1,f,false,HumanEval/1
"""


def test_candidates_of_a_problem_count_once_and_together(tmp_path):
    file = tmp_path / "samples.csv"
    file.write_text(HUMAN_EVAL)
    found = read_predictions(file)
    scores = PassAtK().score(found.rows, found.outputs, None)
    assert scores.stats["n"].tolist() == [4, 4, 4, 4, 2, 2]
    assert scores.stats["c"].tolist() == [2, 2, 2, 2, 0, 0]
    assert scores.groups.tolist() == ["HumanEval/0"] * 4 + ["HumanEval/1"] * 2
    # problem 0 passes with 2 of 4, problem 1 never: a mean over problems, not over candidates
    assert REDUCE["pass_at_1"](scores.stats, np.ones(6)) == pytest.approx(0.25)
    # what was generated may stand beside it, without a reference to compare it with
    outputs = replace(found.outputs, prediction=np.array(["def f(): ..."] * 6, dtype=object))
    scored = Scorecard("instruction", (), ["pass_at_1", "rouge_l"]).score(found.rows, outputs)
    assert np.isnan(scored.metrics["exact_match"]) and np.isnan(scored.metrics["rouge_l"])
    assert scored.metrics["pass_at_1"] == pytest.approx(0.25)
    card = Scorecard(found.task, (), ["pass_at_1"])
    assert card.score(found.rows, found.outputs).metrics["pass_at_1"] == pytest.approx(0.25)


def test_counts_of_problems_say_the_same_as_their_candidates(build):
    problems = build.rows([None, None], groups=["easy", "easy"])  # groups of problems are no problems
    counts = Outputs(problems.ids, n_samples=np.array([4, 2]), n_passed=np.array([2, 0]))
    scores = PassAtK().score(problems, counts, None)
    assert scores.stats["share"].tolist() == [1, 1]
    assert REDUCE["pass_at_1"](scores.stats, np.ones(2)) == pytest.approx(0.25)

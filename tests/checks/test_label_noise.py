"""Label noise: flipped labels are ranked first, the rate is covered by its interval, clean rows give next to none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.naive_bayes import ComplementNB

from hpo.checks.label_noise import SMOOTHING, Noise, label_noise, left_out, margins, noise_rate
from hpo.checks.out_of_fold import BASELINE
from hpo.data.rows import Rows
from hpo.errors import DataError
from hpo.statistics.values import Estimate

Make = Callable[..., Rows]


def flipped(rows: Rows, share: float, seed: int) -> tuple[Rows, set[str]]:
    """Rows with a share of their labels set to the next class, and which these are."""
    rng = np.random.default_rng(seed)
    names = sorted(set(rows.frame["label"]))
    frame = rows.frame.copy()
    chosen = rng.choice(len(frame), int(share * len(frame)), replace=False)
    for row in chosen:
        frame.loc[row, "label"] = names[(names.index(frame.loc[row, "label"]) + 1) % len(names)]
    return Rows(frame, rows.format), {str(frame.loc[row, "id"]) for row in chosen}


@pytest.mark.parametrize("share", [0.05, 0.2])
def test_flipped_labels_come_first_and_their_share_lies_in_the_interval(rows: Make, share: float) -> None:
    noisy, wrong = flipped(rows(600), share, seed=1)
    found = label_noise(noisy)
    first = {str(noisy.ids[row]) for row in found.order()[: 2 * len(wrong)]}
    assert len(first & wrong) >= 0.95 * len(wrong)
    assert found.estimate.low <= share <= found.estimate.high


def test_the_suggestion_is_the_label_before(rows: Make) -> None:
    clean = rows(300)
    noisy, wrong = flipped(clean, 0.05, seed=0)
    before = dict(zip(clean.ids, clean.frame["label"], strict=True))
    report = label_noise(noisy).as_dict(noisy, ["" for _ in range(300)])
    told = report["ranked"]
    assert report["agreement"] == pytest.approx(1 - len(told) / 300)  # what is not ranked, the model agrees with
    right = [each["suggested"] == before[each["id"]] for each in told if each["id"] in wrong]
    assert len(right) == len(wrong)
    assert all(right)


def test_clean_labels_have_next_to_no_noise(rows: Make) -> None:
    found = label_noise(rows(600))
    assert found.estimate.value < 0.01
    assert found.estimate.low == 0


def noise(margin: np.ndarray, high: float) -> Noise:
    """Noise of rows of which the estimate says that at most ``high`` are wrong."""
    rate = Estimate(high / 2, 0.0, high, n=len(margin), method="by hand")
    return Noise(margin, margin, np.ones(len(margin), dtype=np.int64), rate, ("a", "b"), "by hand")


@pytest.mark.parametrize(
    ("high", "contradicted", "worth"),
    [(0.05, 80, 20), (0.051, 80, 21), (0.01, 80, 10), (0.0, 80, 10), (0.05, 7, 7), (0.05, 0, 0), (0.9, 80, 80)],
)
def test_rows_worth_reading_are_contradicted_and_twice_as_many_as_may_be_wrong(
    high: float, contradicted: int, worth: int
) -> None:
    """Of 200 rows, 2 x 200 x high of them, at least 10, and never one that the model agrees with."""
    margin = np.arange(200, dtype=np.float64) - contradicted
    found = noise(margin, high)
    assert found.suspects().tolist() == list(range(worth))
    check = found.check()
    assert check.flagged == worth
    assert check.verdict == ("look" if worth else "ok")
    assert check.high == high


def test_findings_are_the_rows_worth_reading_and_the_list_goes_on(rows: Make) -> None:
    noisy, wrong = flipped(rows(600), 0.05, seed=3)
    found = label_noise(noisy)
    told, listed = found.findings(noisy, [""] * 600), found.as_dict(noisy, [""] * 600)
    assert len(told) == found.check().flagged
    assert [each.id for each in told] == [each["id"] for each in listed["ranked"]][: len(told)]
    assert wrong <= {each.id for each in told}
    assert {each.evidence["suggested"] for each in told} <= set(found.labels)
    assert f"the first {len(told)} are worth reading" in listed["method"]


def test_the_same_seed_gives_the_same_ranking(rows: Make) -> None:
    noisy, _ = flipped(rows(200), 0.1, seed=0)
    assert label_noise(noisy).order().tolist() == label_noise(noisy).order().tolist()


def test_any_objective_can_be_the_judge(rows: Make) -> None:
    noisy, wrong = flipped(rows(300), 0.1, seed=2)
    found = label_noise(noisy, BASELINE)
    first = {str(noisy.ids[row]) for row in found.order()[: 2 * len(wrong)]}
    assert len(first & wrong) >= 0.9 * len(wrong)
    assert BASELINE.name in found.method


def test_a_cluster_is_left_out_as_if_the_model_had_been_trained_without_it() -> None:
    """Against scikit-learn's complement naive Bayes, trained anew for each cluster."""
    rng = np.random.default_rng(0)
    features = csr_matrix(rng.random((24, 15)) * (rng.random((24, 15)) < 0.4))
    own, cluster = np.arange(24, dtype=np.int64) % 3, rng.integers(0, 15, 24)
    scores = left_out(features, own, cluster)
    for one in np.unique(cluster):
        held = cluster == one
        model = ComplementNB(alpha=SMOOTHING).fit(features[~held], own[~held])
        assert scores[held] == pytest.approx(model.predict_joint_log_proba(features[held]))


def test_a_class_of_which_no_row_is_left_is_no_likelier_than_any_other() -> None:
    features = csr_matrix(np.array([[1.0, 0.0, 2.0], [1.0, 1.0, 0.0], [0.0, 2.0, 1.0], [0.0, 1.0, 1.0]]))
    scores = left_out(features, np.array([0, 1, 1, 2]), np.arange(4))
    assert scores[0, 0] == scores[0, 1:].min()
    assert scores[3, 2] == scores[3, :2].min()


def test_the_least_probable_label_comes_first_and_agreed_ones_are_no_suspects() -> None:
    """A row of which all classes are possible has an improbable label, yet none that contradicts it."""
    trust, margin = np.log([0.3, 0.4, 0.05, 0.9]), np.array([0.1, -0.2, -2.0, 3.0])
    found = Noise(trust, margin, np.zeros(4, dtype=np.int64), noise(margin, 0.0).estimate, ("a", "b"), "by hand")
    assert found.order().tolist() == [2, 0, 1, 3]
    assert found.suspects().tolist() == [2, 1]


def test_rows_that_are_all_copies_have_no_one_to_judge_them(rows: Make) -> None:
    frame = rows(20).frame.assign(text="the same sentence about nothing in particular, again and again")
    with pytest.raises(DataError, match="nothing can be held out"):
        label_noise(Rows(frame, rows(20).format))


def test_the_margin_is_of_the_own_class_against_the_best_other() -> None:
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.6, 0.3]])
    margin, suggested = margins(scores, np.array([0, 2]))
    assert margin.tolist() == pytest.approx([0.5, -0.3])
    assert suggested.tolist() == [1, 1]


def test_the_rate_is_the_disagreement_on_the_surest_rows() -> None:
    """100 rows of one predicted class; of the 20 with the widest gap 5 carry the other label."""
    gap = np.arange(100, 0, -1) / 100
    scores = np.stack([gap, np.zeros(100)], axis=1)
    own = np.zeros(100, dtype=np.int64)
    own[[0, 3, 7, 11, 19, 20, 50]] = 1
    assert noise_rate(scores, own).value == pytest.approx(5 / 20)

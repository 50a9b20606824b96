"""Claims about transforms of texts and rows."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.config.transforms import TEXT_TRANSFORMS, check_names
from hpo.data.rows import Rows
from hpo.data.transforms import apply, deduplicate, of_texts
from hpo.errors import DataError, ObjectiveError


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("lowercase", "Straße ÉCOLE Abc", "straße école abc"),
        ("remove_punctuation", "Don't panic: it's 42% (or so)!", "Dont panic  its 42   or so  "),
        ("remove_punctuation", "“smart” snake_case €5 don’t", " smart  snake case  5 dont"),
        ("normalize_whitespace", "  a \t b\u00a0c \n\n d\n", "a b c\nd"),
        ("strip_html", "<p>a <b class='x'>bold</b> word</p><p>next</p>", "\na bold word\n\nnext\n"),
        ("strip_html", "<script>alert(1)</script>x<!-- note -->y<STYLE>p{}</STYLE>", "xy"),
        ("strip_html", "#include <stdio.h> if a < b and c > d, mail <me@home.org>", None),
        ("strip_html", "fish &amp; chips &#233; &lt;b&gt; &unknown; a&b AT&T; &amp;lt;", None),
        ("fix_encoding", "schÃ¶n doesnâ€™t", "schön doesn’t"),
        ("fix_encoding", "a\x00b\x1b[31mred\x1b[0m “fine” ﬁ \uff21", "abred “fine” ﬁ \uff21"),
    ],
)
def test_a_transform_does_what_it_says(name: str, before: str, after: str | None):
    known = {
        "#include <stdio.h> if a < b and c > d, mail <me@home.org>": None,
        "fish &amp; chips &#233; &lt;b&gt; &unknown; a&b AT&T; &amp;lt;": "fish & chips é <b> &unknown; a&b AT&T; &lt;",
    }
    wanted = after if after is not None else known[before] or before
    assert apply([name], [before]) == [wanted]


@given(st.lists(st.text(), max_size=5), st.sampled_from(["lowercase", "remove_punctuation", "normalize_whitespace"]))
def test_a_second_time_changes_nothing(texts: list[str], name: str):
    once = apply([name], texts)
    assert apply([name], once) == once


@given(st.text())
def test_normalised_whitespace_has_no_runs_and_no_ends(text: str):
    (after,) = apply(["normalize_whitespace"], [text])
    assert after == after.strip()
    assert not any(a.isspace() and b.isspace() for a, b in itertools.pairwise(after))


def test_transforms_run_in_the_order_they_are_named():
    assert apply(["strip_html", "normalize_whitespace"], ["<p>a</p> <p>b</p>"]) == ["a\nb"]
    assert apply(["remove_punctuation", "strip_html"], ["<p>a</p>"]) == [" p a  p "]
    assert apply([], ["As It Is"]) == ["As It Is"]


def test_texts_and_rows_are_told_apart():
    names = ["strip_html", "deduplicate", "lowercase"]
    assert of_texts(names) == ("strip_html", "lowercase")
    with pytest.raises(DataError, match="transforms rows"):
        apply(names, ["a"])


def test_an_unknown_name_gets_a_suggestion():
    (fault,) = check_names(["lower_case"], "data.preparation.preprocessing")
    assert fault.where == "data.preparation.preprocessing"
    assert fault.hint == "did you mean lowercase?"
    with pytest.raises(DataError, match="lower_case"):
        apply(["lower_case"], ["a"])


def test_names_that_are_known_have_no_fault():
    assert check_names([*TEXT_TRANSFORMS, "deduplicate", "mine.py:shout"]) == []


@pytest.mark.parametrize(
    ("names", "what"), [(["lowercase", "lowercase"], "twice"), (["mine.py"], "no function"), ([3], "3")]
)
def test_a_list_that_cannot_be_meant_is_a_fault(names: list[str], what: str):
    (fault,) = check_names(names)
    assert what in fault.what


def own(folder: Path, body: str) -> str:
    (folder / "mine.py").write_text(f"import sys\n\n\ndef shout(text):\n    {body}\n", "utf-8")
    return f"{folder}/mine.py:shout"


def test_a_function_of_ones_own_is_a_transform(tmp_path: Path):
    assert apply([own(tmp_path, "return text.upper()"), "remove_punctuation"], ["a.b"]) == ["A B"]


def test_a_changed_file_is_run_again(tmp_path: Path):
    name = own(tmp_path, "return text + '1'")
    assert apply([name], ["a"]) == ["a1"]
    own(tmp_path, "return text + '22'")
    assert apply([name], ["a"]) == ["a22"]


@pytest.mark.parametrize(
    ("body", "what", "line"),
    [
        ("return text[99]", "IndexError", 5),
        ("return len(text)", "returned int for 'a', not text", 4),
        ("return None", "returned NoneType", 4),
        ("return (", "SyntaxError", 5),
    ],
)
def test_what_goes_wrong_in_a_function_of_ones_own_is_told_with_its_line(
    tmp_path: Path, body: str, what: str, line: int
):
    name = own(tmp_path, body)
    with pytest.raises(ObjectiveError, match=what) as caught:
        apply([name], ["a"])
    assert caught.value.faults[0].where == f"{tmp_path}/mine.py:{line}"


def test_a_file_without_the_function_names_the_nearest(tmp_path: Path):
    name = own(tmp_path, "return text").replace("shout", "shuot")
    with pytest.raises(ObjectiveError, match="no function `shuot`") as caught:
        apply([name], ["a"])
    assert caught.value.faults[0].hint == "did you mean shout?"
    with pytest.raises(ObjectiveError, match="does not exist"):
        apply([f"{tmp_path}/none.py:shout"], ["a"])


def rows(**columns: list[object]) -> Rows:
    n = len(next(iter(columns.values())))
    return Rows(pd.DataFrame({"id": [str(i) for i in range(n)], **columns}, dtype=object), "custom")


def test_of_copies_the_first_stays_whatever_their_case_spaces_and_punctuation():
    copies = rows(text=["One two.", "other", "one  TWO", "\uff4f\uff4e\uff45 two", "one two three"])
    assert deduplicate(copies).tolist() == [0, 1, 4]


def test_copies_with_another_label_or_answer_stay():
    labelled = rows(text=["same", "Same!", "same", "SAME"], label=["a", "b", "a", "b"])
    assert deduplicate(labelled).tolist() == [0, 1]
    turns = [[{"role": "user", "content": "hi"}]] * 3
    assert deduplicate(rows(messages=turns, reference=["yes", "no", "yes"])).tolist() == [0, 1]


@given(st.lists(st.tuples(st.sampled_from(["a b", "A b!", "c", "C"]), st.sampled_from("xy")), min_size=1, max_size=20))
def test_every_row_that_went_has_a_copy_that_stayed(pairs: list[tuple[str, str]]):
    given_rows = rows(text=[text for text, _ in pairs], label=[label for _, label in pairs])
    kept = deduplicate(given_rows)
    key = [(text.lower().strip("!"), label) for text, label in pairs]
    assert [key[row] for row in kept] == list(dict.fromkeys(key))

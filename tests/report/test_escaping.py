"""Text from outside: it can be seen, and it does nothing."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpo.report.escaping import excerpt, label, masked, masking, script_json, visible


@given(st.text(st.characters(exclude_categories=()), max_size=60))
def test_visible_text_can_be_written_and_hides_nothing(text: str) -> None:
    shown = visible(text)
    shown.encode("utf-8")
    assert not any((ord(c) < 32 and c not in "\t\n") or 0x202A <= ord(c) <= 0x202E or c == "\ufeff" for c in shown)


def test_what_people_write_stays_as_it_is() -> None:
    text = "Käse 漢字 \u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645 👩\u200d💻\n\tend"
    assert visible(text) == text


def test_hidden_characters_are_shown_as_escapes() -> None:
    assert visible("a\x00b\u200bc\ud800d\U000e0041") == "a\\x00b\\u200bc\\ud800d\\U000e0041"
    assert visible("one\r\ntwo\rthree") == "one\ntwo\\x0dthree"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text("<>&/!-script\u2028\u2029\"'\\"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("<>&ab"), inner, max_size=3),
    max_leaves=12,
)


@given(json_values)
def test_json_in_a_script_block_cannot_end_it_and_says_the_same(value: object) -> None:
    text = script_json(value)
    assert not set("<>&\u2028\u2029") & set(text)
    shown = json.loads(json.dumps(value).replace("\\u2028", "\\\\u2028").replace("\\u2029", "\\\\u2029"))
    assert json.loads(text) == shown


def test_numbers_that_json_has_not_become_null() -> None:
    assert script_json([float("nan"), float("inf"), 1.5]) == "[null,null,1.5]"


@given(st.text(max_size=80))
def test_a_label_of_a_figure_has_no_markup_and_no_template(text: str) -> None:
    shown = label(text)
    assert "<" not in shown and "%{" not in shown and "${" not in shown and "\n" not in shown


@pytest.mark.parametrize("length", [1, 5, 40])
def test_an_excerpt_is_no_longer_than_it_may_be(length: int) -> None:
    assert excerpt("x" * length, 5) == ("x" * length if length <= 5 else "xxxx…")


@given(st.text(min_size=1, max_size=40))
def test_a_masked_value_keeps_its_length_and_no_more_than_four_of_its_characters(secret: str) -> None:
    hidden = masked(secret)
    assert len(hidden) == len(secret)
    assert sum(c != "•" for c in hidden) <= (4 if "•" not in secret else len(secret))


def test_the_longest_personal_value_is_masked_first() -> None:
    pattern = masking(["doe@x.org", "jane.doe@x.org", " "])
    assert pattern is not None and pattern.findall("from jane.doe@x.org") == ["jane.doe@x.org"]
    assert masking([]) is None

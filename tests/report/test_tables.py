"""Tables: numbers to the right, missing columns left out, everything escaped."""

from hpo.report.tables import Column, table


def test_numbers_carry_their_value_for_sorting_and_stand_to_the_right() -> None:
    made = table([Column("n", "rows", "count"), Column("p", "p", "p")], [{"n": 12345, "p": 0.0004}])
    assert 'class="right" data-value="12345">12,345</td>' in made and "&lt; .001</td>" in made


def test_a_column_without_any_value_is_left_out() -> None:
    made = table([Column("a", "first"), Column("b", "second")], [{"a": "x", "b": None}])
    assert "first" in made and "second" not in made


def test_an_interval_stands_behind_its_value() -> None:
    made = table([Column("v", "score", "number", "low", "high")], [{"v": 0.5, "low": 0.4, "high": 0.61}])
    assert "0.500 [0.400, 0.610]" in made


def test_cells_headings_and_captions_are_escaped() -> None:
    made = table([Column("a", "<i>"), Column("b", "x", "long")], [{"a": '"<b>\x1b', "b": "<u>"}], "<s>")
    assert not {"<i>", "<b>", "<u>", "<s>"} & {made[i : i + 3] for i in range(len(made))}
    assert "&lt;b&gt;\\x1b" in made


def test_no_rows_are_no_table() -> None:
    assert table([Column("a", "first")], []) == ""

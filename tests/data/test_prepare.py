"""Claims about the way from study.yaml to rows."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpo.data import class_counts, load_rows, prepare, save_splits
from hpo.errors import DataError, HpoError, ObjectiveError

ROWS = [{"text": f"row {number} says something {number * 7}", "label": "ab"[number % 2]} for number in range(40)]
TALK = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}]


def test_rows_are_split_by_class_and_named_by_their_number(study, jsonl):
    splits = prepare(study(train=jsonl(ROWS)))
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [26, 6, 8]
    assert class_counts(splits.validation) == {"a": 3, "b": 3}
    assert splits.labels == ("a", "b")
    every = sorted((id for part in (splits.train, splits.validation, splits.test) for id in part.ids), key=int)
    assert every == [str(number) for number in range(40)]


def test_files_of_their_own_stay_as_they_are(study, jsonl):
    splits = prepare(study(train=jsonl(ROWS, "a.jsonl"), validation=jsonl(ROWS[:4], "b.jsonl"), split={"test": 0.0}))
    assert [len(splits.train), len(splits.validation), splits.test] == [40, 4, None]


def test_the_fingerprint_changes_with_the_rows_and_with_what_makes_them(study, jsonl):
    train = jsonl(ROWS)
    first = prepare(study(train=train)).fingerprint
    assert prepare(study(train=train)).fingerprint == first
    assert prepare(study(train=jsonl(ROWS, "moved.jsonl"))).fingerprint == first
    others = [
        prepare(study(train=train, split={"seed": 1})),
        prepare(study(train=train, limit=30)),
        prepare(study(train=train, template="{text}")),
        prepare(study(train=jsonl([{**ROWS[0], "text": "changed words here"}, *ROWS[1:]], "changed.jsonl"))),
    ]
    assert len({first, *(other.fingerprint for other in others)}) == 5


def test_a_limit_draws_rows_that_keep_their_ids(study, jsonl):
    splits = prepare(study(train=jsonl(ROWS), limit=20))
    parts = (splits.train, splits.validation, splits.test)
    drawn = {id: text for part in parts for id, text in zip(part.ids, part.frame["text"], strict=True)}
    assert len(drawn) == 20
    assert all(text == ROWS[int(id)]["text"] for id, text in drawn.items())


def test_groups_never_straddle(study, jsonl):
    rows = [{**row, "source": f"s{number // 4}"} for number, row in enumerate(ROWS)]
    splits = prepare(study(train=jsonl(rows), split={"strategy": "group", "by": "source"}))
    groups = [set(part.groups) for part in (splits.train, splits.validation, splits.test)]
    assert not groups[0] & groups[1] and not groups[0] & groups[2] and not groups[1] & groups[2]


def test_a_time_split_tests_on_the_latest(study, jsonl):
    rows = [{**row, "day": f"2024-01-{40 - n if n > 9 else n + 1:02d}"} for n, row in enumerate(ROWS[:20])]
    splits = prepare(
        study("language_modeling", train=jsonl(rows), split={"strategy": "time", "by": "day", "test": 0.25})
    )
    days = [[rows[int(id)]["day"] for id in part.ids] for part in (splits.train, splits.validation, splits.test)]
    assert max(days[0]) < min(days[1]) and max(days[1]) < min(days[2])


def test_a_template_is_filled_in_and_does_not_make_rows_alike(study, jsonl):
    rows = [{"body": f"w{n} x{n}", "queue": "ab"[n % 2]} for n in range(20)]
    long = "Here is what a customer of ours wrote to us last week, and it is this: {body}\nWhich queue? {{one}}\n"
    splits = prepare(study(train=jsonl(rows), columns={"text": "body", "label": "queue"}, template=long))
    assert [len(splits.train), len(splits.validation), len(splits.test)] == [13, 3, 4]
    assert splits.train.frame["text"][0].endswith("Which queue? {one}\n")


def test_an_instruction_and_its_input_make_the_prompt(study, jsonl):
    rows = [{"instruction": "Add.", "input": f"{n} + 1" if n else "", "output": n + 1} for n in range(10)]
    files = {"train": jsonl(rows), "validation": jsonl(rows[:2], "v.jsonl"), "split": {"test": 0.0}}
    frame = prepare(study("instruction", **files)).train.frame
    assert frame["text"].tolist()[:2] == ["Add.\n\n", "Add.\n\n1 + 1\n\n"]
    assert frame["reference"].tolist()[:2] == ["1", "2"]


def test_the_last_turn_of_a_conversation_is_the_reference(study, jsonl):
    rows = [{"messages": [*TALK, {"role": "assistant", "content": f"Because of {n}."}]} for n in range(3)]
    files = {"train": jsonl(rows), "validation": jsonl(rows, "v.jsonl"), "split": {"test": 0.0}}
    train = prepare(study("instruction", **files)).train
    assert train.format == "messages"
    assert train.frame["messages"][0] == TALK
    assert train.frame["reference"].tolist() == ["Because of 0.", "Because of 1.", "Because of 2."]


def test_whole_numbers_and_text_name_the_same_class(study, tmp_path: Path, jsonl):
    (tmp_path / "v.csv").write_text("text,label\nsome text,1\nmore text,0\n")
    rows = [{"text": f"text {n}", "label": float(n % 2)} for n in range(6)]
    splits = prepare(study(train=jsonl(rows), validation=str(tmp_path / "v.csv"), split={"test": 0.0}))
    assert splits.labels == ("0", "1")


def test_rows_survive_the_run_folder(study, jsonl, tmp_path: Path):
    rows = [{"text": f"word {n} " + "x" * 3000, "label": n / 3} for n in range(20)]
    splits = prepare(study("regression", train=jsonl(rows)))
    save_splits(splits, tmp_path / "data")
    loaded = load_rows(tmp_path / "data" / "test.parquet")
    assert loaded.format == "text_label"
    assert loaded.frame["label"].tolist() == splits.test.frame["label"].tolist()
    assert loaded.frame["text"].str.len().max() == 2000
    assert (loaded.ids == splits.test.ids).all()


@pytest.mark.parametrize(
    ("task", "rows", "data", "told"),
    [
        ("classification", [{"txt": "a", "label": "x"}], {}, "did you mean txt?"),
        (
            "classification",
            ROWS,
            {"columns": {"text": "bodyy"}},
            "there is no column `bodyy`; the columns are text, label",
        ),
        ("classification", ROWS, {"columns": {"txt": "text"}}, "`txt` is not one of our columns"),
        ("classification", [{"text": "a"}], {}, "no column `label`"),
        ("classification", [{**row, "label": "a"} for row in ROWS], {}, "1 class ('a')"),
        ("classification", [*ROWS, {"text": "  ", "label": "a"}], {}, "1 row (line 41) have an empty `text`"),
        ("classification", [*ROWS, {"text": "x y", "label": None}], {}, "1 row (line 41) have no label"),
        (
            "classification",
            [{**row, "id": "same"} for row in ROWS],
            {},
            "39 rows (lines 2, 3, 4, 5, 6, ...) repeat an id",
        ),
        ("classification", ROWS, {"template": "{text} {label}"}, "what the model has to answer"),
        ("classification", ROWS, {"template": "{nothing}"}, "there is no column `nothing`"),
        ("classification", ROWS, {"template": "{text.__class__}"}, "not a column's name"),
        ("classification", ROWS, {"template": "{text"}, "the template is broken"),
        ("classification", [{**row, "text": "always the same text here"} for row in ROWS], {}, "split has no rows"),
        ("classification", ROWS[:2], {"split": {"test": 0.0}}, "the validation split has no rows"),
        (
            "regression",
            [{"text": "a b", "label": "high"}, {"text": "c", "label": 1}],
            {},
            "1 row (line 1) have no finite",
        ),
        ("regression", [{"text": "a b", "label": float("nan")}], {}, "no finite number"),
        ("instruction", [{"text": "a"}], {}, "no column `instruction`"),
        ("instruction", [{"instruction": "Go."}], {}, "no column `output`"),
        ("instruction", [{"messages": TALK}], {}, "do not end with an answer"),
        ("instruction", [{"messages": [{"from": "user", "value": "x"}]}], {}, "rename them"),
        ("instruction", [{"messages": "text"}], {}, "no conversation"),
        ("instruction", [{"messages": [{"role": "boss", "content": "x"}]}], {}, "a role 'boss'"),
        ("language_modeling", ROWS, {"split": {"strategy": "time", "by": "label"}}, "have no time in `label`"),
    ],
)
def test_rows_that_cannot_be_used_are_named(study, jsonl, task: str, rows: list, data: dict, told: str):
    with pytest.raises(DataError) as caught:
        prepare(study(task, train=jsonl(rows), **data))
    assert told in str(caught.value)


def test_a_class_that_only_the_test_rows_have_is_refused(study, jsonl):
    test = jsonl([{"text": "odd one", "label": "c"}], "test.jsonl")
    with pytest.raises(DataError, match="the test rows have classes that no training row has: 'c'"):
        prepare(study(train=jsonl(ROWS), test=test))


SOURCE = """
from pathlib import Path
def rows():
    log = Path(__file__).with_suffix(".log")
    log.write_text(log.read_text() + "x" if log.exists() else "x")
    for n in range(40):
        yield {"text": f"number {n} of them {n * 3}", "label": "ab"[n % 2]}
def broken():
    yield {"text": 1 / 0}
def none():
    return []
"""


def test_rows_of_a_function_are_made_once(study, tmp_path: Path):
    (tmp_path / "rows.py").write_text(SOURCE)
    first = prepare(study(source=str(tmp_path / "rows.py")))
    again = prepare(study(source=f"{tmp_path}/rows.py:rows"))
    assert first.fingerprint == again.fingerprint
    assert (tmp_path / "rows.log").read_text() == "x"
    (tmp_path / "rows.py").write_text(SOURCE.replace("range(40)", "range(60)"))
    assert len(prepare(study(source=str(tmp_path / "rows.py"))).train) == 39
    assert (tmp_path / "rows.log").read_text() == "xx"


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("rowz", SOURCE, "did you mean rows?"),
        ("broken", SOURCE, "rows.py:9: `broken` failed: ZeroDivisionError"),
        ("none", SOURCE, "yields no rows"),
        ("rows", "def rows(:\n", "rows.py:1: the rows file cannot be run: SyntaxError"),
        ("rows", "def rows():\n    yield 3\n", "row 0 is not a mapping but int"),
    ],
)
def test_a_rows_file_that_cannot_be_used_says_why(study, tmp_path: Path, name: str, content: str, told: str):
    (tmp_path / "rows.py").write_text(content)
    with pytest.raises((ObjectiveError, DataError)) as caught:
        prepare(study(source=f"{tmp_path}/rows.py:{name}"))
    assert told in str(caught.value)


def test_a_data_set_out_of_reach_is_a_data_error(study, monkeypatch: pytest.MonkeyPatch):
    datasets = pytest.importorskip("datasets", reason="needs the extra llm")

    def offline(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no network")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(DataError, match="no network"):
        prepare(study(dataset="someone/something"))


def test_splits_of_the_hub_are_named_and_their_classes_too(study, monkeypatch: pytest.MonkeyPatch):
    datasets = pytest.importorskip("datasets", reason="needs the extra llm")
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["bad", "good"])}
    )
    made = datasets.Dataset.from_dict({"text": ["one", "two"], "label": [0, 1]}, features=features)
    found = datasets.DatasetDict({"train": made, "dev": made})
    monkeypatch.setattr(datasets, "load_dataset", lambda *args, **kwargs: found)
    splits = prepare(study(dataset="someone/something", split={"test": 0.0}))
    assert splits.labels == ("bad", "good")
    assert splits.validation.frame["label"].tolist() == ["bad", "good"]


def test_a_study_without_data_is_told_so(study):
    with pytest.raises(HpoError, match="names no rows"):
        prepare(study().model_copy(update={"data": None}))

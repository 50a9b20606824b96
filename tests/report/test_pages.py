"""The pages on data and on validation: what they say first, what they hold, what cannot happen in them."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from hpo.errors import DataError
from hpo.report.data_findings import BUDGET, Mask, differences, groups
from hpo.report.data_page import write_data_page
from hpo.report.data_sentences import data_verdict
from hpo.report.page import LARGEST, Section, fill, render
from hpo.report.validation_errors import fitting
from hpo.report.validation_page import write_validation_page

Found = dict[str, Any]


WORDS = " ".join(f"word{n}" for n in range(400)) + " "


class Reader(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._inside = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = tag if tag in ("script", "style") else self._inside

    def handle_endtag(self, tag: str) -> None:
        self._inside = "" if tag == self._inside else self._inside

    def handle_data(self, data: str) -> None:
        self.text += "" if self._inside else data


def written(write: Callable[[Found, Path], None], found: Found, folder: Path) -> tuple[str, Reader]:
    write(found, folder / "page.html")
    page = (folder / "page.html").read_text(encoding="utf-8")
    return page, Reader(page)


@pytest.fixture(params=["data", "validation"])
def any_page(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, Reader]:
    found = request.getfixturevalue(f"{request.param}_found")
    return written({"data": write_data_page, "validation": write_validation_page}[request.param], found, tmp_path)


def test_a_page_is_one_small_file_that_asks_nothing_of_a_network(any_page: tuple[str, Reader]) -> None:
    page, reader = any_page
    assert len(page.encode()) < LARGEST
    for tag, attributes in reader.tags:
        for name in ("src", "href", "action", "poster", "srcset"):
            assert (attributes.get(name) or "#").startswith(("#", "data:,")), (tag, attributes)
    policy = next(values["content"] for _, values in reader.tags if values.get("http-equiv"))
    assert (
        policy is not None and policy.startswith("default-src 'none'") and "'unsafe-inline'" not in policy.split(";")[1]
    )
    assert page.count("plotly.js v") == 1


def test_text_from_data_adds_no_tag_to_a_page(any_page: tuple[str, Reader]) -> None:
    page, reader = any_page
    assert {tag for tag, _ in reader.tags} & {"img", "iframe", "object", "b" * 9, "base"} == set()
    assert "<script>document" not in page and not any(name.startswith("on") for _, a in reader.tags for name in a)
    scripts = [a for tag, a in reader.tags if tag == "script"]
    assert sum(a.get("type") != "application/json" for a in scripts) == 2
    assert "\x1b" not in page and "\\x1b[31m" in reader.text


def test_sections_come_in_the_order_of_use(any_page: tuple[str, Reader]) -> None:
    _, reader = any_page
    keys = [str(a["id"]) for tag, a in reader.tags if tag == "section"]
    assert keys[0] == "verdict" and keys[-1] == "method" and len(set(keys)) == len(keys) > 8
    links = [a["href"] for tag, a in reader.tags if tag == "a"]
    assert links == [f"#{key}" for key in keys]


def test_the_data_page_says_first_what_is_wrong_and_what_to_type(data_found: Found) -> None:
    verdict = data_verdict(data_found)
    assert verdict.state == "1 gate failed" and verdict.tone == "bad"
    assert verdict.sentences[0] == ("1 of 1 gate failed: max_near_duplicate_ratio is 0.161 and should be at most 0.05.")
    assert verdict.sentences[1] == "Read the near copies, and drop those that say the same."
    assert verdict.commands == ("hpo check-data tickets.jsonl --fix",)


def test_without_gates_the_most_harmful_check_decides_what_to_do(data_found: Found) -> None:
    data_found["gates"] = []
    data_found["checks"]["near_duplicates"]["verdict"] = "look"
    verdict = data_verdict(data_found)
    assert verdict.tone == "look" and "1 in personal data, 77 in near duplicates" in verdict.sentences[0]
    assert verdict.sentences[1].startswith("Remove the personal data")


def test_data_without_a_finding_is_said_to_be_without_one(data_found: Found) -> None:
    data_found["gates"] = []
    for check in data_found["checks"].values():
        check["verdict"] = "ok" if check["verdict"] != "not run" else "not run"
    verdict = data_verdict(data_found)
    assert (verdict.tone, verdict.sentences[0]) == ("good", "3 checks of 480 rows found nothing that stands out.")


def test_personal_data_is_masked_wherever_it_stands(data_found: Found, tmp_path: Path) -> None:
    data_found["label_noise"]["ranked"][0]["text"] = "jane.doe@example.org again"
    page, reader = written(write_data_page, data_found, tmp_path)
    assert "jane.doe@example.org" not in page
    assert reader.text.count("ja••••••••••••••••rg") == 4  # the finding, both rows of the copy, the ranked list
    assert "<mark>ja••" in page


def test_a_damaged_text_stands_beside_the_repaired_one(data_found: Found) -> None:
    shown = groups(data_found, Mask([]))[-1].cases[0]
    assert shown.sides[1].who == "repaired"
    assert "".join(text for _, text in shown.sides[1].segments) == "Ein schöner Käse"
    assert ("ins", "schöner Käse") in shown.sides[1].segments


def test_differences_mark_only_the_words_that_differ() -> None:
    left, right = differences("the big red fox runs", "the small blue fox runs")
    assert left == [("", "the "), ("del", "big red"), ("", " fox runs")]
    assert right == [("", "the "), ("ins", "small blue"), ("", " fox runs")]


def test_a_difference_far_down_a_long_text_is_still_seen() -> None:
    left, right = differences(WORDS + "old end", WORDS + "new end")
    assert ("del", "old") in left and ("ins", "new") in right
    assert sum(len(text) for _, text in left) < 300


def test_texts_of_one_word_over_and_over_are_not_aligned() -> None:
    assert differences("spam " * 300, "spam " * 299)[0][0][0] == "del"
    assert differences("spam " * 300, "spam " * 300)[0][0][0] == ""


def test_findings_take_no_more_room_than_the_page_has(data_found: Found) -> None:
    long = {**data_found["findings"][0], "text": "alpha " * 330, "partner_text": "beta " * 390}
    data_found["findings"] = [copy.copy(long) for _ in range(200)] + data_found["findings"][2:]
    data_found["findings_total"]["near_duplicates"] = 9000
    made = groups(data_found, Mask([]))
    assert made[0].total == 9000 and 1 < len(made[0].cases) < 200
    sizes = sum(len(text) for group in made for case in group.cases for side in case.sides for _, text in side.segments)
    assert sizes < BUDGET


def test_a_data_page_of_the_bare_minimum(data_found: Found, tmp_path: Path) -> None:
    for name in ("preprocessing", "label_noise", "learning_curve", "drift", "fixed", "changed", "against"):
        data_found[name] = None
    data_found.update(gates=[], findings=[], findings_total={}, next=[])
    data_found["statistics"].update(classes=None)
    _, reader = written(write_data_page, data_found, tmp_path)
    keys = [a["id"] for tag, a in reader.tags if tag == "section"]
    assert keys == ["verdict", "checks", "statistics", "method"]


def test_the_validation_page_says_first_who_is_better(validation_found: Found, tmp_path: Path) -> None:
    _, reader = written(write_validation_page, validation_found, tmp_path)
    assert "better than base: tuned" in reader.text
    assert reader.text.index("tuned is better than base on news") < reader.text.index("Against base")


def test_a_lower_score_is_better_where_the_metric_is_to_be_minimised(validation_found: Found, tmp_path: Path) -> None:
    for pair in validation_found["comparisons"]:
        pair["direction"] = "minimize"
    _, reader = written(write_validation_page, validation_found, tmp_path)
    assert "better than base: tuned" not in reader.text and "better than base: <script>" in reader.text


def test_a_validation_without_comparison_says_so(validation_found: Found, tmp_path: Path) -> None:
    for name in ("comparisons", "confidence", "roc", "confusion", "reliability", "cost", "front", "errors", "verdict"):
        validation_found[name] = []
    validation_found.update(ranks=None, ratings=None, refused=[], warnings=[], errors_total=0)
    _, reader = written(write_validation_page, validation_found, tmp_path)
    assert "nothing compared" in reader.text and "Where the models disagree" not in reader.text


def test_a_large_validation_still_fits(validation_found: Found, tmp_path: Path) -> None:
    base = validation_found["errors"][0]
    validation_found["errors"] = [{**base, "id": str(n), "text": "long text " * 200} for n in range(2000)]
    validation_found["errors_total"] = 50_000
    curve = {"fpr": [n / 199 for n in range(200)], "tpr": [n / 199 for n in range(200)], "auc": 0.5}
    matrix = {"labels": [str(n) for n in range(60)], "counts": [[1.0] * 60] * 60}
    for model in range(10):
        for data in range(6):
            named = {"model": f"m{model}", "dataset": f"d{data}"}
            validation_found["roc"] += [{**named, **curve, "label": str(n)} for n in range(12)]
            validation_found["confusion"].append({**named, **matrix})
    page, reader = written(write_validation_page, validation_found, tmp_path)
    assert len(page.encode()) < LARGEST
    assert re.search(r"of them are on this page", reader.text) and "curves are on this page" in reader.text


def test_rows_that_do_not_fit_are_thinned_evenly() -> None:
    rows = [{"id": n, "text": "x" * 100} for n in range(100)]
    kept = fitting(rows, 1500)
    assert 5 < len(kept) < 14 and kept[0]["id"] == 0 and kept[-1]["id"] >= 85
    assert fitting(rows, 10**6) == rows


def test_a_page_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    section = Section("a", "A", fill("commands.html", commands=["x"]))
    with pytest.raises(DataError, match="cannot write the page"):
        render("t", [section], tmp_path / "taken" / "page.html")

"""The pages in a real browser: nothing in the data runs, nothing is wider than a phone, filters and sorting work."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hpo.report.data_page import write_data_page
from hpo.report.validation_page import write_validation_page

pytestmark = pytest.mark.browser
Found = dict[str, Any]
WIDTHS = "[document.documentElement.scrollWidth, innerWidth]"


@pytest.fixture
def data_page(data_found: Found, tmp_path: Path) -> Path:
    write_data_page(data_found, tmp_path / "data.html")
    return tmp_path / "data.html"


@pytest.fixture
def validation_page(validation_found: Found, tmp_path: Path) -> Path:
    write_validation_page(validation_found, tmp_path / "validation.html")
    return tmp_path / "validation.html"


@pytest.mark.parametrize("kind", ["data", "validation"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (390, True)])
def test_harmful_text_does_nothing_and_the_page_fits(
    chromium: Any, request: pytest.FixtureRequest, kind: str, width: int, dark: bool
) -> None:
    page: Path = request.getfixturevalue(f"{kind}_page")
    chromium.open(page, width, dark=dark)
    title = chromium.run("document.title")
    assert title.startswith(("Data checks of tickets<script>", "Validation: news"))
    assert chromium.run("document.querySelectorAll('main img, main a').length") == 0
    assert chromium.run("[...document.querySelectorAll('.figure .plot')].every(box => box.querySelector('svg'))")
    assert chromium.run("document.querySelectorAll('svg a, svg script').length") == 0
    scroll, inner = chromium.run(WIDTHS)
    assert inner == width and scroll <= width
    assert chromium.complaints == []
    assert [url for url in chromium.requests if not url.startswith("data:")] == [page.as_uri()]


def test_a_figure_shows_harmful_names_as_text(chromium: Any, validation_page: Path) -> None:
    chromium.open(validation_page)
    shown = chromium.run("document.querySelector('#differences .plot').textContent")
    assert "<script>document.title" in shown


def test_dark_paper_has_light_ink(chromium: Any, data_page: Path) -> None:
    inks = {}
    for dark in (False, True):
        chromium.open(data_page, dark=dark)
        inks[dark] = chromium.run(
            "[getComputedStyle(document.body).color, document.querySelector('.plot .ytick text').style.fill]"
        )
    assert inks[False][0] == "rgb(28, 33, 38)" and inks[True][0] == "rgb(230, 233, 236)"
    assert inks[False][1] != inks[True][1]


def test_the_error_browser_filters_by_model_data_set_and_text(chromium: Any, validation_page: Path) -> None:
    chromium.open(validation_page)
    count = "document.querySelector('.browser .count').textContent"

    def choose(name: str, value: str) -> str:
        field = f"document.querySelector('.browser [name={name}]')"
        chromium.run(f"{field}.value = {value!r}; {field}.dispatchEvent(new Event('input', {{bubbles: true}}))")
        return str(chromium.run(count))

    assert chromium.run(count) == "30 of 30 rows"
    assert choose("right", "tuned") == "20 of 30 rows"
    assert choose("wrong", "base") == "20 of 30 rows"
    assert choose("dataset", "news") == "10 of 30 rows"
    assert choose("words", "GOAL") == "3 of 30 rows"  # rows 2, 4 and 8
    assert chromium.run("[...document.querySelectorAll('.browser .case .small')].map(each => each.textContent)") == [
        "news · r2",
        "news · r4",
        "news · r8",
    ]
    assert choose("words", "no such words") == "0 of 30 rows"
    assert "No row fits" in chromium.run("document.querySelector('.browser .cases').textContent")


def test_more_rows_are_shown_on_demand(chromium: Any, validation_page: Path) -> None:
    chromium.open(validation_page)
    cases = "document.querySelectorAll('.browser .case').length"
    before = chromium.run(cases)
    chromium.run("document.querySelector('.browser .more').click()")
    assert chromium.run(cases) == 2 * before < 30


def test_a_click_on_a_heading_sorts_numbers_as_numbers(chromium: Any, data_page: Path) -> None:
    chromium.open(data_page)
    column = "[...document.querySelectorAll('#checks tbody tr')].map(row => row.cells[3].textContent.trim())"
    button = "document.querySelectorAll('#checks th button')[3]"
    assert chromium.run(f"{button}.textContent") == "rows found"
    chromium.run(f"{button}.click()")
    assert chromium.run(column) == ["77", "1", "1", ""]
    chromium.run(f"{button}.click()")
    assert chromium.run(column) == ["1", "1", "77", ""]


def test_a_list_chooses_the_figure(chromium: Any, validation_page: Path) -> None:
    chromium.open(validation_page)
    counts = "document.querySelector('#confusion .plot').textContent"
    assert "<script" in chromium.run(counts)
    chromium.run(
        "(list => { list.value = '1'; list.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#confusion select'))"
    )
    chosen = "document.querySelector('#confusion select').selectedOptions[0].textContent"
    assert chromium.run(chosen) == "tuned · news"


def test_printed_pages_have_no_menu(chromium: Any, data_page: Path) -> None:
    chromium.open(data_page, media="print")
    assert chromium.run("getComputedStyle(document.querySelector('nav')).display") == "none"

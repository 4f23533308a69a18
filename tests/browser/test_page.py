"""The page of --load-html, as a browser shows it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import Open, Opened
from tests.browser.looking import cut_captions, sideways, text_problems, too_faint, widest_line

_STILL, _LIVE = "figure > .loadtest-picture", "figure .live svg"
_PICTURES = 3 + 4 + 4
# What stands above each figure of a table, and the title of its column; not of verdicts in the index.
_TITLED_CELLS = """
() => [...document.querySelectorAll("tbody td:not(.page-index td:first-child)")].map(cell => [
  getComputedStyle(cell, "::before").content.replace(' / ""', ""),  // not read aloud: the column's title is
  JSON.stringify(cell.closest("table").tHead.rows[0].cells[cell.cellIndex].textContent.trim()),
])
"""
A4_PX = 794 - 2 * 38  # with margins of a centimetre


def first_column(opened: Opened, n: int = 1) -> list[str]:
    return opened.page.locator(f".page-index tbody tr > :nth-child({n + 1})").all_inner_texts()


def assert_pictures_can_be_read(opened: Opened, selector: str, least_width: float) -> None:
    pictures = opened.page.locator(selector)
    assert pictures.count() == _PICTURES
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] >= least_width
        assert box["height"] > 100
        assert widest_line(picture) > least_width / 2
        assert text_problems(picture) == []


@pytest.fixture(scope="module", params=["light", "dark"])
def seen(request: pytest.FixtureRequest, made_up_page: Path, kept_page: Open) -> Opened:
    """The page as it was read from top to end."""
    opened = kept_page(made_up_page, color_scheme=request.param)
    opened.scroll_through()
    return opened


@pytest.fixture
def printed(seen: Opened) -> Iterator[Opened]:
    """The same on paper."""
    seen.page.emulate_media(media="print")
    yield seen
    seen.page.emulate_media(media="screen")


@pytest.fixture(scope="module")
def index(made_up_page: Path, kept_page: Open) -> Opened:
    """A page of which only the index is looked at: sorting it once more begins anew."""
    return kept_page(made_up_page)


@pytest.fixture(scope="module")
def phone(made_up_page: Path, kept_page: Open) -> Opened:
    opened = kept_page(made_up_page, viewport={"width": 360, "height": 740})
    opened.scroll_through()
    return opened


def test_still_pictures_are_there_without_scripts(made_up_page: Path, open_page: Open) -> None:
    opened = open_page(made_up_page, java_script_enabled=False)
    assert opened.page.locator(_STILL).count() == _PICTURES
    assert all(picture.is_visible() for picture in opened.page.locator(_STILL).all())
    assert not opened.page.locator(".page-hint").is_visible()


class TestWithScripts:
    def test_pictures_are_drawn_anew_and_nothing_is_logged_or_asked_for(
        self, seen: Opened, made_up_page: Path
    ) -> None:
        assert_pictures_can_be_read(seen, _LIVE, 400)
        assert seen.console == []
        assert seen.requests == [made_up_page.as_uri()]
        assert not seen.page.locator(_STILL).first.is_visible()

    def test_every_text_stands_out_from_what_is_behind_it(self, seen: Opened) -> None:
        assert too_faint(seen.page.locator("body")) == []


class TestPrint:
    def test_still_pictures_and_all_tables_are_on_paper(self, printed: Opened) -> None:
        assert not any(picture.is_visible() for picture in printed.page.locator(_LIVE).all())
        assert_pictures_can_be_read(printed, _STILL, 400)
        assert too_faint(printed.page.locator("body")) == []
        folded = printed.page.locator("details:not([open]) pre")
        assert folded.count() > 0
        assert all(each.is_visible() for each in folded.all())
        background = printed.page.evaluate("getComputedStyle(document.documentElement).backgroundColor")
        assert background == "rgb(255, 255, 255)"

    def test_no_text_and_no_picture_is_beyond_the_edge_of_a_sheet(
        self, made_up_page: Path, open_page: Open
    ) -> None:
        opened = open_page(made_up_page, viewport={"width": A4_PX, "height": 1000})
        opened.page.emulate_media(media="print")
        assert sideways(opened.page) == 0


class TestPointer:
    def test_it_shows_the_figures_of_the_second_it_is_at(self, made_up_page: Path, open_page: Open) -> None:
        opened = open_page(made_up_page)
        opened.scroll_through(1)
        picture = opened.page.locator(_LIVE).first
        picture.scroll_into_view_if_needed()
        picture.hover(position={"x": 250, "y": 110})
        tooltip = opened.page.locator("#vg-tooltip-element.visible")
        tooltip.wait_for()
        told = dict(line.split("\t") for line in tooltip.inner_text().splitlines())
        assert set(told) == {"time", "p50", "p95", "p99", "virtual users"}
        assert told["p50"].endswith(" ms")
        assert opened.console == []

    def test_the_wheel_zooms_with_a_key_and_scrolls_without(
        self, made_up_page: Path, open_page: Open
    ) -> None:
        opened = open_page(made_up_page)
        opened.scroll_through(1)
        page, picture = opened.page, opened.page.locator(_LIVE).first
        picture.scroll_into_view_if_needed()
        picture.hover(position={"x": 250, "y": 110})
        before, top = picture.text_content(), page.evaluate("scrollY")
        page.mouse.wheel(0, 60)
        page.wait_for_function("before => scrollY > before", arg=top)
        assert picture.text_content() == before
        picture.hover(position={"x": 250, "y": 110})
        page.keyboard.down("Shift")
        page.mouse.wheel(0, -300)
        page.wait_for_function(
            "before => document.querySelector('figure .live svg').textContent !== before", arg=before
        )


class TestIndex:
    def test_failed_ones_come_first(self, index: Opened) -> None:
        index.page.reload()
        assert first_column(index, 0) == ["failed", "failed", "passed"]

    @pytest.mark.parametrize(
        ("heading", "column", "ordered"),
        [
            pytest.param("p95", 7, ["406 ms", "156 ms", "39.2 ms"], id="latency: the slowest first"),
            pytest.param("VUs", 2, ["200", "157", "100"], id="users: as numbers"),
            pytest.param("errors", 9, ["2.58%", "0%", "0%"], id="errors: the most first"),
            pytest.param(
                "checks", 10, ["96.23%", "100%", "-"], id="checks: the worst first, unknown ones last"
            ),
        ],
    )
    def test_a_click_sorts_by_a_column_and_another_turns_it_round(
        self, index: Opened, heading: str, column: int, ordered: list[str]
    ) -> None:
        button = index.page.get_by_role("button", name=heading, exact=True)
        button.click()
        assert first_column(index, column) == ordered
        button.click()
        known = [text for text in ordered if text != "-"]
        assert first_column(index, column) == [*reversed(known), *ordered[len(known) :]]

    def test_the_keyboard_sorts_and_it_is_told_to_who_does_not_see(self, index: Opened) -> None:
        opened = index
        opened.page.get_by_role("button", name="load test", exact=True).focus()
        opened.page.keyboard.press("Enter")
        names = first_column(opened)
        assert names == sorted(names)
        heading = opened.page.get_by_role("columnheader", name="load test")
        assert heading.get_attribute("aria-sort") == "ascending"
        assert opened.page.locator("th[aria-sort]").count() == 1

    def test_a_row_leads_to_its_part(self, index: Opened) -> None:
        opened = index
        opened.page.get_by_role("link", name="tests/test_blocks.py::test_blocks_at_a_rate").first.click()
        box = opened.page.locator("#load-test-3").bounding_box()
        assert box is not None
        assert -1 <= box["y"] < 900


def test_captions_stay_in_sight_where_tables_are_scrolled(made_up_page: Path, open_page: Open) -> None:
    opened = open_page(made_up_page, viewport={"width": 600, "height": 740})
    assert sideways(opened.page) == 0
    assert opened.page.locator("caption").count() > 6
    assert cut_captions(opened.page) == []
    scrolled = opened.page.locator(".scroll").filter(has_text="Requests").last
    scrolled.evaluate("region => { region.style.width = '300px'; region.scrollLeft = 30 }")
    assert scrolled.evaluate("region => region.scrollLeft") == 30
    box = scrolled.locator("caption div").bounding_box()
    assert box is not None
    assert box["x"] >= 0


class TestPhone:
    def test_nothing_is_beyond_the_edge_nor_scrolled_into_sight(self, phone: Opened) -> None:
        assert sideways(phone.page) == 0
        assert cut_captions(phone.page) == []
        regions = phone.page.locator(".scroll, .page-index")
        assert regions.count() > 6
        assert regions.evaluate_all("all => all.filter(it => it.scrollWidth > it.clientWidth).length") == 0

    def test_each_figure_has_its_columns_title_above_it(self, phone: Opened) -> None:
        titled = phone.page.evaluate(_TITLED_CELLS)
        assert len(titled) > 100
        assert [(shown, title) for shown, title in titled if shown != title] == []

    def test_the_index_sorts(self, phone: Opened) -> None:
        before = first_column(phone)
        phone.page.get_by_role("button", name="load test").click()
        assert first_column(phone) == sorted(before)
        assert first_column(phone) != before

    def test_pictures_are_drawn_for_its_width_with_text_of_the_same_size(self, phone: Opened) -> None:
        assert_pictures_can_be_read(phone, _LIVE, 300)
        box = phone.page.locator(f"{_LIVE} text").first.bounding_box()
        assert box is not None
        assert box["height"] >= 11


def test_markup_of_a_real_run_does_nothing_and_its_short_loads_have_pictures_that_can_be_read(
    reports: Path, open_page: Open
) -> None:
    opened = open_page(reports / "page.html")
    opened.scroll_through()
    assert opened.page.title() == "Load tests: 3 of 4 passed"
    assert (opened.console, opened.dialogs) == ([], [])
    assert opened.requests == [(reports / "page.html").as_uri()]
    assert "<img src=x onerror=" in opened.page.locator("body").inner_text()
    assert opened.page.locator("img").count() == 0
    for picture in opened.page.locator(_LIVE).all():
        assert text_problems(picture) == []

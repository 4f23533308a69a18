"""Load tests in the report of pytest-html, as a browser shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.conftest import HOSTILE, Open, Opened
from tests.browser.looking import sideways, text_problems, too_faint, widest_line

_FIGURES = slice(-3, None)


def rows(opened: Opened) -> dict[str, list[str]]:
    """The cells of each row, by test, in the order they stand."""
    found = opened.page.locator("#results-table > tbody > tr.collapsible")
    cells = [row.locator("td").all_inner_texts() for row in found.all()]
    return {each[1].partition("::")[2]: each for each in cells}


@pytest.fixture
def report(reports: Path, open_page: Open) -> Opened:
    return open_page(reports / "report.html")


@pytest.fixture(scope="module")
def unfolded(reports: Path, kept_page: Open) -> Opened:
    """With every row open; for tests that only look."""
    opened = kept_page(reports / "report.html")
    opened.page.locator("#show_all_details").click()
    opened.page.locator(".loadtest").first.wait_for()
    return opened


def test_load_tests_have_figures_and_ordinary_tests_have_none(report: Opened) -> None:
    headings = report.page.locator("#results-table-head th").all_inner_texts()
    assert headings[_FIGURES] == ["p95", "Requests/s", "Errors"]
    found = rows(report)
    assert found["test_ordinary"][_FIGURES] == found["test_last"][_FIGURES] == [""] * 3
    p95, rate, errors = found["test_kept"][_FIGURES]
    assert p95.endswith("s")
    assert float(rate.replace(",", "")) > 0
    assert errors == "0"
    assert found[f"test_hostile[{HOSTILE}]"][-1] == "6 (50%)"


def test_a_test_with_loads_of_its_own_has_the_figures_of_each(report: Opened) -> None:
    assert len(rows(report)["test_own"][-2].splitlines()) == 2


@pytest.mark.parametrize("column", ["p95", "Requests/s", "Errors"])
def test_a_click_brings_the_largest_to_the_top_and_ordinary_tests_to_the_end(
    report: Opened, column: str
) -> None:
    report.page.locator("#results-table-head th", has_text=column).click()
    names = list(rows(report))
    assert set(names[-2:]) == {"test_ordinary", "test_last"}
    if column == "Errors":
        assert names[0].startswith("test_hostile")


def test_a_row_opens_to_pictures_that_can_be_read(report: Opened) -> None:
    row = report.page.locator("tbody.passed", has_text="test_kept")
    part = row.locator(".loadtest")
    assert not part.is_visible()
    row.locator(".col-result").click()
    part = report.page.locator("tbody.passed", has_text="test_kept").locator(".loadtest")
    assert part.is_visible()
    pictures = part.locator(".loadtest-picture")
    assert pictures.count() == 3
    for picture in pictures.all():
        box = picture.bounding_box()
        assert box is not None
        assert box["width"] > 300
        assert box["height"] > 100
        assert widest_line(picture) > 0
        assert text_problems(picture) == []


def test_every_text_of_a_part_stands_out_from_what_is_behind_it(unfolded: Opened) -> None:
    for part in unfolded.page.locator(".loadtest").all():
        assert too_faint(part) == []


def test_markup_does_nothing_and_is_shown(unfolded: Opened, reports: Path) -> None:
    assert unfolded.page.title() == "report.html"
    assert (unfolded.console, unfolded.dialogs) == ([], [])
    assert unfolded.requests == [(reports / "report.html").as_uri()]
    assert f"test_hostile[{HOSTILE}]" in rows(unfolded)
    assert HOSTILE in unfolded.page.locator(".loadtest", has_text="failing").first.inner_text()


def test_wide_tables_do_not_widen_the_page(unfolded: Opened) -> None:
    assert sideways(unfolded.page) == 0


def test_a_report_stays_small(reports: Path) -> None:
    assert (reports / "report.html").stat().st_size < 4 * 300_000
